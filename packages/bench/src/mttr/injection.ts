import { X0tError } from '@x0t/core'
import {
  breadthFirst,
  clearFaults,
  injectFault,
  linksOf,
  processState,
  signalProcess,
  topologyOf,
  waitForEnd,
  type Bed,
  type InjectedFault,
  type NetworkPlan,
  type ProcessIdentity,
} from '@x0t/testbed'
import {
  droppedBefore,
  seeActiveFault,
  seeCarrierChanges,
  seeCarrierLoss,
  seeDelayedPackets,
  seeDroppedPackets,
  seeTamperedRecords,
} from './evidence.ts'
import { factsOf, type MttrFault } from './fault-names.ts'
import { payloadBytes } from './stream/log.ts'
import type { RunningSystem } from './system.ts'

/** What injects and lifts; a test gives its own to see what becomes of a fault that is none. */
export interface FaultPort {
  inject(bed: Bed, target: string, action: string): Promise<Pick<InjectedFault, 'effectMs'>>
  clear(bed: Bed): Promise<unknown>
  signal(process: ProcessIdentity, signal: NodeJS.Signals): Promise<unknown>
}

export const realFaults: FaultPort = {
  inject: injectFault,
  clear: (bed) => clearFaults(bed),
  signal: (process, signal) => signalProcess(process, signal, { group: true }),
}

/** A fault that is about to be injected. */
export interface Injection {
  /** What it hits, like `link:a-d`. */
  readonly target: string
  readonly action: string
  /** Returns when it took effect, CLOCK_MONOTONIC in ms; undefined where it can only be said that it is done now. */
  inject(): Promise<number | undefined>
  /**
   * What an independent probe sees of the fault while it lasts: counters of the kernel, carrier, process state.
   * @throws X0tError BENCH_FAULT_UNSEEN
   */
  evidence(): Promise<string>
  lift(): Promise<void>
}

export interface InjectionOptions {
  readonly fault: MttrFault
  readonly bed: Bed
  readonly running: RunningSystem
  readonly forwards: 'kernel' | 'process'
  readonly isX0t: boolean
  /** The path in use, from source to destination. */
  readonly path: readonly string[]
  /** Hits the links, or the relays, of the path in turn: any whole number. */
  readonly turn: number
  readonly port: FaultPort
}

/** Faults as the testbed knows them. Those that are not here have a way of their own or none yet. */
const actions: Readonly<Partial<Record<MttrFault, string>>> = {
  'link-down': 'down',
  blackhole: 'blackhole',
  'one-way': 'one-way',
  'gray-loss': 'loss=20%',
  latency: 'latency=200ms',
  flap: 'flap=500ms',
  byzantine: 'byzantine',
  'handshake-failure': 'handshake-failure',
  'svid-expiry': 'svid-expiry',
  'clock-jump': 'clock-jump=+3600s',
}

/** Plans a fault on the path in use. @throws X0tError BENCH_FAULT_UNAVAILABLE where it cannot be injected */
export function planInjection(options: InjectionOptions): Injection {
  const { fault, bed, forwards, path, turn, port } = options
  const facts = factsOf(fault)
  if (fault === 'partition') return partition(options)
  const relays = path.slice(1, -1)
  if (facts.hits === 'relay') {
    if (relays.length === 0) {
      throw new X0tError('BENCH_FAULT_UNAVAILABLE', `${fault} needs a relay, and ${path.join('-')} has none`)
    }
    const relay = relays[turn % relays.length]!
    if (fault === 'crash') return crash(options, relay)
    if (fault === 'freeze') return freeze(options, relay)
    // Of other overlays than x0t the testbed knows the forwarded datagrams of the stream only by their size.
    const isOther = fault === 'byzantine' && forwards === 'process' && !options.isX0t
    const action = isOther ? `byzantine=${payloadBytes}B` : actionOf(fault)
    return byTestbed(bed, port, `node:${relay}`, action, [relay])
  }
  const at = turn % (path.length - 1)
  const [from, to] = [path[at]!, path[at + 1]!]
  return byTestbed(bed, port, `link:${from}-${to}`, actionOf(fault), [from, to])
}

function actionOf(fault: MttrFault): string {
  const action = actions[fault]
  if (action !== undefined) return action
  throw new X0tError('BENCH_FAULT_UNAVAILABLE', `this version cannot inject ${fault}`)
}

