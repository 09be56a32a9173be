import type { FaultSteps } from './fault-steps.ts'
import type { UndoStep } from './manifest.ts'
import type { LinkEnd, PlannedLink } from './network-plan.ts'
import { chainAt, countersOf, nftFault } from './nft-fault.ts'
import { inNamespace, type Run } from './run-command.ts'

/** Random numbers of nft are drawn from 0 to this, so loss has steps of a millionth. */
const lossSteps = 1_000_000

/** Features that let one buffer stand for many packets; while packets are to be lost one by one they are off. */
const offloads = {
  'tcp-segmentation-offload': 'tso',
  'generic-segmentation-offload': 'gso',
  'generic-receive-offload': 'gro',
  'tx-udp-segmentation': 'tx-udp-segmentation',
} as const

/** One direction in which packets are lost. */
export interface Direction {
  readonly from: LinkEnd
  readonly to: LinkEnd
}

/** Loses each packet of these directions by chance, data and probes alike. Reads the offloads that its undo puts back. */
export async function loss(
  directions: readonly Direction[],
  name: 'x0t_loss' | 'x0t_loss_from',
  ratio: number,
  run: Run,
): Promise<FaultSteps> {
  const highest = Math.max(0, Math.round(ratio * lossSteps) - 1)
  const rule = `counter numgen random mod ${lossSteps} <= ${highest} counter drop`
  const rules = nftFault(
    directions.map(({ to }) => ({
      namespace: to.namespace,
      tables: [
        { family: 'netdev', name: `${name}_${to.index}`, chains: [chainAt(to, 'ingress', -400, rule)] },
      ],
    })),
    directions.map(({ from, to }) => ({ from, to, lost: false })),
    { counters: 'first' },
  )
  const ends = directions.flatMap(({ from, to }) => (directions.length === 1 ? [from, to] : [to]))
  const before = await Promise.all(ends.map((end) => offloadsOn(end, run)))
  const undo = ends.flatMap((end, at): UndoStep[] =>
    before[at]!.length === 0 ? [] : [{ kind: 'command', argv: switchOffloads(end, before[at]!, 'on') }],
  )
  return {
    async inject(ports) {
      for (const end of ends) await ports.run(switchOffloads(end, Object.values(offloads), 'off'))
      await rules.inject(ports)
    },
    verify: (ports) => rules.verify(ports),
    undo: [...rules.undo, ...undo],
  }
}

/** Turns the offloads of both ends off, so that every packet on the link is a packet of its own. */
export async function disableOffloads(link: PlannedLink, run: Run): Promise<void> {
  for (const end of [link.a, link.b]) await run(switchOffloads(end, Object.values(offloads), 'off'))
}

/** Packets seen and dropped by the loss fault of a link, both directions together, from the kernel's counters. */
export async function lossCounters(
  link: PlannedLink,
  run: Run,
): Promise<{ readonly seen: number; readonly dropped: number }> {
  let [seen, dropped] = [0, 0]
  for (const { namespace, index } of [link.a, link.b]) {
    const counts = await countersOf(namespace, { family: 'netdev', name: `x0t_loss_${index}` }, run)
    seen += counts[0] ?? 0
    dropped += counts[1] ?? 0
  }
  return { seen, dropped }
}

function switchOffloads(end: LinkEnd, names: readonly string[], to: 'on' | 'off'): string[] {
  const words = names.flatMap((name) => [name, to])
  return [...inNamespace(end.namespace, ['ethtool', '-K', end.interface, ...words])]
}

async function offloadsOn(end: LinkEnd, run: Run): Promise<readonly string[]> {
  const { stdout } = await run(inNamespace(end.namespace, ['ethtool', '-k', end.interface]))
  return Object.entries(offloads).flatMap(([feature, name]) =>
    new RegExp(`^\\s*${feature}: on(?! \\[fixed\\])`, 'm').test(stdout) ? [name] : [],
  )
}
