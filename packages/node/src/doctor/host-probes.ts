import type { Endpoint } from '../config/endpoint.ts'

/** What is known of a file without opening it. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other'
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly modifiedMs: number
}

/** Whether the kernel holds the clock to be synchronised, and how far off it may be. */
export interface ClockFacts {
  readonly synchronised: boolean
  readonly maxErrorMs: number
}

/** What the checks ask of the machine. `systemProbes` is the real one; tests pass a made-up one. */
export interface HostProbes {
  readonly uid: number
  readonly nodeVersion: string
  readonly kernelRelease: string
  readonly wallMs: number
  readText(path: string): Promise<string | undefined>
  /** @throws with a system error code if the path cannot be looked at; undefined where there is nothing */
  facts(path: string): Promise<FileFacts | undefined>
  /** Names in a folder; none where it cannot be read. */
  list(path: string): Promise<readonly string[]>
  /** System error code of opening the file for reading and writing; undefined if it works. */
  openError(path: string): Promise<string | undefined>
  /** System error code of binding a socket; undefined if it works. */
  bindError(transport: 'tcp' | 'udp', endpoint: Endpoint): Promise<string | undefined>
  /** True if a node answers on the socket. */
  socketAnswers(path: string): Promise<boolean>
  /** Bytes that this user may still write in the nearest existing folder of the path. */
  freeDiskBytes(path: string): Promise<number>
  /** Bytes that this process may still use, limits of the service included. */
  availableMemoryBytes(): number
  /** Message of why native calls do not work; undefined if they do. */
  ffiProblem(): Promise<string | undefined>
  /** Algorithms of the TLS profile that the OpenSSL in node lacks. */
  missingAlgorithms(): Promise<readonly string[]>
  /** Undefined where the kernel does not say. */
  clock(): Promise<ClockFacts | undefined>
  /** Which UDP offloads the kernel takes. */
  udpOffload(): Promise<{ readonly segmentation: boolean; readonly receive: boolean } | undefined>
  /** Properties of the systemd unit; undefined where systemd does not run. */
  serviceState(): Promise<Readonly<Record<string, string>> | undefined>
  /** End of validity of the node's certificate, milliseconds since 1970; undefined where there is none. */
  svidNotAfterMs(home: string): Promise<number | undefined>
  /** When this program was made, as far as its files tell. */
  programBuiltMs(): Promise<number>
}
