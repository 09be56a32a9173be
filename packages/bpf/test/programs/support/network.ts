import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Runs a command; throws with what it said if it fails. */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs `ip` with the words of a line. */
export function ip(line: string): string {
  return run('ip', ...line.split(' '))
}

export function ifindexOf(name: string): number {
  const [link] = JSON.parse(ip(`-j link show dev ${name}`)) as [{ readonly ifindex: number }]
  return link.ifindex
}

/** Inode of the network namespace of this process. */
export function networkNamespace(): number {
  return statSync('/proc/self/ns/net').ino
}

/**
 * Waits until a counter in the kernel says so: there is no event for it. Fails by the timeout of the test.
 * @param check true once the wait is over
 */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await delay(10)
}
