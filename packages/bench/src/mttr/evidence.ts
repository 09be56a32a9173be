import { X0tError } from '@x0t/core'
import { inNamespace, linkBetween, plannedHost, type Bed } from '@x0t/testbed'

/** Packets that rules for faults have dropped on these hosts. @throws X0tError BENCH_FAULT_UNSEEN if there are none */
export async function seeDroppedPackets(bed: Bed, hosts: readonly string[]): Promise<string> {
  let dropped = 0
  for (const host of hosts) {
    const { namespace } = plannedHost(bed.plan, host)
    const { stdout } = await bed.run(inNamespace(namespace, ['nft', 'list', 'ruleset']))
    dropped += countDropped(stdout)
  }
  if (dropped > 0) return `the kernel of ${hosts.join(', ')} counts ${dropped} packets dropped by the fault`
  throw unseen(`no rule on ${hosts.join(', ')} has dropped a packet`)
}

/** Sum of the counters of the rules that drop, in what `nft list ruleset` prints. */
export function countDropped(ruleset: string): number {
  const counters = ruleset.matchAll(/counter packets (\d+) bytes \d+ drop/g)
  return [...counters].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/** An end of a link without carrier. @throws X0tError BENCH_FAULT_UNSEEN */
export async function seeCarrierLoss(bed: Bed, [from, to]: readonly string[]): Promise<string> {
  const { a, b } = linkBetween(bed.plan, from!, to!)
  for (const end of [a, b]) {
    const words = ['ip', '-n', end.namespace, '-o', 'link', 'show', end.interface]
    const { stdout } = await bed.run(words)
    if (stdout.includes('NO-CARRIER')) return `${end.host} sees no carrier on ${end.interface}`
  }
  throw unseen(`${from} and ${to} see a carrier on their link`)
}

/** Packets that a delaying queue has passed on. @throws X0tError BENCH_FAULT_UNSEEN */
export async function seeDelayedPackets(bed: Bed, hosts: readonly string[]): Promise<string> {
  for (const host of hosts) {
    const { namespace } = plannedHost(bed.plan, host)
    const { stdout } = await bed.run(inNamespace(namespace, ['tc', '-s', 'qdisc', 'show']))
    const sent = /qdisc netem [^\n]*\n\s*Sent \d+ bytes (\d+) pkt/.exec(stdout)
    if (Number(sent?.[1] ?? 0) > 0) return `the delaying queue of ${host} has passed on ${sent![1]} packets`
  }
  throw unseen(`no queue on ${hosts.join(', ')} has delayed a packet`)
}

function unseen(found: string): X0tError {
  return new X0tError('BENCH_FAULT_UNSEEN', `the fault is not to be seen: ${found}`)
}
