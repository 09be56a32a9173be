import { Attributes } from './attributes.ts'
import { codeOf, failure } from './bpf-failure.ts'
import type { MapSpec } from './contract.ts'
import { adoptMap, type NativeMap } from './native-map.ts'
import { possibleCpus } from './per-cpu.ts'
import { errno, mapTypes } from './uapi.ts'

/**
 * Makes a map. @param types descriptor of BTF (-1 without), and the ids of types therein
 * @throws X0tError BPF_NOT_PERMITTED, BPF_UNSUPPORTED, BPF_CALL_FAILED
 */
export function createMap(
  spec: MapSpec,
  types: { readonly btf: number; readonly key: number; readonly value: number },
): NativeMap {
  const number = mapTypes.indexOf(spec.type as (typeof mapTypes)[number])
  const perCpuEntries = spec.type === 'perf_event_array' && spec.maxEntries === 0
  const attributes = new Attributes(72)
    .u32(0, number)
    .u32(4, spec.keyBytes)
    .u32(8, spec.valueBytes)
    .u32(12, perCpuEntries ? possibleCpus() : spec.maxEntries)
    .u32(16, spec.flags)
    .name(28, spec.name)
  if (types.btf >= 0 && !withoutBtf.has(spec.type)) {
    attributes.u32(48, types.btf).u32(52, types.key).u32(56, types.value)
  }
  const fd = attributes.call('MAP_CREATE')
  if (fd < 0) {
    const code = fd === -errno.EINVAL ? 'BPF_UNSUPPORTED' : codeOf(-fd)
    throw failure(`map ${spec.name} (${spec.type}) could not be created`, fd, { code })
  }
  return adoptMap(fd, spec.name)
}

/** Types of map for which the kernel takes no BTF. */
const withoutBtf = new Set([
  'perf_event_array',
  'cgroup_array',
  'stack_trace',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'devmap_hash',
  'cpumap',
  'xskmap',
  'sockmap',
  'sockhash',
  'prog_array',
  'ringbuf',
])
