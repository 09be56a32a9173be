import { PassThrough, Readable } from 'node:stream'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { main } from '../src/main.ts'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process and returns what it printed. */
export async function runCli(
  argv: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly stdin?: string
    /** Makes stdin, stdout and stderr terminals. */
    readonly terminal?: boolean
  } = {},
): Promise<CliResult> {
  const terminal = options.terminal === true
  const output = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr'): PassThrough & { isTTY: boolean; columns: number } => {
    const stream = new PassThrough()
    stream.on('data', (chunk) => void (output[name] += String(chunk)))
    return Object.assign(stream, { isTTY: terminal, columns: 120 })
  }
  const stdin = Object.assign(Readable.from([options.stdin ?? '']), { isTTY: terminal })
  const code = await main(argv, {
    stdin,
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: options.env ?? {},
  })
  await new Promise((resolve) => setImmediate(resolve))
  return { code, ...output }
}

/** A folder with a short name, as the path of a Unix socket has at most 107 bytes. */
export function shortFolder(t: { teardown(run: () => void): void }): string {
  const folder = mkdtempSync(`${tmpdir()}/x0t-`)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
