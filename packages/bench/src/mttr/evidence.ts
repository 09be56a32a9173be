import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { cableCounters, inNamespace, linkBetween, plannedHost, type Bed, type LinkEnd } from '@x0t/testbed'
import { machineMs } from './machine-clock.ts'

/**
 * Packets that faults have dropped on the links of these hosts.
 * @param before the same count before the fault
 * @throws X0tError BENCH_FAULT_UNSEEN if there are none
 */
export async function seeDroppedPackets(bed: Bed, hosts: readonly string[], before = 0): Promise<string> {
  const inCables = bed.plan.cables === 'bpf'
  const dropped = (inCables ? await droppedInCables(bed, hosts) : await droppedByRules(bed, hosts)) - before
  const where = `${inCables ? 'the cables' : 'the kernel'} of ${hosts.join(', ')}`
  if (dropped > 0) return `${where} count${inCables ? '' : 's'} ${dropped} packets dropped by the fault`
  throw unseen(`${where} dropped no packet`)
}

/** What counters that outlive a fault say before it: those of cables; rules come and go with their fault. */
export async function droppedBefore(bed: Bed, hosts: readonly string[]): Promise<number> {
  return bed.plan.cables === 'bpf' ? droppedInCables(bed, hosts) : 0
}

async function droppedInCables(bed: Bed, hosts: readonly string[]): Promise<number> {
  const counters = await cableCounters(bed)
  return counters
    .filter(({ from, to }) => hosts.includes(from) || hosts.includes(to))
    .reduce((sum, { dropped }) => sum + dropped, 0)
}

async function droppedByRules(bed: Bed, hosts: readonly string[]): Promise<number> {
  let dropped = 0
  for (const host of hosts) {
    const { namespace } = plannedHost(bed.plan, host)
    const { stdout } = await bed.run(inNamespace(namespace, ['nft', 'list', 'ruleset']))
    dropped += countDropped(stdout)
  }
  return dropped
}

/** Sum of the counters of the rules that drop, in what `nft list ruleset` prints. */
export function countDropped(ruleset: string): number {
  const counters = ruleset.matchAll(/counter packets (\d+) bytes \d+ drop/g)
  return [...counters].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/** TLS records that were changed on the way. @throws X0tError BENCH_FAULT_UNSEEN if there are none */
export async function seeTamperedRecords(bed: Bed, hosts: readonly string[]): Promise<string> {
  let changed = 0
  for (const host of hosts) {
    const { namespace } = plannedHost(bed.plan, host)
    const { stdout } = await bed.run(inNamespace(namespace, ['nft', 'list', 'ruleset']))
    changed += countTampered(stdout)
  }
  if (changed > 0) return `${changed} TLS records of ${hosts.join(', ')} were changed on the way`
  throw unseen(`no TLS record of ${hosts.join(', ')} was changed`)
}

/** Sum of the counters of the rules that change bytes of what they meet, in what `nft list ruleset` prints. */
export function countTampered(ruleset: string): number {
  const counters = ruleset.matchAll(/counter packets (\d+) bytes \d+ @\S+ set /g)
  return [...counters].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/**
 * A fault that the testbed has itself seen when it injected it (the clock, the certificate as the node tells it) and
 * that is on record as active. @throws X0tError BENCH_FAULT_UNSEEN
 */
export async function seeActiveFault(bed: Bed, kind: string): Promise<string> {
  const fault = (await bed.folder.faults()).find((one) => one.kind === kind)
  if (fault === undefined) throw unseen(`no ${kind} is active`)
  return `the testbed saw ${kind} on ${fault.target}`
}

/** An end of a link without carrier. @throws X0tError BENCH_FAULT_UNSEEN */
export async function seeCarrierLoss(bed: Bed, [from, to]: readonly string[]): Promise<string> {
  const end = await endWithoutCarrier(bed, from!, to!)
  if (end !== undefined) return `${end.host} sees no carrier on ${end.interface}`
  throw unseen(`${from} and ${to} see a carrier on their link`)
}

/** Carrier of a link that comes and goes. @throws X0tError BENCH_FAULT_UNSEEN if it does not within 3 s */
export async function seeCarrierChanges(bed: Bed, [from, to]: readonly string[]): Promise<string> {
  const seen = new Set<boolean>()
  const untilMs = machineMs() + 3000
  while (machineMs() < untilMs) {
    seen.add((await endWithoutCarrier(bed, from!, to!)) === undefined)
    if (seen.size === 2) return `the carrier between ${from} and ${to} comes and goes`
    await delay(50, undefined, { signal: bed.signal })
  }
  throw unseen(`the carrier between ${from} and ${to} ${seen.has(true) ? 'stays' : 'does not come back'}`)
}

async function endWithoutCarrier(bed: Bed, from: string, to: string): Promise<LinkEnd | undefined> {
  const { a, b } = linkBetween(bed.plan, from, to)
  for (const end of [a, b]) {
    const words = ['ip', '-n', end.namespace, '-o', 'link', 'show', end.interface]
    if ((await bed.run(words)).stdout.includes('NO-CARRIER')) return end
  }
  return undefined
}

/**
 * Packets that a delaying queue has passed on: netem's, or where the kernel has none those that rules forward to the
 * testbed's own delay line. @throws X0tError BENCH_FAULT_UNSEEN
 */
export async function seeDelayedPackets(bed: Bed, hosts: readonly string[]): Promise<string> {
  for (const host of hosts) {
    const { namespace } = plannedHost(bed.plan, host)
    const { stdout: queues } = await bed.run(inNamespace(namespace, ['tc', '-s', 'qdisc', 'show']))
    const { stdout: rules } = await bed.run(inNamespace(namespace, ['nft', 'list', 'ruleset']))
    const packets = countDelayed(queues, rules)
    if (packets > 0) return `${packets} packets of ${host} were delayed`
  }
  throw unseen(`no queue on ${hosts.join(', ')} has delayed a packet`)
}

/** Packets that netem has sent, by `tc -s qdisc show`, or that rules have forwarded, by `nft list ruleset`. */
export function countDelayed(queues: string, rules: string): number {
  const sent = Number(/qdisc netem [^\n]*\n\s*Sent \d+ bytes (\d+) pkt/.exec(queues)?.[1] ?? 0)
  const forwarded = [...rules.matchAll(/counter packets (\d+) bytes \d+ fwd to/g)]
  return sent + forwarded.reduce((sum, [, packets]) => sum + Number(packets), 0)
}

function unseen(found: string): X0tError {
  return new X0tError('BENCH_FAULT_UNSEEN', `the fault is not to be seen: ${found}`)
}
