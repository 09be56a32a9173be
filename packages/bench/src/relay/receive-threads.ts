import { readdir, readFile } from 'node:fs/promises'
import { plannedHost, readProcess, type Bed, type ProcessIdentity } from '@x0t/testbed'

/** Names of threads are cut off after 15 characters. */
const nameBytes = 15

/**
 * Lets threads of the kernel do the receiving of interfaces (threaded NAPI, which takes GRO), so that its processor time
 * can be told from that of everything else, and can be put on a processor of its own.
 */
export async function threadReceiving(
  bed: Bed,
  host: string,
  devices: readonly string[],
): Promise<readonly ProcessIdentity[]> {
  const { namespace } = plannedHost(bed.plan, host)
  const before = new Set(await threadsOf(devices))
  // /sys shows the interfaces of the namespace in which it was mounted: ip netns exec mounts it anew.
  const script =
    'for device; do ethtool -K "$device" gro on && echo 1 >/sys/class/net/"$device"/threaded || exit; done'
  await bed.run(['ip', 'netns', 'exec', namespace, 'sh', '-c', script, 'sh', ...devices])
  const made = (await threadsOf(devices)).filter((pid) => !before.has(pid))
  const facts = await Promise.all(made.map((pid) => readProcess(pid)))
  return facts.filter((one) => one !== undefined)
}

/** Pids of the threads that receive for interfaces of these names, in whatever namespace. */
async function threadsOf(devices: readonly string[]): Promise<readonly number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const name = await readFile(`/proc/${entry}/comm`, 'utf8').catch(() => '')
    if (devices.some((device) => isThreadOf(name.trimEnd(), device))) found.push(Number(entry))
  }
  return found
}

/** Whether a thread is called `napi/<device>-<number>`, perhaps cut off. */
export function isThreadOf(name: string, device: string): boolean {
  const whole = `napi/${device}-`
  return name.startsWith(whole.slice(0, nameBytes)) && /^\d*$/.test(name.slice(whole.length))
}
