import { constants } from 'node:os'
import { hasCode, X0tError } from '@x0t/core'
import { execa } from 'execa'

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  /** 128 + n where signal n ended it. */
  readonly exitCode: number
}

export interface CommandOptions {
  /** Bytes for standard input; nothing where absent. */
  readonly input?: string
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** Return a failure in place of throwing. */
  readonly allowFailure?: boolean
}

/**
 * Runs one command to its end, without a shell.
 * @throws X0tError TESTBED_COMMAND_FAILED, TESTBED_TOOL_MISSING
 */
export type Run = (argv: readonly string[], options?: CommandOptions) => Promise<CommandResult>

/** Debian packages of the programs that the testbed calls. */
const packageOf: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  ethtool: 'ethtool',
  sysctl: 'procps',
  umount: 'mount',
}

/** Runs commands of this machine with exactly this environment. */
export function systemRun(env: Readonly<Record<string, string | undefined>>): Run {
  return async (argv, { input, signal, timeoutMs, allowFailure = false } = {}) => {
    const [file, ...words] = argv
    const result = await execa(file!, words, {
      env,
      extendEnv: false,
      reject: false,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      ...(signal === undefined ? {} : { cancelSignal: signal }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    })
    signal?.throwIfAborted()
    const { stdout, stderr, failed } = result
    if (failed && hasCode(result, 'ENOENT')) {
      throw new X0tError('TESTBED_TOOL_MISSING', `${file!} is not installed`, {
        cause: result,
        hint: `apt install ${packageOf[file!] ?? file!}`,
      })
    }
    const exitCode = result.exitCode ?? 128 + constants.signals[result.signal ?? 'SIGTERM']
    if (failed && !allowFailure) {
      const command = `${argv.join(' ')}${result.timedOut ? ' (timed out)' : ''}`
      throw new X0tError(
        'TESTBED_COMMAND_FAILED',
        `${command}: ${stderr.trim() || stdout.trim() || `exit code ${exitCode}`}`,
        {
          cause: result,
        },
      )
    }
    return { stdout, stderr, exitCode }
  }
}

/**
 * A command run inside a network namespace. nsenter, not `ip netns exec`: the latter remounts /sys, which
 * hides what is mounted below it.
 */
export function inNamespace(namespace: string, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${namespacePath(namespace)}`, ...argv]
}

export function namespacePath(namespace: string): string {
  return `/run/netns/${namespace}`
}
