// Testbeds on which nothing runs, and looks at them.
import { setTimeout as delay } from 'node:timers/promises'
import { createBed, inNamespace, parseShape, runInHost, type Bed } from '../../src/index.ts'

export const runFolder = '/run/beds'
// With what collects coverage of the programs that a fault starts.
export const env = process.env

export const makeBed = (name: string, shape: string, forward = false): ReturnType<typeof createBed> =>
  createBed({
    name,
    topology: parseShape(shape),
    runner: { kind: 'none' },
    runFolder,
    env,
    forward,
    signal: new AbortController().signal,
  })

/**
 * True if one of three pings comes back. While an address is being resolved the kernel asks once a second: so long may
 * an answer take after healing.
 */
export async function reaches(
  bed: Bed,
  from: string,
  address: string,
  { bytes = 56, lost = false } = {},
): Promise<boolean> {
  const ping = [
    'ping',
    '-c',
    '3',
    '-i',
    '0.02',
    '-W',
    lost ? '0.3' : '1.5',
    '-q',
    '-s',
    String(bytes),
    address,
  ]
  return (await runInHost(bed, from, ping, 'ignore')) === 0
}

/** Rules, devices and queues of all hosts, without counters. */
export async function settings(bed: Bed): Promise<string> {
  const found: string[] = []
  for (const { namespace } of bed.plan.hosts) {
    for (const argv of [
      ['nft', '-s', 'list', 'ruleset'],
      ['ip', '-o', 'link'],
      ['ip', 'route'],
      ['ip', '-6', 'route'],
      ['tc', 'qdisc'],
    ])
      found.push((await bed.run(inNamespace(namespace, argv))).stdout)
  }
  return found.join('\n')
}

export async function waitForListener(bed: Bed, namespace: string, port = 5201): Promise<void> {
  for (;;) {
    const { stdout } = await bed.run(inNamespace(namespace, ['ss', '-Hltn', `sport = :${port}`]))
    if (stdout !== '') return
    await delay(10)
  }
}
