import type { BtfTypes } from './btf-type.ts'

/** Where a program can be attached. Interfaces are those of the network namespace of the calling process. */
export type AttachTarget =
  | { readonly kind: 'xdp'; readonly interface: string; readonly mode?: 'native' | 'generic' }
  | {
      readonly kind: 'tcx'
      readonly interface: string
      readonly direction: 'ingress' | 'egress'
      /** Ids of programs that this one must run before or after; at the end otherwise. */
      readonly before?: number
      readonly after?: number
    }
  /** tp_btf or raw_tp, named in the section of the program; an opened raw_tp does not know its `name` any more. */
  | { readonly kind: 'tracepoint'; readonly name?: string }
  /**
   * sock_ops, cgroup_skb, connect4 and so on; the type is that of the program. An opened cgroup_skb does not know its
   * `direction` any more.
   */
  | { readonly kind: 'cgroup'; readonly path: string; readonly direction?: 'ingress' | 'egress' }

/** A program of an object file, before it is loaded. */
export interface ProgramSpec {
  readonly name: string
  /** ELF section, as libbpf names them: `xdp`, `tc`, `tp_btf/kfree_skb`, `sockops`. */
  readonly section: string
  readonly instructions: number
}

/** A map as declared in `.maps`, or a section of globals. */
export interface MapSpec {
  readonly name: string
  /** As bpftool names it: `percpu_hash`. */
  readonly type: string
  readonly keyBytes: number
  readonly valueBytes: number
  readonly maxEntries: number
  readonly flags: number
}

/** What the kernel says of a program. */
export interface ProgramInfo {
  readonly id: number
  readonly name: string
  readonly type: string
  /** Hash of the instructions, 16 hexadecimal digits. */
  readonly tag: string
  readonly mapIds: readonly number[]
  readonly loadedAtMs: number
  readonly instructionBytes: number
  readonly jitedBytes: number
  readonly verifiedInstructions: number
  /** Zero unless statistics are on. */
  readonly runCount: number
  readonly runTimeNs: number
  readonly pins: readonly string[]
}

export interface MapInfo extends MapSpec {
  readonly id: number
  readonly pins: readonly string[]
}

export interface LinkInfo {
  readonly id: number
  readonly programId: number
  readonly type: string
  /** `eth0`, `eth0 ingress`, `kfree_skb`, a cgroup path: what it is attached to. */
  readonly target: string
  readonly pins: readonly string[]
}

/** Why the kernel refused one program of an object; the others are loaded all the same. */
export interface Refusal {
  readonly program: string
  readonly code: 'BPF_PROGRAM_REFUSED' | 'BPF_NOT_PERMITTED' | 'BPF_UNSUPPORTED'
  readonly message: string
  readonly hint: string | undefined
  /** The verifier's log, with `file:line: source` before the instructions of each line. */
  readonly log: string
}

/** Result of running a program on a packet without attaching it. */
export interface TestRun {
  /** Return value: XDP_PASS is 2, and so on. */
  readonly verdict: number
  readonly packet: Uint8Array
  /** Mean of the repeats, ns. */
  readonly durationNs: number
}

/** BTF of a map, as the kernel keeps it: works for maps that another process loaded. */
export interface MapTypes {
  readonly types: BtfTypes
  /** Index of the type of keys in `types`; 0 where it has none (arrays of globals, ring buffers). */
  readonly keyType: number
  /** Index of the type of values; a `data-section` for a section of globals; 0 where it has none. */
  readonly valueType: number
}

