/** A record of the log as pino writes it. */
export interface LogRecord {
  readonly level: string
  readonly time: string
  readonly event: string
  readonly [field: string]: unknown
}

const levelColours: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 }

/** One readable line of a record: time, level, event, then `field=value`. Colour is an extra, never the meaning. */
export function textLine(record: LogRecord, { colour }: { readonly colour: boolean }): string {
  const { level, time, event, ...fields } = record
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const parts = Object.entries(fields).map(
    ([name, value]) => `${paint(90, `${printable(name)}=`)}${shown(value)}`,
  )
  const clock = time.slice(11, 23)
  const label = paint(levelColours[level] ?? 0, level.toUpperCase().padEnd(5))
  return [paint(90, clock), label, printable(event).padEnd(parts.length === 0 ? 0 : 24), ...parts]
    .join(' ')
    .trimEnd()
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return printable(JSON.stringify(value) ?? 'undefined')
  return /^[\w.:/@%+-]+$/.test(value) ? value : printable(JSON.stringify(value))
}

/** Text without control characters: a name chosen by a peer must not move the cursor. */
export function printable(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
