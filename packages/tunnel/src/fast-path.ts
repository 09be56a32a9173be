// Over 300 lines, and one piece: opening the fast path, whose steps are taken back in reverse order if one fails.
import {
  beginObject,
  commitObject,
  isBpffs,
  isChainable,
  linkName,
  objectFolder,
  pinPath,
  readPins,
  withSharedMaps,
  type BpfBackend,
  type BpfMap,
  type BpfProgram,
  type LoadedObject,
} from '@x0t/bpf'
import { hasCode, messageOf, X0tError, type Log } from '@x0t/core'
import { unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from './commands.ts'
import {
  createAttachments,
  takeOver,
  type Attachments,
  type FastPathInterface,
} from './fast-path-attachments.ts'
import { createChainPlaces, type ChainPlaces } from './fast-path-chain.ts'
import type { FastPathHost } from './fast-path-host.ts'
import { layoutNumber, selfField } from './fast-path-layout.ts'
import { fastPathMaps, mapNames, readInherited, type FastPathMaps, type Inherited } from './fast-path-maps.ts'
import { createMuteInterfaces } from './fast-path-mute.ts'
import { refusal, refusedBecause } from './fast-path-refusal.ts'
import { openPacer, pacerPrefix, tokenFrame, type Pacer } from './fast-path-pacer.ts'
import { createFastPathTables, type FastPathTables } from './fast-path-tables.ts'

export interface FastPathOptions {
  readonly backend: BpfBackend
  /** bpf/fastpath.bpf.o. */
  readonly object: Uint8Array
  readonly host: FastPathHost
  /** bpf/chain.bpf.o, read when it is needed. */
  readonly chainFile: () => Promise<Uint8Array>
  /** In a BPF file system, which is mounted if it is not. */
  readonly pinRoot: string
  /** First 8 bytes of this node's id, and of a neighbour's. */
  readonly selfLabel: Uint8Array
  readonly labelOf: (neighbour: string) => Uint8Array
  /** UDP port of the data plane. */
  readonly port: number
  readonly tunName: string | undefined
  readonly interval: number | 'auto'
  readonly misses: number
  readonly log: Log
}

/** How evenly the kernel's probes go out. */
export interface KernelPacing {
  readonly ticks: number
  /** Ticks that came more than 10 ms after the one before. */
  readonly lateTicks: number
  /** Longest time between two ticks since this process owns the program, ms. */
  readonly longestGapMs: number
  /** Times that the token was gone and was sent anew. */
  readonly tokensLost: number
}

/** The program in the kernel, owned by this process. */
export interface FastPath extends AsyncDisposable, Omit<FastPathTables, 'tick' | 'releaseHeld' | 'apply'> {
  /** Memory of the links, for the workers; there until disposal. */
  readonly memory: ArrayBuffer
  /** What an earlier daemon left at work, for a while; not to be used meanwhile. */
  readonly inherited: Inherited | undefined
  apply(command: Command): void
  interfaces(): readonly FastPathInterface[]
  pacing(): KernelPacing
  /** Calls back when the kernel has judged a link anew. */
  onJudged(listener: () => void): void
}

/** Without word from its owner for so long the program leaves all packets to the stack. */
const deadManNs = 15_000_000_000n
/** Links, neighbours and routes of an earlier daemon serve for so long. */
const holdNs = 10_000_000_000n
const heartbeatMs = 250
/** Many nodes of one machine may load theirs at once. */
const chainPatienceMs = 60_000
const interfacesEveryTicks = 4
/** The token goes round every millisecond or so: after this it is lost. */
const tokenLostNs = 500_000_000n

/**
 * Loads the program, or takes over that of a process that was killed, and attaches it.
 * @throws X0tError FAST_PATH_… with the reason why this system cannot
 */
export async function openFastPath(options: FastPathOptions): Promise<FastPath> {
  const { backend, host, pinRoot, selfLabel, port, log } = options
  await using stack = new AsyncDisposableStack()
  if (!(await host.hasKernelTypes()))
    throw new X0tError(
      'FAST_PATH_NO_BTF',
      'this kernel does not describe its types (no /sys/kernel/btf/vmlinux)',
      {
        hint: 'it takes a kernel built with CONFIG_DEBUG_INFO_BTF',
      },
    )
  await mountBpffs(host, pinRoot)
  const namespace = await host.networkNamespace()
  const owner = Buffer.from(selfLabel).toString('hex')
  const name = `fastpath-${namespace}-${owner}`
  // From here on everything is taken back if a step fails.
  const chains = createChainPlaces({ ...options, root: pinRoot, name, run: (...words) => host.run(...words) })
  stack.defer(async () => chains.leave())
  const { object, maps, inherited } = await loadOrTakeOver(options, name, chains)
  stack.use(object)
  await chains.takeOver()
  const folder = objectFolder(pinRoot, name)
  const program = object.programs.get('x0t_fastpath')!
  const metronome = object.programs.get('x0t_metronome')!

  const tickMs = options.interval === 'auto' ? 1 : Math.min(1, options.interval)
  const pacer = stack.use(await openPacer(host, { owner, tickMs }))
  const self = new DataView(maps.self.memory())
  new Uint8Array(maps.self.memory()).set(selfLabel, selfField.label)
  self.setUint32(selfField.layout, layoutNumber, true)
  self.setUint16(selfField.port, port)
  self.setUint32(selfField.pacerIfindex, pacer.nearIfindex, true)
  self.setBigUint64(selfField.longestGapNs, 0n, true)
  self.setUint32(selfField.generation, (inherited?.generation ?? 0) + 1, true)
  stack.use(await attachMetronome({ backend, metronome, pacer, folder, namespace }))

  const tables = createFastPathTables({ ...options, maps, inherited })
  const attachments = stack.use(
    createAttachments({ backend, program, folder, namespace, joinChain: (name) => chains.join(name) }),
  )
  const underlay = (): readonly string[] =>
    host.interfaces().filter((one) => one !== options.tunName && !one.startsWith(pacerPrefix))
  const mute = createMuteInterfaces({
    table: maps.mute,
    featuresOf: (name) => host.xdpFeatures(name),
    indexOf: (name) => host.interfaceIndex(name),
  })
  await attachments.follow(underlay())
  refuseIfNowhere(attachments)
  let interfaces = mute.update(attachments.list())

  const setAlive = (now: bigint): void => self.setBigUint64(selfField.validUntilNs, now + deadManNs, true)
  // The program stays loaded for a moment after its pins are gone.
  stack.defer(() => self.setBigUint64(selfField.validUntilNs, 0n, true))
  const startNs = host.monotonicNs()
  setAlive(startNs)
  let kickedNs = 0n
  let tokensLost = 0
  const keepToken = (now: bigint): void => {
    if (now - self.getBigUint64(selfField.lastTickNs, true) < tokenLostNs || now - kickedNs < tokenLostNs)
      return
    if (kickedNs !== 0n) tokensLost++
    kickedNs = now
    try {
      program.sendLive(tokenFrame(), { count: 1, ifindex: pacer.farIfindex })
    } catch (error) {
      log.warn('fast-path-token-not-sent', { reason: messageOf(error) })
    }
  }
  keepToken(startNs)
  let holds = inherited !== undefined
  let ticks = 0
  let following = Promise.resolve()
  stack.use(
    host.every(heartbeatMs, () => {
      const now = host.monotonicNs()
      setAlive(now)
      keepToken(now)
      tables.tick(Number(now) / 1e6)
      if (holds && now - startNs >= holdNs) {
        holds = false
        tables.releaseHeld()
      }
      if (++ticks % interfacesEveryTicks !== 0) return
      following = following
        .then(() => attachments.follow(underlay()))
        .then(() => {
          interfaces = mute.update(attachments.list())
          return undefined
        })
        .catch((error: unknown) => log.warn('fast-path-interfaces', { reason: messageOf(error) }))
    }),
  )
  stack.defer(() => following)
  const resources = stack.move()
  return {
    memory: maps.links.memory(),
    inherited,
    apply: (command) => tables.apply(command, Number(host.monotonicNs()) / 1e6),
    lossSeen: (slot, lossRatio) => tables.lossSeen(slot, lossRatio),
    link: (slot) => tables.link(slot),
    linkOf: (neighbour) => tables.linkOf(neighbour),
    counters: () => tables.counters(),
    interfaces: () => interfaces,
    pacing: () => ({
      ticks: Number(self.getBigUint64(selfField.ticks, true)),
      lateTicks: Number(self.getBigUint64(selfField.lateTicks, true)),
      longestGapMs: Number(self.getBigUint64(selfField.longestGapNs, true)) / 1e6,
      tokensLost,
    }),
    onJudged: (listener) => void resources.use(maps.events.onEvent(listener)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function mountBpffs(host: FastPathHost, pinRoot: string): Promise<void> {
  if (await isBpffs(pinRoot)) return
  const folder = dirname(pinRoot)
  try {
    // Nodes of one machine may start at once; a second file system would hide the pins in the first.
    const command = 'mountpoint -q "$0" || mount -t bpf bpf "$0"'
    await host.run('flock', [folder, 'sh', '-c', command, folder])
  } catch (error) {
    throw new X0tError('FAST_PATH_NO_BPFFS', `no BPF file system at ${folder}, and it cannot be mounted`, {
      cause: error,
      hint: `mount -t bpf bpf ${folder}`,
    })
  }
}

interface Loaded {
  readonly object: LoadedObject
  readonly maps: FastPathMaps
  readonly inherited: Inherited | undefined
}

async function loadOrTakeOver(options: FastPathOptions, name: string, chains: ChainPlaces): Promise<Loaded> {
  const { backend, pinRoot, log } = options
  const there = (await readPins(pinRoot)).find((object) => object.name === name && object.state === 'loaded')
  if (there !== undefined) {
    const taken = await withChainMaps(options, (maps) => takeOverMaps(options, there.folder, maps))
    if (taken !== undefined) return taken
    log.info('fast-path-started-anew', { reason: 'the maps of an earlier process are of another kind' })
  }
  await chains.leave()
  return withChainMaps(options, async (chainMaps) => {
    const object = await load(backend, options.object, chainMaps)
    try {
      const maps = fastPathMaps(object.maps)
      if (maps === undefined) throw refusedBecause('its maps are not those that this version of x0t knows')
      const folder = await beginObject(pinRoot, name)
      for (const { name: map } of Object.values(mapNames))
        object.maps.get(map)!.pin(pinPath(folder, 'maps', map))
      pinPrograms(object, folder)
      await commitObject(pinRoot, name)
      return { object, maps, inherited: undefined }
    } catch (error) {
      object[Symbol.dispose]()
      throw error
    }
  })
}

type Maps = Readonly<Record<string, BpfMap>>

/** With the maps that all chains of XDP programs share, so that the program can be in one; without where that fails. */
async function withChainMaps<T>(
  { backend, object, pinRoot: root, chainFile, log }: FastPathOptions,
  run: (maps: Maps) => Promise<T>,
): Promise<T> {
  let hasBegun = false
  try {
    if (isChainable(object))
      return await withSharedMaps(backend, { root, chainFile, patienceMs: chainPatienceMs }, (maps) => {
        hasBegun = true
        return run(maps)
      })
  } catch (error) {
    if (hasBegun || !(error instanceof X0tError)) throw error
    log.info('fast-path-outside-chains', { reason: error.message })
  }
  return run({})
}

/** Undefined where what is pinned does not fit. */
async function takeOverMaps(
  { backend, object: bytes, port }: FastPathOptions,
  folder: string,
  chainMaps: Maps,
): Promise<Loaded | undefined> {
  using stack = new DisposableStack()
  const pinned = new Map<string, BpfMap>()
  try {
    for (const { name } of Object.values(mapNames))
      pinned.set(name, stack.use(await backend.openMap({ pin: pinPath(folder, 'maps', name) })))
    const maps = fastPathMaps(pinned)
    const inherited = maps && readInherited(maps, port)
    if (maps === undefined || inherited === undefined) return undefined
    const object = await load(backend, bytes, { ...Object.fromEntries(pinned), ...chainMaps })
    const resources = stack.move()
    const whole: LoadedObject = {
      programs: object.programs,
      maps: object.maps,
      refusals: object.refusals,
      logs: object.logs,
      [Symbol.dispose]() {
        object[Symbol.dispose]()
        resources.dispose()
      },
    }
    for (const program of object.programs.keys())
      await unlink(pinPath(folder, 'programs', program)).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error
      })
    pinPrograms(object, folder)
    return { object: whole, maps, inherited }
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    return undefined
  }
}

function pinPrograms(object: LoadedObject, folder: string): void {
  for (const [name, program] of object.programs) program.pin(pinPath(folder, 'programs', name))
}

async function load(backend: BpfBackend, bytes: Uint8Array, maps: Maps): Promise<LoadedObject> {
  let object: LoadedObject
  try {
    object = await backend.load(bytes, { programs: ['x0t_fastpath', 'x0t_metronome'], maps })
  } catch (error) {
    throw refusal(error)
  }
  const [refused] = object.refusals
  if (refused === undefined) return object
  object[Symbol.dispose]()
  throw refusal(
    new X0tError(
      refused.code,
      `${refused.program}: ${refused.message}`,
      refused.hint === undefined ? {} : { hint: refused.hint },
    ),
  )
}

async function attachMetronome({
  backend,
  metronome,
  pacer,
  folder,
  namespace,
}: {
  readonly backend: BpfBackend
  readonly metronome: BpfProgram
  readonly pacer: Pacer
  readonly folder: string
  readonly namespace: number
}): Promise<Disposable> {
  const target = { kind: 'tcx', interface: pacer.far, direction: 'ingress' } as const
  const path = pinPath(folder, 'links', linkName(metronome.spec.name, target, namespace))
  const taken = await takeOver(backend, metronome, path)
  if (taken !== undefined) return taken
  try {
    const link = metronome.attach(target)
    link.pin(path)
    return link
  } catch (error) {
    throw refusal(error)
  }
}

/** With not one interface to be attached to there is no fast path. */
function refuseIfNowhere(attachments: Attachments): void {
  const all = attachments.list()
  const [first] = all.flatMap(({ problem }) => problem ?? [])
  if (first !== undefined && all.every(({ problem }) => problem !== undefined))
    throw refusalOfAttachment(first)
}

function refusalOfAttachment(error: X0tError): unknown {
  return error.code.startsWith('FAST_PATH_') ? error : refusal(error)
}
