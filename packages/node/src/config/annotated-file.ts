import { isDerived, namedSettings, type NamedSetting } from './settings.ts'
import { toToml } from './toml-file.ts'

/** A configuration file that names every setting with its help and default, all commented out. */
export function annotatedConfigFile(): string {
  const lines = [
    '# Configuration of an x0t node. Remove the # before a setting to change it; what is shown is the default.',
    '# A flag goes before an environment variable, and that before this file. To check it: x0t config check',
  ]
  let section = ''
  for (const named of namedSettings) {
    if (named.section !== section) {
      section = named.section
      lines.push('', `[${section}]`)
    }
    const { help, kind, fallback } = named.setting
    const derived = isDerived(fallback)
    lines.push(`# ${help}`, `# (${kind.accepts}${derived ? `; default: ${fallback.words}` : ''})`)
    lines.push(`#${named.fileKey} = ${toToml(derived ? fallback.example : fallback)}`)
  }
  return `${lines.join('\n')}\n`
}

/** A setting's default as it would stand in the file, or what it is derived from. */
export function fallbackText({ setting: { fallback } }: NamedSetting): string {
  return isDerived(fallback) ? fallback.words : `\`${toToml(fallback)}\``
}
