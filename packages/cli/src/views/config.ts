import type { ConfigEntry } from '@x0t/node/config'
import type { Config } from '@x0t/local-api'
import { columns } from './table.ts'

export function configView(entries: readonly ConfigEntry[]): string {
  return columns(
    ['SETTING', 'VALUE', 'FROM'],
    entries.map(({ key, value, origin }) => [
      key,
      typeof value === 'object' ? value.join(', ') || '(none)' : String(value),
      origin.source === 'default' ? 'default' : `${origin.source} ${origin.at}`,
    ]),
  )
}

export function runningConfigView({ settings }: Config): string {
  return columns(
    ['SETTING', 'VALUE', 'FROM'],
    settings.map(({ name, value, source }) => [
      name,
      Array.isArray(value) ? value.join(', ') || '(none)' : String(value),
      source,
    ]),
  )
}
