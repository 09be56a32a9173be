import type { ReadText } from './privilege.ts'

/** A map to try. */
export interface ProbeMap {
  readonly type: string
  readonly keyBytes: number
  readonly valueBytes: number
  readonly maxEntries: number
  readonly flags?: number
}

/** A program to try. */
export interface ProbeProgram {
  readonly type: string
  readonly instructions: Uint8Array
  readonly attachType?: number
  readonly flags?: number
  /** Type in the kernel's BTF that it attaches to. */
  readonly attachBtfId?: number
}

/** System calls of the probes. Numbers are results, or negative error numbers; those of files are to be closed. */
export interface ProbeCalls {
  createMap(map: ProbeMap): number
  /** A map whose values hold a struct bpf_timer, described by BTF of its own. */
  createTimerMap(): number
  loadProgram(program: ProbeProgram): number
  /** Runs an XDP program on one packet with BPF_F_TEST_XDP_LIVE_FRAMES. */
  runLive(programFd: number, packet: Uint8Array): number
  pin(fd: number, path: string): number
  enableStatistics(): number
  /** Enters a network namespace that nobody else is in, calls back, and comes back. */
  inNewNamespace(run: () => number): { readonly entered: number; readonly result: number }
  /** A link to an interface of the namespace that the thread is in. */
  createLink(programFd: number, ifindex: number, attachType: number, flags: number): number
  close(fd: number): void
}

/** What the probes ask of the machine; {@link openProbeKernel} gives the real one. */
export interface ProbeKernel {
  readonly readText: ReadText
  /** The first bytes of a file; undefined if there is none. */
  readStart(path: string, bytes: number): Promise<Uint8Array | undefined>
  /** `f_type` of statfs(2); undefined if the path is not there. */
  fileSystemType(path: string): Promise<number | undefined>
  unlink(path: string): Promise<void>
  /** Index of `btf_trace_<name>` in the kernel's BTF; undefined if it has none. */
  tracepointType(name: string): Promise<number | undefined>
  /** Puts a TBF on an interface of a namespace that ends with the command. */
  tryTbf(): Promise<{ readonly exitCode: number | undefined; readonly stderr: string }>
  /** @throws X0tError BPF_UNSUPPORTED where no system call can be made */
  openCalls(): ProbeCalls
}
