import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { BpfBackend, BpfLink, BpfMap, BpfProgram, LoadOptions, Refusal } from '@x0t/bpf'
import { X0tError } from '@x0t/core'
import type { FastPathHost } from '../../src/fast-path-host.ts'
import { mapNames, type FastPathMaps } from '../../src/fast-path-maps.ts'
import { fakeMaps } from './fake-maps.ts'

/** A kernel's BPF as the fast path uses it; pins are files that hold a number. */
export function fakeBpf() {
  const objects: unknown[] = []
  const pinned = (thing: object) => (path: string) => {
    if (existsSync(path)) throw new X0tError('BPF_PIN_FAILED', `${path} is there`)
    writeFileSync(path, String(objects.push(thing) - 1))
  }
  const open = (path: string): unknown => {
    if (!existsSync(path)) throw new X0tError('BPF_OBJECT_NOT_FOUND', path)
    return objects[Number(readFileSync(path, 'utf8'))]
  }
  const fake = {
    /** What `attach` throws, by `<interface> <mode>`. */
    attachErrors: new Map<string, X0tError>(),
    loadError: undefined as X0tError | undefined,
    refusals: [] as Refusal[],
    /** Size of the values of fastpath_link. */
    linkBytes: mapNames.links.valueBytes as number,
    attached: [] as string[],
    updated: [] as string[],
    tokens: [] as { readonly ifindex: number; readonly bytes: number }[],
    tokenError: undefined as Error | undefined,
    listeners: new Set<(event: Uint8Array) => void>(),
    /** The maps of the first load. */
    memory: fakeMaps(),
  }
  const makeMap = (key: keyof FastPathMaps): BpfMap => {
    const { name, valueBytes } = mapNames[key]
    const map = {
      ...fake.memory.maps[key],
      spec: { name, valueBytes: key === 'links' ? fake.linkBytes : valueBytes },
      onEvent(listener: (event: Uint8Array) => void) {
        fake.listeners.add(listener)
        return { [Symbol.dispose]: () => void fake.listeners.delete(listener) }
      },
      pin: (path: string) => pinned(map)(path),
      [Symbol.dispose]() {},
    }
    return map as unknown as BpfMap
  }
  const makeProgram = (name: string): BpfProgram => {
    const program = {
      spec: { name },
      pin: (path: string) => pinned(program)(path),
      attach(target: { readonly interface: string; readonly mode?: string }) {
        const where = `${target.interface} ${target.mode ?? 'tcx'}`
        const error = fake.attachErrors.get(where)
        if (error !== undefined) throw error
        fake.attached.push(where)
        const link = {
          pin: (path: string) => pinned(link)(path),
          update: () => void fake.updated.push(where),
          [Symbol.dispose]() {},
        }
        return link as unknown as BpfLink
      },
      sendLive(packet: Uint8Array, { ifindex }: { readonly ifindex: number }) {
        if (fake.tokenError !== undefined) throw fake.tokenError
        fake.tokens.push({ ifindex, bytes: packet.length })
      },
      [Symbol.dispose]() {},
    }
    return program as unknown as BpfProgram
  }
  const backend = {
    name: 'memory',
    async load(_object: Uint8Array, { programs = [], maps = {} }: LoadOptions = {}) {
      if (fake.loadError !== undefined) throw fake.loadError
      const refused = new Set(fake.refusals.map(({ program }) => program))
      return {
        programs: new Map(
          programs.filter((name) => !refused.has(name)).map((name) => [name, makeProgram(name)]),
        ),
        maps: new Map(
          Object.entries(mapNames).map(([key, { name }]) => [
            name,
            maps[name] ?? makeMap(key as keyof FastPathMaps),
          ]),
        ),
        refusals: fake.refusals,
        logs: new Map(),
        [Symbol.dispose]() {},
      }
    },
    openMap: async ({ pin }: { readonly pin: string }) => open(pin),
    openLink: async ({ pin }: { readonly pin: string }) => open(pin),
  } as unknown as BpfBackend
  return Object.assign(fake, { backend })
}

/** A system with eth0, and interfaces and queues as `ip` and `tc` are told. */
export function fakeHost() {
  const devices = new Map<string, { readonly ifindex: number; alias: string | undefined }>()
  const timers = new Set<() => void>()
  const host = {
    commands: [] as string[],
    /** Commands that begin with a key fail with its text. */
    failures: new Map<string, string>(),
    devices,
    underlay: ['eth0'],
    /** Interfaces that send nothing that a program redirects to them. */
    mute: [] as string[],
    hasTypes: true,
    nowNs: 20_000_000_000n,
    /** Lets time pass, as far as timers of 250 ms notice. */
    pass(ms: number) {
      for (const end = host.nowNs + BigInt(ms) * 1_000_000n; host.nowNs < end;) {
        host.nowNs += 250_000_000n
        for (const timer of timers) timer()
      }
    },
    async run(command: string, args: readonly string[]) {
      const line = [command, ...args].join(' ')
      host.commands.push(line)
      for (const [start, text] of host.failures)
        if (line.startsWith(start)) throw new Error(`${line}: ${text}`)
      const show = /^ip -json link show dev (\S+)$/.exec(line)?.[1]
      if (show !== undefined) {
        const device = devices.get(show)
        if (device === undefined) throw new Error(`${line}: Device "${show}" does not exist.`)
        return JSON.stringify([{ ifindex: device.ifindex, ifalias: device.alias }])
      }
      const [, near, far] = /^ip link add (\S+) type veth peer name (\S+)$/.exec(line) ?? []
      for (const name of [near, far])
        if (name !== undefined) devices.set(name, { ifindex: 10 + devices.size, alias: undefined })
      const [, named, alias] = /^ip link set dev (\S+) alias (.*)$/.exec(line) ?? []
      if (named !== undefined) devices.get(named)!.alias = alias
      const gone = /^ip link delete dev (\S+)$/.exec(line)?.[1]
      if (gone !== undefined) devices.delete(gone)
      return ''
    },
    interfaces: () => host.underlay,
    interfaceIndex: (name: string) => 40 + host.underlay.indexOf(name),
    xdpFeatures: (name: string) => ({ native: true, transmits: !host.mute.includes(name) }),
    hasKernelTypes: async () => host.hasTypes,
    networkNamespace: async () => 4026531840,
    monotonicNs: () => host.nowNs,
    every(_intervalMs: number, callback: () => void) {
      timers.add(callback)
      return { [Symbol.dispose]: () => void timers.delete(callback) }
    },
  }
  return host satisfies FastPathHost
}
