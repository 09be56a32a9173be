import { hasCode, X0tError } from '@x0t/core'

/** What a run of bpftool gave. */
export interface BpftoolOutput {
  /** Undefined if there is no bpftool. */
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs bpftool with these words, and waits: the interface of maps is synchronous. */
export type RunBpftool = (words: readonly string[], input?: Uint8Array) => BpftoolOutput

/** A dump of 100,000 entries has 69 MB. */
const maxOutputBytes = 1024 * 1024 * 1024

/** Runs the bpftool of this machine. execa is imported only here, since that takes some 100 ms. */
export async function systemBpftool(): Promise<RunBpftool> {
  const { execaSync } = await import('execa')
  return (words, input) => {
    const result = execaSync('bpftool', words, {
      reject: false,
      maxBuffer: maxOutputBytes,
      stripFinalNewline: false,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    })
    const { stdout, stderr } = result
    return { exitCode: hasCode(result, 'ENOENT') ? undefined : (result.exitCode ?? 1), stdout, stderr }
  }
}

/** Endings of what bpftool says, which are those of strerror(3), and what they mean. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/Operation not permitted|Permission denied/, 'BPF_NOT_PERMITTED'],
  [/No such file or directory/, 'BPF_OBJECT_NOT_FOUND'],
  [/invalid devname/, 'BPF_INTERFACE_NOT_FOUND'],
  [/File exists|Device or resource busy/, 'BPF_BUSY'],
  [/Argument list too long|No space left|Cannot allocate memory/, 'BPF_MAP_FULL'],
  [/not supported|Unknown error 524/, 'BPF_UNSUPPORTED'],
]
const hints: Readonly<Record<string, string>> = {
  BPF_NOT_PERMITTED: 'run as root, or give bpftool CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON',
  BPF_OBJECT_NOT_FOUND: 'x0t bpf list',
  BPF_PIN_FAILED: 'pins need a folder of a bpffs: mount -t bpf bpf /sys/fs/bpf',
  BPF_UNSUPPORTED: 'x0t bpf doctor',
}

/** bpftool as functions: JSON comes back, and failures are coded. */
export class Bpftool {
  readonly #run: RunBpftool

  constructor(run: RunBpftool) {
    this.#run = run
  }

  /**
   * Runs without mounting anything.
   * @param what did not work, for messages: `map peers could not be read`
   * @throws X0tError by what bpftool says; BPF_BPFTOOL_MISSING, BPF_BPFTOOL_UNREADABLE
   */
  json(what: string, words: readonly string[], input?: Uint8Array): unknown {
    const { value, failure } = this.try(what, words, input)
    if (failure !== undefined) throw failure
    return value
  }

  /** @throws X0tError BPF_PIN_FAILED */
  pin(noun: 'map' | 'prog' | 'link', id: number, path: string): void {
    const what = `${noun} ${id} could not be pinned at ${path}`
    const { failure } = this.try(what, [noun, 'pin', 'id', String(id), path])
    if (failure === undefined) return
    const isThere = failure.message.includes('File exists')
    throw new X0tError('BPF_PIN_FAILED', failure.message, {
      cause: failure,
      hint: isThere ? `remove the pin that is there: rm ${path}` : hints['BPF_PIN_FAILED']!,
    })
  }

  /** Like {@link json}, for failures that mean something. */
  try(
    what: string,
    words: readonly string[],
    input?: Uint8Array,
  ): { readonly value: unknown; readonly failure: X0tError | undefined; readonly said: string } {
    const { exitCode, stdout, stderr } = this.#run(['--json', '--nomount', ...words], input)
    if (exitCode === undefined)
      throw new X0tError('BPF_BPFTOOL_MISSING', `${what}: bpftool is not installed`, {
        hint: 'apt install bpftool',
      })
    // A lookup that finds nothing says null, and ends as if it had failed.
    if (exitCode === 0 || stdout.trim() === 'null')
      return { value: parse(stdout, what), failure: undefined, said: stderr }
    const said =
      /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(stdout)?.[1] ?? (stderr.trim() || `exit code ${exitCode}`)
    const code = meanings.find(([pattern]) => pattern.test(said))?.[1] ?? 'BPF_CALL_FAILED'
    const hint = hints[code]
    const failure = new X0tError(code, `${what}: bpftool says ${said}`, hint === undefined ? {} : { hint })
    return { value: undefined, failure, said: stderr.trim() || said }
  }
}

function parse(text: string, what: string): unknown {
  if (text.trim() === '') return null
  try {
    // Values of 64-bit enumerators are larger than JSON's numbers are exact.
    return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) =>
      key === 'val' && typeof value === 'number' ? BigInt(context?.source ?? value) : value,
    )
  } catch (error) {
    throw new X0tError('BPF_BPFTOOL_UNREADABLE', `${what}: the output of bpftool is no JSON`, {
      cause: error,
    })
  }
}
