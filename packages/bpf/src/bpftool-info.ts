import type { LinkInfo, MapInfo, MapSpec, ProgramInfo } from './contract.ts'
import { JsonFields } from './bpftool-json.ts'
import { linkTypes, mapTypes, programTypes } from './uapi.ts'

/** An entry of `bpftool --json prog show`. @throws X0tError BPF_BPFTOOL_UNREADABLE */
export function programInfoOf(entry: unknown): ProgramInfo {
  const fields = new JsonFields(entry)
  return {
    id: fields.number('id'),
    name: fields.text('name', ''),
    type: typeOf(fields, programTypes),
    tag: fields.text('tag'),
    mapIds: fields.numbers('map_ids'),
    loadedAtMs: fields.number('loaded_at', 0) * 1000,
    instructionBytes: fields.number('bytes_xlated'),
    jitedBytes: fields.number('bytes_jited', 0),
    verifiedInstructions: 0,
    runCount: fields.number('run_cnt', 0),
    runTimeNs: fields.number('run_time_ns', 0),
    pins: fields.texts('pinned'),
  }
}

/** An entry of `bpftool --json map show`. @throws X0tError BPF_BPFTOOL_UNREADABLE */
export function mapInfoOf(entry: unknown): MapInfo {
  const fields = new JsonFields(entry)
  const spec: MapSpec = {
    name: fields.text('name', ''),
    type: typeOf(fields, mapTypes),
    keyBytes: fields.number('bytes_key'),
    valueBytes: fields.number('bytes_value'),
    maxEntries: fields.number('max_entries'),
    flags: fields.number('flags'),
  }
  return { ...spec, id: fields.number('id'), pins: fields.texts('pinned') }
}

/** An entry of `bpftool --json link show`. @throws X0tError BPF_BPFTOOL_UNREADABLE */
export function linkInfoOf(entry: unknown): LinkInfo {
  const fields = new JsonFields(entry)
  // 7.1 tells less of where a link is than later releases.
  const place = ['devname', 'tp_name', 'cgroup_id', 'ifindex'].find((name) => fields.has(name))
  const direction = /^tcx_(ingress|egress)$/.exec(fields.text('attach_type', ''))?.[1]
  return {
    id: fields.number('id'),
    programId: fields.number('prog_id', 0),
    type: typeOf(fields, linkTypes),
    target: place === undefined ? '' : [String(fields.get(place)), direction].filter(Boolean).join(' '),
    pins: fields.texts('pinned'),
  }
}

/** bpftool prints the number of a type that came after it. */
function typeOf(fields: JsonFields, names: readonly string[]): string {
  const type = fields.get('type')
  return typeof type === 'number' ? (names[type] ?? `type ${type}`) : fields.text('type')
}
