import { access } from 'node:fs/promises'
import { X0tError } from '@x0t/core'
import type { Program, Tunnel } from './tunnel.ts'

/** Programs of every run, whatever is measured. */
export const measuringPrograms: readonly Program[] = [
  { program: 'iperf3', package: 'iperf3' },
  { program: 'ping', package: 'iputils-ping' },
  { program: 'ss', package: 'iproute2' },
  { program: 'ip', package: 'iproute2' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'sysctl', package: 'procps' },
]

/** Programs of a run with loss. */
export const lossPrograms: readonly Program[] = [
  { program: 'nft', package: 'nftables' },
  { program: 'ethtool', package: 'ethtool' },
]

/** Those of `programs` that are in no folder of `path`, the value of PATH. */
export async function missingPrograms(
  programs: readonly Program[],
  path: string,
): Promise<readonly Program[]> {
  const found = await Promise.all(programs.map(({ program }) => isInPath(program, path)))
  return programs.filter((_, at) => !found[at])
}

/** How to get programs: one command for all their packages. */
export function installHint(programs: readonly Program[]): string {
  return `apt install ${[...new Set(programs.map((one) => one.package))].join(' ')}`
}

/** @throws X0tError BENCH_TOOL_MISSING naming all that is missing */
export async function requirePrograms(programs: readonly Program[], path: string): Promise<void> {
  const missing = await missingPrograms(programs, path)
  if (missing.length === 0) return
  const names = missing.map((one) => one.program).join(', ')
  throw new X0tError('BENCH_TOOL_MISSING', `not installed: ${names}`, { hint: installHint(missing) })
}

/**
 * The tunnels with these names.
 * @throws X0tError BENCH_PEER_UNKNOWN
 */
export function chooseTunnels(known: readonly Tunnel[], names: readonly string[]): readonly Tunnel[] {
  return names.map((name) => {
    const tunnel = known.find((one) => one.name === name)
    if (tunnel !== undefined) return tunnel
    throw new X0tError('BENCH_PEER_UNKNOWN', `no peer ${JSON.stringify(name.slice(0, 40))}`, {
      exitCode: 2,
      hint: `there are ${known.map((one) => one.name).join(', ')}`,
    })
  })
}

async function isInPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(':')) {
    const here = await access(`${folder}/${program}`).then(
      () => true,
      () => false,
    )
    if (here) return true
  }
  return false
}
