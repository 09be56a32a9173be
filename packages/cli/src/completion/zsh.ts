import type { CompletedCommand } from './command-tree.ts'

/** A completion script for zsh, to be put into a folder of $fpath as `_x0t`, or evaluated. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const below = commands.slice(1).map(({ path }) => path)
  const values = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.takesValue)
      .map((option) => {
        const patterns = option.flags.map((flag) => quoted(`${path} ${flag}`)).join('|')
        const action = option.choices.length === 0 ? '_files' : `compadd -- ${option.choices.join(' ')}`
        return `    (${patterns}) ${action}; return ;;`
      }),
  )
  const entries = commands.map(({ path, subcommands, options }) => {
    const names = subcommands.map(({ name, help }) => described(name, help))
    const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.help)))
    return `    (${quoted(path)}) subcommands=(${names.join(' ')}); options=(${flags.join(' ')}) ;;`
  })
  return `#compdef x0t
# zsh completion of x0t; in ~/.zshrc, after compinit: eval "$(x0t completion zsh)"
_x0t() {
  local path_=x0t prev=\${words[CURRENT-1]} i
  local -a subcommands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ \${words[i]}" in
    (${below.map(quoted).join('|')}) path_="$path_ \${words[i]}" ;;
    esac
  done
  case "$path_ $prev" in
${values.join('\n')}
  esac
  case "$path_" in
${entries.join('\n')}
  esac
  (( $#subcommands )) && _describe -t commands command subcommands
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o -t options option options; elif (( ! $#subcommands )); then _files; fi
}
if [[ $funcstack[1] == _x0t ]]; then _x0t "$@"; else compdef _x0t x0t; fi
`
}

/** `name:help`, as _describe wants it. */
function described(name: string, help: string): string {
  return quoted(`${name.replaceAll(':', String.raw`\:`)}:${help}`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
