import { X0tError } from '@x0t/core'
import { isList, toJson, type BpfValue, type JsonValue } from './bpf-value.ts'
import { createCodec } from './codec.ts'
import type { BpfMap } from './contract.ts'
import type { ProgramManifest } from './program-manifest.ts'

/** An entry of a map for people: typed by BTF, addresses as text; hexadecimal where the map has none. */
export interface MapRow {
  readonly key: BpfValue
  readonly value: BpfValue
}

/** What a map's BTF does not tell of its fields. */
export interface RowHints {
  /** Paths in the value of which the greatest of all CPUs counts, not their sum. */
  readonly greatest: ReadonlySet<string>
}

export interface MapRowOptions {
  /** A list with one value for each CPU, in place of their sum. */
  readonly perCpu?: boolean
  readonly hints?: RowHints
}

const noHints: RowHints = { greatest: new Set() }

/** What the manifest of a shipped program says of one of its maps. */
export function rowHintsOf(manifest: Pick<ProgramManifest, 'metrics'> | undefined, map: string): RowHints {
  const metrics = manifest?.metrics.filter((metric) => metric.map === map) ?? []
  return {
    greatest: new Set(metrics.flatMap(({ combine, value = '' }) => (combine === 'max' ? [value] : []))),
  }
}

/** Reads all entries of a map as rows, in batches. */
export function* readRows(
  map: BpfMap,
  { perCpu = false, hints = noHints }: MapRowOptions = {},
): Generator<MapRow> {
  const types = map.types()
  const hex = (bytes: Uint8Array): BpfValue => Buffer.from(bytes).toString('hex')
  const decoderOf = (type: number, bytes: number): ((bytes: Uint8Array) => BpfValue) => {
    if (types !== undefined && type !== 0) {
      const codec = createCodec(types.types, type, { addresses: true })
      return (bytes) => codec.decode(bytes)
    }
    // Arrays are indexed by numbers whatever their BTF says.
    return bytes === 4 && map.spec.type.includes('array')
      ? (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
      : hex
  }
  const keyOf = decoderOf(types?.keyType ?? 0, map.spec.keyBytes)
  const valueOf = types === undefined || types.valueType === 0 ? hex : decoderOf(types.valueType, 0)
  const isPerCpu = map.spec.type.includes('percpu')
  const { valueBytes } = map.spec
  const stride = Math.ceil(valueBytes / 8) * 8
  for (const [key, bytes] of map.entries()) {
    if (!isPerCpu) {
      yield { key: keyOf(key), value: valueOf(bytes) }
      continue
    }
    const values: BpfValue[] = []
    for (let at = 0; at + valueBytes <= bytes.length; at += stride)
      values.push(valueOf(bytes.subarray(at, at + valueBytes)))
    yield {
      key: keyOf(key),
      value: perCpu ? values : values.reduce((a, b) => combined(a, b, hints.greatest)),
    }
  }
}

/** Numbers are added, field by field, or the greater one stands; of what is no number the first stands. */
function combined(a: BpfValue, b: BpfValue, greatest: ReadonlySet<string>, path = ''): BpfValue {
  const isGreatest = greatest.has(path)
  if (typeof a === 'bigint' && typeof b === 'bigint')
    return isGreatest ? (a > b ? a : b) : BigInt.asUintN(64, a + b)
  if (typeof a === 'number' && typeof b === 'number') return isGreatest ? Math.max(a, b) : a + b
  const inner = (name: string): string => (path === '' ? name : `${path}.${name}`)
  if (isList(a) && isList(b))
    return a.map((one, index) => combined(one, b[index] ?? one, greatest, inner(String(index))))
  if (typeof a === 'object' && typeof b === 'object' && !isList(a) && !isList(b))
    return Object.fromEntries(
      Object.entries(a).map(([name, one]) => [name, combined(one, b[name] ?? one, greatest, inner(name))]),
    )
  return a
}

/**
 * A field of a row by its path: `key.peer`, `value.packets`, or a field of the value or the key without saying which.
 * `value` and `key` are the whole of them.
 */
export function fieldOf(row: MapRow, path: string): BpfValue | undefined {
  const [first, ...rest] = path.split('.')
  if (first === 'key' || first === 'value') return walk(row[first], rest)
  return walk(row.value, path.split('.')) ?? walk(row.key, path.split('.'))
}

function walk(value: BpfValue, path: readonly string[]): BpfValue | undefined {
  let at: BpfValue | undefined = value
  for (const name of path) {
    if (typeof at !== 'object') return undefined
    at = isList(at) ? at[Number(name)] : Object.hasOwn(at, name) ? at[name] : undefined
  }
  return at
}

/** A condition on rows, `field=value`, with `=`, `!=`, `<`, `<=`, `>` or `>=`. */
export type RowFilter = (row: MapRow) => boolean

/** @throws X0tError BPF_FILTER_INVALID */
export function parseFilter(text: string): RowFilter {
  const match = /^([\w.]+)(!=|<=|>=|=|<|>)(.*)$/s.exec(text)
  if (match === null)
    throw new X0tError('BPF_FILTER_INVALID', `${JSON.stringify(text)} is no filter: expected FIELD=VALUE`, {
      hint: '=, !=, <, <=, > and >= compare; --filter packets>=100',
      exitCode: 2,
    })
  const [, path = '', operator = '', wanted = ''] = match
  return (row) => {
    const found = fieldOf(row, path)
    if (found === undefined) return false
    const order = compare(found, wanted)
    switch (operator) {
      case '=':
        return order === 0
      case '!=':
        return order !== 0
      case '<':
        return order < 0
      case '<=':
        return order <= 0
      case '>':
        return order > 0
      default:
        return order >= 0
    }
  }
}

function compare(found: BpfValue, wanted: string): number {
  if (typeof found === 'bigint' || typeof found === 'number') {
    const number = Number(wanted)
    if (typeof found === 'bigint' && /^-?(0x)?[\da-f]+$/i.test(wanted)) return sign(found, BigInt(wanted))
    // NaN is different from everything, and neither above nor below.
    return Number.isNaN(number) ? Number.NaN : sign(Number(found), number)
  }
  const text = typeof found === 'object' ? JSON.stringify(toJson(found)) : String(found)
  return text === wanted ? 0 : text < wanted ? -1 : 1
}

function sign<T extends bigint | number>(a: T, b: T): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** Rows of a map as the options of a dump choose and order them. */
export interface RowChoice {
  readonly filters?: readonly RowFilter[]
  /** So many rows with the greatest `by`. */
  readonly top?: number
  readonly by?: string
}

/**
 * The rows that pass all filters; with `top` those with the greatest field `by`, the greatest first.
 * @throws X0tError BPF_FILTER_INVALID where no row has the field
 */
export function chooseRows(rows: Iterable<MapRow>, choice: RowChoice): readonly MapRow[] {
  const { filters = [], top, by } = choice
  const found: MapRow[] = []
  for (const row of rows) if (filters.every((filter) => filter(row))) found.push(row)
  if (top === undefined && by === undefined) return found
  const path = by ?? 'value'
  const weight = (row: MapRow): number | bigint => {
    const value = fieldOf(row, path)
    return typeof value === 'number' || typeof value === 'bigint' ? value : -1
  }
  if (found.length > 0 && found.every((row) => weight(row) === -1))
    throw new X0tError('BPF_FILTER_INVALID', `no entry has a number ${path} to order by`, {
      hint: `--by FIELD; entries look like ${JSON.stringify(rowToJson(found[0]!))}`,
      exitCode: 2,
    })
  return found.toSorted((a, b) => (weight(a) < weight(b) ? 1 : weight(a) > weight(b) ? -1 : 0)).slice(0, top)
}

export function rowToJson({ key, value }: MapRow): { readonly key: JsonValue; readonly value: JsonValue } {
  return { key: toJson(key), value: toJson(value) }
}
