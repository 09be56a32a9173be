import { X0tError } from '@x0t/core'
import { linkInfoOf, mapInfoOf, programInfoOf } from './bpftool-info.ts'
import { JsonFields, listOf } from './bpftool-json.ts'
import { loadWithBpftool } from './bpftool-load.ts'
import { BpftoolMap, nativeHint } from './bpftool-map.ts'
import { BpftoolLink, BpftoolProgram } from './bpftool-program.ts'
import { Bpftool, systemBpftool, type RunBpftool } from './bpftool-run.ts'
import type { BpfBackend, ObjectRef } from './contract.ts'
import { defaultPinRoot } from './pin-layout.ts'

export interface BpftoolBackendOptions {
  /** Runs bpftool; that of this machine where absent. */
  readonly run?: RunBpftool
  /** Root of pins in a BPF file system; what is loaded is pinned under it until disposal, for bpftool keeps nothing open. */
  readonly pinFolder?: string
}

/**
 * The back end for a Node.js without node:ffi: it calls bpftool (Debian package `bpftool`, 7.1 or later). It can load
 * whole objects, read and write maps, pin, list, test programs, and attach XDP and cgroup programs; tcx, tracepoints,
 * replacing the program of a link, ring buffers, memory of maps, live frames and statistics give BPF_UNSUPPORTED.
 * @throws X0tError BPF_BPFTOOL_MISSING
 */
export async function openBpftoolBackend({
  run,
  pinFolder = defaultPinRoot,
}: BpftoolBackendOptions = {}): Promise<BpfBackend> {
  const tool = new Bpftool(run ?? (await systemBpftool()))
  tool.json('bpftool could not be asked for its version', ['version'])
  const open = (noun: 'map' | 'prog' | 'link', ref: ObjectRef): unknown => {
    const name = 'id' in ref ? String(ref.id) : ref.pin
    return tool.json(`${noun} ${name} could not be opened`, [
      noun,
      'show',
      'id' in ref ? 'id' : 'pinned',
      name,
    ])
  }
  const list = (noun: 'map' | 'prog' | 'link'): readonly unknown[] =>
    listOf(tool.json('what is loaded could not be listed', ['--bpffs', noun, 'show']) ?? [])
  return {
    name: 'bpftool',
    load: async (object, options = {}) => loadWithBpftool(tool, pinFolder, object, options),
    openMap: async (ref) => new BpftoolMap(tool, open('map', ref)),
    openProgram: async (ref) => new BpftoolProgram(tool, open('prog', ref)),
    openLink: async (ref) => new BpftoolLink(tool, new JsonFields(open('link', ref)).number('id')),
    listPrograms: async () => list('prog').map(programInfoOf),
    listMaps: async () => list('map').map(mapInfoOf),
    listLinks: async () => list('link').map(linkInfoOf),
    enableStatistics() {
      throw new X0tError('BPF_UNSUPPORTED', 'bpftool cannot turn statistics on', { hint: nativeHint })
    },
  }
}
