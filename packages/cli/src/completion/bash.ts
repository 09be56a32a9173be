import type { CompletedCommand } from './command-tree.ts'

/** A completion script for bash 4 and newer. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const below = commands.slice(1).map(({ path }) => path)
  const values = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.takesValue)
      .map((option) => {
        const patterns = option.flags.map((flag) => quoted(`${path} ${flag}`)).join('|')
        const words = option.choices.length === 0 ? '-f' : `-W ${quoted(option.choices.join(' '))}`
        return `    ${patterns}) mapfile -t COMPREPLY < <(compgen ${words} -- "$cur"); return ;;`
      }),
  )
  const words = commands.map(({ path, subcommands, options }) => {
    const all = [...subcommands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)]
    return `    ${quoted(path)}) words=${quoted(all.join(' '))} ;;`
  })
  return `# bash completion of x0t; in ~/.bashrc: eval "$(x0t completion bash)"
_x0t() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path=x0t words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
    ${below.map(quoted).join('|')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $prev" in
${values.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _x0t x0t
`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