function byTestbed(
  bed: Bed,
  port: FaultPort,
  target: string,
  action: string,
  hosts: readonly string[],
): Injection {
  const kind = action.split('=')[0]!
  let before = 0
  return {
    target,
    action,
    async inject() {
      before = await droppedBefore(bed, hosts)
      return (await port.inject(bed, target, action)).effectMs
    },
    evidence() {
      if (kind === 'down') return seeCarrierLoss(bed, hosts)
      if (kind === 'flap') return seeCarrierChanges(bed, hosts)
      if (kind === 'handshake-failure') return seeTamperedRecords(bed, hosts)
      if (kind === 'clock-jump' || kind === 'svid-expiry') return seeActiveFault(bed, kind)
      return kind === 'latency' ? seeDelayedPackets(bed, hosts) : seeDroppedPackets(bed, hosts, before)
    },
    lift: async () => void (await port.clear(bed)),
  }
}

/** Cuts the mesh between the half nearest to the source and the rest. */
function partition({ bed, path, port }: InjectionOptions): Injection {
  const half = halfAround(bed.plan, path[0]!, path.at(-1)!)
  return byTestbed(
    bed,
    port,
    'bed',
    `partition=${half.join('+')}`,
    bed.plan.hosts.map(({ name }) => name),
  )
}

/** Half of the hosts, nearest to `source` first, without `destination`. */
export function halfAround(plan: NetworkPlan, source: string, destination: string): readonly string[] {
  const { links } = topologyOf(plan)
  const rest = plan.hosts.map(({ name }) => name).filter((name) => name !== source)
  const order = breadthFirst({ hosts: [source, ...rest], links }).map(({ host }) => host)
  return order.filter((host) => host !== destination).slice(0, Math.floor(order.length / 2))
}

function crash({ bed, running, forwards, path, port }: InjectionOptions, relay: string): Injection {
  let killed: readonly ProcessIdentity[] = []
  let before = 0
  return {
    target: `node:${relay}`,
    action: forwards === 'kernel' ? 'crash of the host: links cut, then SIGKILL' : 'SIGKILL',
    async inject() {
      killed = await processesOf(running, relay)
      before = await droppedBefore(bed, [relay])
      // The kernel forwards on after the death of a daemon: the death of a host needs its links cut too.
      const effectMs = forwards === 'kernel' ? await cutOff(bed, relay, path, port) : undefined
      for (const one of killed) await port.signal(one, 'SIGKILL')
      return effectMs
    },
    async evidence() {
      const left = await waitForEnd(killed, 2000, bed.clock)
      if (killed.length === 0 || left.length > 0) throw unseen(`a process of ${relay} still runs`)
      const pids = killed.map(({ pid }) => pid).join(', ')
      const cut = forwards === 'kernel' ? `; ${await seeDroppedPackets(bed, [relay], before)}` : ''
      return `pid ${pids} of ${relay} is dead${cut}`
    },
    async lift() {
      await port.clear(bed)
      const states = await Promise.all(killed.map(processState))
      if (states.includes('dead')) await running.restart(relay)
    },
  }
}

/** Cuts all links of a host: in cables all at one moment, by rules one after the other, those of the path first. */
async function cutOff(
  bed: Bed,
  relay: string,
  path: readonly string[],
  port: FaultPort,
): Promise<number | undefined> {
  if (bed.plan.cables === 'bpf') return (await port.inject(bed, `set:${relay}`, 'partition')).effectMs
  const links = linksOf(bed.plan, relay).map(({ other }) => other.host)
  const order = links.toSorted((one, two) => Number(path.includes(two)) - Number(path.includes(one)))
  for (const other of order) await port.inject(bed, `link:${relay}-${other}`, 'blackhole')
  return undefined
}

function freeze({ running, port }: InjectionOptions, relay: string): Injection {
  let frozen: readonly ProcessIdentity[] = []
  return {
    target: `node:${relay}`,
    action: 'SIGSTOP',
    async inject() {
      frozen = await processesOf(running, relay)
      for (const one of frozen) await port.signal(one, 'SIGSTOP')
      return undefined
    },
    async evidence() {
      const states = await Promise.all(frozen.map(processState))
      if (states.length === 0 || states.some((state) => state !== 'frozen'))
        throw unseen(`a process of ${relay} is not stopped`)
      return `pid ${frozen.map(({ pid }) => pid).join(', ')} of ${relay} is stopped`
    },
    async lift() {
      for (const one of frozen) await port.signal(one, 'SIGCONT')
    },
  }
}

async function processesOf(running: RunningSystem, host: string): Promise<readonly ProcessIdentity[]> {
  const processes = await running.processesOf(host)
  if (processes.length > 0) return processes
  throw new X0tError('BENCH_FAULT_UNAVAILABLE', `no process of the system runs on ${host}`)
}

function unseen(found: string): X0tError {
  return new X0tError('BENCH_FAULT_UNSEEN', `the fault is not to be seen: ${found}`)
}
