import { z } from 'zod'
import { parseEndpoint, type Endpoint } from './endpoint.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from './units.ts'

/** A value as it stands in the file: what TOML can say, as far as settings use it. */
export type RawValue = string | number | boolean | readonly string[]

/** A kind of setting: how a raw value is checked, and how text (flag, environment) becomes a raw value. */
export interface Kind<T> {
  /** What is accepted, as a phrase: `a whole number from 1 to 64`. */
  readonly accepts: string
  readonly schema: z.ZodType<T>
  /** The raw value that a flag or a variable of this text stands for. */
  fromText(text: string): RawValue
  /** True if several flags of this setting add up. */
  readonly list: boolean
}

function kind<T>(
  accepts: string,
  schema: z.ZodType<T>,
  fromText: Kind<T>['fromText'] = (text) => text,
): Kind<T> {
  return { accepts, schema, fromText, list: false }
}

export function integerKind(from: number, to: number): Kind<number> {
  const accepts = `a whole number from ${from} to ${to}`
  const schema = z.number(accepts).int(accepts).min(from, accepts).max(to, accepts)
  return kind(accepts, schema, (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text))
}

/** Any number between two bounds. */
export function numberKind(from: number, to: number): Kind<number> {
  const accepts = `a number from ${from} to ${to}`
  const schema = z.number(accepts).min(from, accepts).max(to, accepts)
  return kind(accepts, schema, (text) => (/^-?\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : text))
}

/** A number of this kind, or the word `auto`. */
export function orAutoKind(number: Kind<number>): Kind<number | 'auto'> {
  const accepts = `auto or ${number.accepts}`
  const either = z.unknown().transform((value, context): number | 'auto' => {
    if (value === 'auto') return value
    const parsed = number.schema.safeParse(value)
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: accepts, input: value })
    return z.NEVER
  })
  return kind(accepts, either, (text) => number.fromText(text))
}

export const booleanKind: Kind<boolean> = kind('true or false', z.boolean('true or false'), booleanText)

/** One of these words; booleans stand among them where the list holds `true` and `false`. */
export function choiceKind<const T extends readonly (string | boolean)[]>(choices: T): Kind<T[number]> {
  const accepts = `one of ${choices.join(', ')}`
  const schema = z.custom<T[number]>((value) => choices.includes(value as T[number]), accepts)
  return kind(accepts, schema, choices.includes(true) ? booleanText : undefined)
}

export function textKind(accepts: string, pattern: RegExp): Kind<string> {
  return kind(accepts, z.string(accepts).regex(pattern, accepts))
}

/** A duration with units, between two bounds; the value is in milliseconds. */
export function durationKind(fromMs: number, toMs: number): Kind<number> {
  const accepts = `a duration from ${formatDurationMs(fromMs)} to ${formatDurationMs(toMs)}`
  return kind(accepts, parsedText(accepts, parseDurationMs).pipe(between(fromMs, toMs, accepts)))
}

/** A size with units, between two bounds; the value is in bytes. */
export function bytesKind(from: number, to: number): Kind<number> {
  const accepts = `a size from ${formatBytes(from)} to ${formatBytes(to)}`
  return kind(accepts, parsedText(accepts, parseBytes).pipe(between(from, to, accepts)))
}

/** A list of `host:port`, at most `most`, without doubles. */
export function endpointsKind(most: number): Kind<readonly Endpoint[]> {
  const accepts = `a list of at most ${most} host:port`
  const item = parsedText('host:port', parseEndpoint)
  const schema = z
    .array(item, accepts)
    .max(most, accepts)
    .refine(
      (list) => new Set(list.map((one) => `${one.host} ${one.port}`)).size === list.length,
      'no doubles',
    )
  return { accepts, schema, fromText: words, list: true }
}

/** What a hitless setting says: everything, one class of traffic, or one member by name, id or address. */
export type HitlessRule =
  | { readonly kind: 'all' }
  | { readonly kind: 'class'; readonly dscp: number }
  | { readonly kind: 'member'; readonly reference: string }

/** A list of `all`, `dscp:N` and members, at most `most`. */
export function hitlessKind(most: number): Kind<readonly HitlessRule[]> {
  const accepts = `a list of at most ${most} of: all, dscp:0 to dscp:63, a member's name or id`
  const schema = z.array(parsedText(accepts, parseHitlessRule), accepts).max(most, accepts)
  return { accepts, schema, fromText: words, list: true }
}

function parseHitlessRule(text: string): HitlessRule {
  if (text === 'all') return { kind: 'all' }
  const dscp = /^dscp:(\d{1,2})$/.exec(text)?.[1]
  if (dscp !== undefined && Number(dscp) < 64) return { kind: 'class', dscp: Number(dscp) }
  if (!/^[A-Za-z0-9][A-Za-z0-9.:-]{0,62}$/.test(text) || text.startsWith('dscp:'))
    throw new RangeError(`${JSON.stringify(text)} is neither all, dscp:0 to dscp:63 nor a member`)
  return { kind: 'member', reference: text }
}

/** One `host:port`, or the word `off`. */
export const endpointOrOffKind: Kind<Endpoint | 'off'> = kind(
  'host:port or off',
  parsedText('host:port or off', (text) => (text === 'off' ? text : parseEndpoint(text))),
)

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}

function parsedText<T>(accepts: string, parse: (text: string) => T): z.ZodType<T> {
  return z.string(accepts).transform((text, context): T => {
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      context.addIssue({ code: 'custom', message: error.message, input: text })
      return z.NEVER
    }
  })
}

function between(from: number, to: number, accepts: string): z.ZodType<number, number> {
  return z.number().min(from, accepts).max(to, accepts)
}

function booleanText(text: string): RawValue {
  if (['true', 'on', 'yes', '1'].includes(text)) return true
  if (['false', 'off', 'no', '0'].includes(text)) return false
  return text
}
