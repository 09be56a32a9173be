import { X0tError } from '@x0t/core'

/** Folder under which everything that `x0t bpf` keeps in the kernel is pinned. */
export const defaultPinRoot = '/sys/fs/bpf/x0t'

/** Kinds of pins; each has a folder of its own, because a pin does not tell what it is. */
export const pinKinds = ['programs', 'maps', 'links'] as const
export type PinKind = (typeof pinKinds)[number]

/**
 * What stands behind the name of an object's folder. An object is pinned in a `+loading` folder that is renamed, in one
 * step, when everything is in it; and renamed to `+unloading` before the first pin goes. So a command that is killed
 * leaves either a whole object or a folder whose name says what was going on.
 */
export type ObjectState = 'loaded' | 'loading' | 'unloading'

const objectName = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/

/** Checks the name of an object. @throws X0tError BPF_NAME_INVALID */
export function checkObjectName(name: string): string {
  if (objectName.test(name)) return name
  throw new X0tError(
    'BPF_NAME_INVALID',
    `${JSON.stringify(name)} cannot name an object: expected up to 64 letters, digits, _ and -`,
    { hint: 'x0t bpf load FILE --as NAME', exitCode: 2 },
  )
}

/** Folder of an object in one of its states. */
export function objectFolder(root: string, name: string, state: ObjectState = 'loaded'): string {
  return `${root}/${checkObjectName(name)}${state === 'loaded' ? '' : `+${state}`}`
}

/** Name and state of an object from the name of its folder; undefined for folders that are not ours. */
export function parseObjectFolder(
  folder: string,
): { readonly name: string; readonly state: ObjectState } | undefined {
  const [name = '', state, ...rest] = folder.split('+')
  if (!objectName.test(name) || rest.length > 0) return undefined
  if (state === undefined) return { name, state: 'loaded' }
  return state === 'loading' || state === 'unloading' ? { name, state } : undefined
}

const escaped: Readonly<Record<string, string>> = { '.': '+', '/': '%' }
const unescaped: Readonly<Record<string, string>> = { '+': '.', '%': '/' }
const maxPinNameBytes = 200

/** Name of a pin: bpffs allows no dots, and a path is no file name. `.rodata` becomes `+rodata`. */
export function pinName(name: string): string {
  const pin = name.replaceAll(/[./]/g, (letter) => escaped[letter]!)
  if (name === '' || /[+%\0]/.test(name) || Buffer.byteLength(pin) > maxPinNameBytes)
    throw new X0tError('BPF_NAME_INVALID', `${JSON.stringify(name)} cannot be the name of a pin`, {
      hint: `names have up to ${maxPinNameBytes} bytes, and no + or %`,
    })
  return pin
}

/** What a pin is named after; the inverse of `pinName`. */
export function nameOfPin(pin: string): string {
  return pin.replaceAll(/[+%]/g, (letter) => unescaped[letter]!)
}
