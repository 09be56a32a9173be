import { types } from 'node:util'

/** Names of fields whose value never reaches a log, at any depth, whatever their case and separators. */
export const redactedNames: readonly string[] = [
  'authorization',
  'cookie',
  'jointoken',
  'key',
  'keymaterial',
  'masterseed',
  'mnemonic',
  'passphrase',
  'password',
  'pem',
  'plaintext',
  'privatekey',
  'psk',
  'secret',
  'secretkey',
  'seed',
  'sharedsecret',
  'token',
]

const redacted = new Set(redactedNames)
const maxDepth = 6
const maxItems = 64
const maxTextLength = 2_000

/** The text that stands in a log for what must not be there. */
export const censored = '[redacted]'

/**
 * Fields as they may be logged: no secrets by name, no join tokens, no raw bytes, nothing deep or endless.
 * Bytes become their count, big integers text, errors their code, message, hint and cause.
 */
export function loggable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return table(fields, 0)
}

function value(one: unknown, depth: number): unknown {
  switch (typeof one) {
    case 'string':
      return text(one)
    case 'bigint':
      return one.toString()
    case 'function':
    case 'symbol':
      return `[${typeof one}]`
    case 'object':
      return one === null ? null : composite(one, depth)
    default:
      return one
  }
}

function composite(one: object, depth: number): unknown {
  if (one instanceof Date) return Number.isNaN(one.getTime()) ? null : one.toISOString()
  if (ArrayBuffer.isView(one) || types.isAnyArrayBuffer(one)) return `[${one.byteLength} bytes]`
  if (one instanceof Error) return error(one, depth)
  if (depth >= maxDepth) return '[deep]'
  if (one instanceof Set || Array.isArray(one))
    return [...one].slice(0, maxItems).map((item: unknown) => value(item, depth + 1))
  if (one instanceof Map) return table(Object.fromEntries(one) as Record<string, unknown>, depth + 1)
  // A KeyObject has no own fields to show, and nobody should look.
  if (types.isKeyObject(one) || types.isCryptoKey(one)) return censored
  return table(one as Record<string, unknown>, depth + 1)
}

function table(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(fields).slice(0, maxItems)) {
    if (one === undefined) continue
    const hidden = redacted.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
    clean[name] = hidden ? censored : value(one, depth)
  }
  return clean
}

function error(one: Error, depth: number): unknown {
  const { code, hint } = one as { code?: unknown; hint?: unknown }
  return {
    ...(typeof code === 'string' ? { code } : {}),
    message: text(one.message),
    ...(typeof hint === 'string' ? { hint: text(hint) } : {}),
    ...(one.cause === undefined || depth >= maxDepth ? {} : { cause: value(one.cause, depth + 1) }),
    // A stack helps where nobody foresaw the error; foreseen ones have a code.
    ...(code === undefined && one.stack !== undefined ? { stack: text(one.stack) } : {}),
  }
}

/** Text without join tokens (`x0t1` and 40 characters or more) and PEM blocks, cut to a length. */
function text(one: string): string {
  const clean = one
    .replaceAll(
      /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
      censored,
    )
    .replaceAll(/\bAGE-SECRET-KEY-[A-Z0-9-]+/g, censored)
    .replaceAll(tokenPattern, censored)
  return clean.length > maxTextLength ? `${clean.slice(0, maxTextLength)}…` : clean
}

const tokenPattern = /\bx0t\d+[-_.:]?[A-Za-z0-9_+/=-]{40,}/g
