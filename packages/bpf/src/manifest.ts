import { messageOf, X0tError } from '@x0t/core'
import { checkObjectName } from './pin-layout.ts'

/** An attachment that a manifest wants. */
export interface ManifestAttachment {
  readonly program: string
  readonly interface?: string
  readonly direction?: 'ingress' | 'egress'
  readonly mode?: 'native' | 'generic'
  readonly cgroup?: string
  /** `OBJECT/PROGRAM` that this one must run before or after. */
  readonly before?: string
  readonly after?: string
  /** In the chain of the interface, for XDP. */
  readonly priority?: number
  readonly proceedOn?: readonly string[]
}

export interface ManifestObject {
  /** Name under which it is pinned. */
  readonly name: string
  /** Name of a shipped program, or path of an object file (relative to the manifest). */
  readonly object: string
  readonly globals?: Readonly<Record<string, number | string | boolean>>
  readonly programs?: readonly string[]
  readonly attach: readonly ManifestAttachment[]
}

/** What is to be in the kernel: objects, their globals and where their programs run. */
export interface Manifest {
  readonly objects: readonly ManifestObject[]
}

/**
 * Reads a manifest: JSON with `objects`, each of them `{ "name", "object", "globals", "programs", "attach" }`.
 * @throws X0tError BPF_MANIFEST_INVALID, naming the place
 */
export function parseManifest(text: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw invalid('', `is no JSON: ${messageOf(error)}`, error)
  }
  const { objects, ...rest } = fieldsOf(json, '')
  refuseUnknown(rest, '')
  const names = new Set<string>()
  return {
    objects: listOf(objects, 'objects').map((object, index) => {
      const parsed = parseObject(object, `objects[${index}]`)
      if (names.has(parsed.name)) throw invalid(`objects[${index}].name`, `is ${parsed.name} a second time`)
      names.add(parsed.name)
      return parsed
    }),
  }
}

function parseObject(value: unknown, at: string): ManifestObject {
  const { name, object, globals, programs, attach, ...rest } = fieldsOf(value, at)
  refuseUnknown(rest, at)
  const file = textOf(object, `${at}.object`)
  return {
    name: checkName(name === undefined ? objectNameOfFile(file) : textOf(name, `${at}.name`), `${at}.name`),
    object: file,
    ...(globals === undefined ? {} : { globals: globalsOf(globals, `${at}.globals`) }),
    ...(programs === undefined ? {} : { programs: textsOf(programs, `${at}.programs`) }),
    attach:
      attach === undefined
        ? []
        : listOf(attach, `${at}.attach`).map((one, index) => parseAttachment(one, `${at}.attach[${index}]`)),
  }
}

function parseAttachment(value: unknown, at: string): ManifestAttachment {
  const { program, direction, mode, priority, proceedOn, ...others } = fieldsOf(value, at)
  const { interface: device, cgroup, before, after, ...rest } = others
  refuseUnknown(rest, at)
  const text = (name: string, value: unknown): object =>
    value === undefined ? {} : { [name]: textOf(value, `${at}.${name}`) }
  return {
    program: textOf(program, `${at}.program`),
    ...text('interface', device),
    ...text('cgroup', cgroup),
    ...text('before', before),
    ...text('after', after),
    ...(direction === undefined
      ? {}
      : { direction: oneOf(direction, ['ingress', 'egress'] as const, `${at}.direction`) }),
    ...(mode === undefined ? {} : { mode: oneOf(mode, ['native', 'generic'] as const, `${at}.mode`) }),
    ...(priority === undefined ? {} : { priority: priorityOf(priority, `${at}.priority`) }),
    ...(proceedOn === undefined ? {} : { proceedOn: textsOf(proceedOn, `${at}.proceedOn`) }),
  }
}

/** Name of an object by its file: `./build/flow.bpf.o` is `flow`. */
export function objectNameOfFile(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.o$/, '')
    .replace(/\.bpf$/, '')
}

function checkName(name: string, at: string): string {
  try {
    return checkObjectName(name)
  } catch (error) {
    throw invalid(at, messageOf(error), error)
  }
}

function fieldsOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(at, 'is no object')
  return value as Readonly<Record<string, unknown>>
}

function refuseUnknown(rest: object, at: string): void {
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    throw invalid(at === '' ? unknown : `${at}.${unknown}`, 'is no field of a manifest')
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(at, 'is no list')
  return value
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(at, 'is no text')
  return value
}

function textsOf(value: unknown, at: string): readonly string[] {
  return listOf(value, at).map((one, index) => textOf(one, `${at}[${index}]`))
}

function oneOf<T extends string>(value: unknown, choices: readonly T[], at: string): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw invalid(at, `is none of ${choices.join(', ')}`)
  return found
}

function priorityOf(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 1000)
    throw invalid(at, 'is no whole number from 0 to 1000')
  return value
}

function globalsOf(value: unknown, at: string): Readonly<Record<string, number | string | boolean>> {
  const fields = fieldsOf(value, at)
  for (const [name, one] of Object.entries(fields))
    if (typeof one !== 'number' && typeof one !== 'string' && typeof one !== 'boolean')
      throw invalid(`${at}.${name}`, 'is no number, text, true or false')
  return fields as Readonly<Record<string, number | string | boolean>>
}

function invalid(at: string, problem: string, cause?: unknown): X0tError {
  return new X0tError('BPF_MANIFEST_INVALID', `manifest: ${at === '' ? 'the whole' : at} ${problem}`, {
    cause,
    hint: 'docs/bpf.md shows a manifest',
    exitCode: 2,
  })
}
