import type { ConfigEntry } from '@x0t/node/config'
import type { Config } from '@x0t/local-api'
import { columns } from './table.ts'

export function configView(entries: readonly ConfigEntry[]): string {
  return columns(
    ['SETTING', 'VALUE', 'FROM'],
    entries.map(({ key, value, origin, beneath }) => [
      key,
      typeof value === 'object' ? value.join(', ') || '(none)' : String(value),
      `${originWords(origin)}${beneath === undefined ? '' : `; without it ${String(beneath.value)}, ${originWords(beneath.origin)}`}`,
    ]),
  )
}

export function runningConfigView({ settings }: Config): string {
  return columns(
    ['SETTING', 'VALUE', 'FROM'],
    settings.map(({ name, value, source, at, next }) => [
      name,
      Array.isArray(value) ? value.join(', ') || '(none)' : String(value),
      `${at === undefined ? source : `${source} ${at}`}${
        next === undefined
          ? ''
          : `; from the next start ${String(next.value)}, ${next.proposal === null ? 'as without a vote' : `vote ${next.proposal}`}`
      }`,
    ]),
  )
}

function originWords({ source, at }: ConfigEntry['origin']): string {
  return source === 'default' ? 'default' : `${source} ${at}`
}