/** A map in the kernel. Keys and values are the raw bytes; @x0t/bpf's codecs give them names. */
export interface BpfMap extends Disposable {
  readonly spec: MapSpec
  readonly id: number
  /** File descriptor; of the native back end only, -1 otherwise. Threads of the process share it. */
  readonly fd: number
  get(key: Uint8Array): Uint8Array | undefined
  set(key: Uint8Array, value: Uint8Array, mode?: 'any' | 'new' | 'existing'): void
  delete(key: Uint8Array): boolean
  /** Puts a program into a prog_array, for tail calls. */
  setProgram(key: Uint8Array, program: BpfProgram): void
  /** A snapshot in batches: [key, value] in no order. Per-CPU values lie one after the other, padded to 8 bytes. */
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>
  /**
   * The memory of a mmapable array itself: what is stored here the program sees at once. Native back end only, and not
   * of frozen maps (.rodata). It stays valid after the map is disposed; other threads map it themselves.
   */
  memory(): ArrayBuffer
  /** Undefined where the object had no BTF for it. */
  types(): MapTypes | undefined
  /**
   * Calls back with every event of a ring buffer, from the event loop, until disposed. The bytes are those of the ring
   * itself: a listener that keeps them copies them.
   */
  onEvent(listener: (event: Uint8Array) => void): Disposable
  pin(path: string): void
}

/** An attachment. Disposing it closes our handle: it detaches unless it is pinned. */
export interface BpfLink extends Disposable {
  readonly id: number
  pin(path: string): void
  /** Replaces the program that runs, atomically. */
  update(program: BpfProgram): void
  /** Takes effect at once, pinned or not; but of a tracepoint, only when the last handle and pin are gone. */
  detach(): void
}

export interface BpfProgram extends Disposable {
  readonly spec: ProgramSpec
  readonly id: number
  /** File descriptor; of the native back end only, -1 otherwise. */
  readonly fd: number
  attach(target: AttachTarget): BpfLink
  pin(path: string): void
  /** @param repeat times that the kernel runs it in a row */
  testRun(packet: Uint8Array, options?: { readonly repeat?: number; readonly ifindex?: number }): TestRun
  /**
   * XDP only: sends the packet `count` times as if it had come in on `ifindex`; its verdict really forwards it
   * (BPF_F_TEST_XDP_LIVE_FRAMES). Of more than 256 the kernel may send fewer, when it has other work for this thread.
   */
  sendLive(packet: Uint8Array, options: { readonly count: number; readonly ifindex: number }): void
}

/** An object file in the kernel: what could be loaded, and why the rest could not. */
export interface LoadedObject extends Disposable {
  readonly programs: ReadonlyMap<string, BpfProgram>
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly refusals: readonly Refusal[]
  /** What the verifier said of each program, where `LoadOptions.log` asked for it; refusals carry their own. */
  readonly logs: ReadonlyMap<string, string>
}

export interface LoadOptions {
  /** Values of `const volatile` globals and of `.data`, by name; encoded by their BTF type. */
  readonly globals?: Readonly<Record<string, bigint | number | string | boolean>>
  /** Only these programs; all by default. */
  readonly programs?: readonly string[]
  /** Maps to use in place of new ones, by name: pinned ones of an earlier process, or another object's. */
  readonly maps?: Readonly<Record<string, BpfMap>>
  /**
   * `statistics`: the verifier's counts (stack depth, instructions processed, states); `all`: its whole log. Nothing by
   * default, because it costs time; a refusal has its log all the same.
   */
  readonly log?: 'statistics' | 'all'
}

/** A way to the kernel's BPF: `native` (bpf(2) by node:ffi), `bpftool`, or `memory` (a fake for tests without root). */
export interface BpfBackend {
  readonly name: 'native' | 'bpftool' | 'memory'
  load(object: Uint8Array, options?: LoadOptions): Promise<LoadedObject>
  openMap(ref: ObjectRef): Promise<BpfMap>
  openProgram(ref: ObjectRef): Promise<BpfProgram>
  openLink(ref: ObjectRef): Promise<BpfLink>
  listPrograms(): Promise<readonly ProgramInfo[]>
  listMaps(): Promise<readonly MapInfo[]>
  listLinks(): Promise<readonly LinkInfo[]>
  /** Has the kernel count runs and their time, of all programs, until disposed (BPF_ENABLE_STATS). */
  enableStatistics(): Disposable
}

/** By kernel id, or by the path of a pin. */
export type ObjectRef = { readonly id: number } | { readonly pin: string }
