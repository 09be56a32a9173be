import { isIPv4, isIPv6 } from 'node:net'
import { formatIpv6 } from '@x0t/core'
import { valueInvalid, type Layout } from './layout.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text that a terminal shows as it is: no control or format characters, no lone surrogates. */
const printable = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u

/** `char[]`: text up to the first NUL if the rest is NUL too and the text is printable; else `numbers`. */
export function charactersLayout(numbers: Layout): Layout {
  return {
    ...numbers,
    read(view, at) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, numbers.bytes)
      return textOf(bytes) ?? numbers.read(view, at)
    },
    write(view, at, value, path, onTop) {
      if (typeof value !== 'string') return numbers.write(view, at, value, path, onTop)
      const text = Buffer.from(value)
      if (text.length > numbers.bytes || value.includes('\0') || !value.isWellFormed())
        throw valueInvalid(path, value, `text of at most ${numbers.bytes} bytes without NUL`)
      const place = new Uint8Array(view.buffer, view.byteOffset + at, numbers.bytes)
      place.fill(0)
      place.set(text)
    },
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0)
  const text = end < 0 ? bytes : bytes.subarray(0, end)
  if (end >= 0 && bytes.subarray(end).some((byte) => byte !== 0)) return undefined
  try {
    const decoded = decoder.decode(text)
    return printable.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/** Kinds of network address that bytes can be shown as. */
export type AddressKind = 'mac' | 'ipv4' | 'ipv6'

/** Shows the bytes of `plain` as an address; takes the address, or what `plain` takes. */
export function addressLayout(kind: AddressKind, plain: Layout): Layout {
  const { format, parse, example } = addresses[kind]
  return {
    ...plain,
    read: (view, at) => format(new Uint8Array(view.buffer, view.byteOffset + at, plain.bytes)),
    write(view, at, value, path, onTop) {
      if (typeof value !== 'string' || !/[.:]/.test(value)) return plain.write(view, at, value, path, onTop)
      const bytes = parse(value)
      if (bytes === undefined) throw valueInvalid(path, value, `an address like ${example}`)
      new Uint8Array(view.buffer, view.byteOffset + at, plain.bytes).set(bytes)
    },
  }
}

interface AddressText {
  readonly format: (bytes: Uint8Array) => string
  readonly parse: (text: string) => Uint8Array | undefined
  readonly example: string
}

const addresses: Readonly<Record<AddressKind, AddressText>> = {
  mac: {
    format: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    parse: (text) =>
      /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(text)
        ? Buffer.from(text.replaceAll(':', ''), 'hex')
        : undefined,
    example: '02:00:00:00:00:01',
  },
  ipv4: {
    format: (bytes) => bytes.join('.'),
    parse: (text) => (isIPv4(text) ? Uint8Array.from(text.split('.'), Number) : undefined),
    example: '192.0.2.1',
  },
  ipv6: {
    // Programs keep both kinds in 16 bytes, IPv4 mapped into IPv6: people know the address by its own form.
    format: (bytes) => (isMapped(bytes) ? bytes.subarray(12).join('.') : formatIpv6(bytes)),
    parse: (text) =>
      isIPv4(text) ? Uint8Array.from([...mappedPrefix, ...text.split('.').map(Number)]) : parseIpv6(text),
    example: '2001:db8::1',
  },
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const

function isMapped(bytes: Uint8Array): boolean {
  return mappedPrefix.every((byte, at) => bytes[at] === byte)
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined
  // The host of a URL is in canonical form: at most one `::`, no dotted tail.
  const [left = '', right] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groupsOf = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const before = groupsOf(left)
  const after = groupsOf(right ?? '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
