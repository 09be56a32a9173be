/**
 * Settings of a node's configuration that may be voted on, with the bounds of a vote: never wider than those of the
 * file, and never such that the mesh could not be repaired by another vote (docs/decisions/0008). What belongs to one
 * machine, as its addresses, files and interface, is not among them.
 */
export interface VotableSetting {
  readonly accepts:
    | { readonly kind: 'integer'; readonly from: number; readonly to: number; readonly orAuto?: true }
    /** Minutes, hours or days: `90m`, `24h`, `7d`. */
    | { readonly kind: 'duration'; readonly fromMs: number; readonly toMs: number }
    | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** `start`: a running node goes on with what it has until it is started again. */
  readonly takesEffect: 'live' | 'start'
}

const hourMs = 3_600_000

export const votableSettings: Readonly<Record<string, VotableSetting>> = {
  'node.log_level': {
    accepts: { kind: 'choice', choices: ['debug', 'info', 'warn', 'error'] },
    takesEffect: 'live',
  },
  'network.max_neighbours': { accepts: { kind: 'integer', from: 4, to: 64 }, takesEffect: 'start' },
  'probe.interval_ms': {
    accepts: { kind: 'integer', from: 10, to: 5000, orAuto: true },
    takesEffect: 'start',
  },
  'probe.misses': { accepts: { kind: 'integer', from: 2, to: 20 }, takesEffect: 'start' },
  'fast_path.mode': { accepts: { kind: 'choice', choices: ['off', 'auto'] }, takesEffect: 'start' },
  'identity.svid_ttl': {
    accepts: { kind: 'duration', fromMs: hourMs, toMs: 30 * 24 * hourMs },
    takesEffect: 'live',
  },
  'healing.history_days': { accepts: { kind: 'integer', from: 7, to: 3650 }, takesEffect: 'start' },
  'session.renew_seconds': { accepts: { kind: 'integer', from: 30, to: 3600 }, takesEffect: 'live' },
}

/** What a setting accepts, as a phrase. */
export function votableWords({ accepts }: VotableSetting): string {
  switch (accepts.kind) {
    case 'integer':
      return `${accepts.orAuto === true ? 'auto or ' : ''}a whole number from ${accepts.from} to ${accepts.to}`
    case 'duration':
      return `a duration from ${accepts.fromMs / hourMs}h to ${accepts.toMs / hourMs}h, as 90m, 24h or 7d`
    default:
      return `one of ${accepts.choices.join(', ')}`
  }
}

/** The value as the configuration file would have it; undefined if it is none, or out of bounds. */
export function votableValue({ accepts }: VotableSetting, text: string): string | number | undefined {
  switch (accepts.kind) {
    case 'integer': {
      if (accepts.orAuto === true && text === 'auto') return text
      if (!/^(0|[1-9]\d{0,8})$/.test(text)) return undefined
      const number = Number(text)
      return number >= accepts.from && number <= accepts.to ? number : undefined
    }
    case 'duration': {
      const match = /^([1-9]\d{0,5})([mhd])$/.exec(text)
      if (match === null) return undefined
      const unitMs = { m: 60_000, h: hourMs, d: 24 * hourMs }[match[2] as 'm' | 'h' | 'd']
      const ms = Number(match[1]) * unitMs
      return ms >= accepts.fromMs && ms <= accepts.toMs ? text : undefined
    }
    default:
      return accepts.choices.includes(text) ? text : undefined
  }
}
