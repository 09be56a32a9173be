import type { CompletedCommand, CompletedOption } from './command-tree.ts'

/** A completion script for fish: `x0t completion fish > ~/.config/fish/completions/x0t.fish`. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, subcommands, options }) => {
    const here = `complete -c x0t -n ${quoted(`__x0t_at ${quoted(path)}`)}`
    return [
      ...subcommands.map(({ name, help }) => `${here} -f -a ${quoted(name)} -d ${quoted(help)}`),
      ...options.map((option) => `${here} ${optionWords(option)}`),
    ]
  })
  const below = commands.slice(1).map(({ path }) => quoted(path))
  return `# fish completion of x0t
function __x0t_at
  set -l path x0t
  for word in (commandline -opc)[2..-1]
    if contains -- "$path $word" ${below.join(' ')}
      set path "$path $word"
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`
}

function optionWords({ flags, help, takesValue, choices }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const value = takesValue ? (choices.length === 0 ? ['-r'] : ['-x', '-a', quoted(choices.join(' '))]) : []
  return [...names, ...value, '-d', quoted(help)].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`)}'`
}
