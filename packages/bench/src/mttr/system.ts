import type { ProcessIdentity, Run, RunnerSpec } from '@x0t/testbed'
import type { BedTools } from '../bed-tools.ts'
import type { Program } from '../tunnel.ts'
import type { MttrFault } from './fault-names.ts'

/** Something that carries packets across a mesh and heals by itself: x0t, a routing daemon, a mesh VPN. */
export interface MttrSystem {
  /** As in result names: `outage/<name>/<fault>`. */
  readonly name: string
  /** Programs it needs, with the Debian package of each. */
  readonly programs: readonly Program[]
  /** How it is set up and tuned (timers above all), for the notes of the report. */
  readonly setup: string
  /** Real x0t nodes: faults that only x0t knows apply, and a lying relay can be told to eat just its datagrams. */
  readonly isX0t?: boolean
  /** What the hosts of its testbed run from the start; nothing where absent. */
  readonly runner?: RunnerSpec
  /** A fault that needs nodes of another kind: what the hosts run then. Such faults get a testbed of their own. */
  readonly runnerFor?: Readonly<Partial<Record<MttrFault, RunnerSpec>>>
  /** True where every datagram goes over two paths, so that a single fault is expected to lose nothing. */
  readonly hitless?: boolean
  /**
   * Who forwards at a relay: the kernel (`crash` must then also cut the links, or nothing would be disturbed), or
   * the system's own processes.
   */
  readonly forwards: 'kernel' | 'process'
  /** Time that it needs after a healing until it is ready for the next fault, ms; 2 s where absent. */
  readonly settleMs?: number
  /** Faults that make no sense for it, with the reason; they are skipped and told. */
  readonly inapplicable?: Readonly<Partial<Record<MttrFault, string>>>
  /** Version of its program; undefined where it has none of its own. */
  version?(run: Run): Promise<string>
  /** Brings it up on every host of the bed, with addresses; returns when its daemons run. */
  start(tools: BedTools): Promise<RunningSystem>
}

/** A system that runs. Its processes end with the bed; disposing ends what is not in the bed. */
export interface RunningSystem extends AsyncDisposable {
  /** Address of a host in the system, IPv4 or IPv6, the same over all paths: where the stream goes. */
  addressOf(host: string): string
  /** The processes of a host that `crash` kills and `freeze` stops, each the leader of its process group. */
  processesOf(host: string): Promise<readonly ProcessIdentity[]>
  /** Starts the processes of a host again after a crash, as its service manager would. */
  restart(host: string): Promise<void>
  /** True when it has repaired itself wholly, backup paths included; absent where it cannot tell. */
  isWhole?(): Promise<boolean>
  /**
   * What the system itself noticed and did since an instant; absent where it cannot tell. Asked after the run.
   * @param sinceMs CLOCK_MONOTONIC of the machine, milliseconds
   */
  reactions?(sinceMs: number): Promise<Reactions>
  /** Links and paths that its nodes gave up since an instant of the same clock; absent where it cannot tell. */
  alarms?(sinceMs: number): Promise<readonly Alarm[]>
}

/** A node gave up a link or a path. */
export interface Alarm {
  readonly host: string
  readonly event: string
  /** CLOCK_MONOTONIC of the machine, ms. */
  readonly atMs: number
}

/** Instants on CLOCK_MONOTONIC of the machine, milliseconds; absent where the system did not tell. */
export interface Reactions {
  /** Something was wrong: the first alarm. */
  readonly detectedMs?: number
  /** The system's own sensor was quiet again: its verified recovery. */
  readonly verifiedMs?: number
  /** Everything that it told since then, in order: for whoever asks why. */
  readonly told?: readonly ToldEvent[]
}

/** Something that a host of the system told. */
export interface ToldEvent {
  readonly host: string
  /** CLOCK_MONOTONIC, ms. */
  readonly atMs: number
  readonly event: string
  /** The host that it is about. */
  readonly about?: string
}
