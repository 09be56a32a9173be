import { fallbackText } from './annotated-file.ts'
import { namedSettings } from './settings.ts'

/** The reference of all settings as Markdown: `docs/configuration.md`. */
export function configReference(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Made by tools/write-config-reference.ts from packages/node/src/config/settings.ts; do not edit. -->',
    '',
    'A node reads `config.toml` in its home: `--home`, else `$X0T_HOME`, else `/var/lib/x0t` for root, else',
    '`$XDG_STATE_HOME/x0t` (`~/.local/state/x0t`). A value comes from the flag, else the environment variable,',
    'else a vote of the DAO, else the file, else the default; `x0t config show` tells which. An unknown key is an error.',
    '',
    '```sh',
    'x0t config init     # writes a file that names every setting',
    'x0t config check    # says what is wrong, with line numbers; exit code 3',
    'x0t config show     # every value and where it came from',
    'x0t node start --set probe.interval_ms=50',
    '```',
    '',
    'In an environment variable the items of a list are separated by commas or spaces.',
  ]
  let section = ''
  for (const named of namedSettings) {
    if (named.section !== section) {
      section = named.section
      lines.push('', `## [${section}]`, '')
    }
    const { kind, flag, help } = named.setting
    lines.push(
      `- \`${named.fileKey}\` · ${kind.accepts} · default ${fallbackText(named)}  `,
      `  ${help}  `,
      `  ${flag === undefined ? '' : `\`${flag}\`, `}\`${named.variable}\``,
    )
  }
  return `${lines.join('\n')}\n`
}
