import { blackhole, oneWay } from './drop-faults.ts'
import type { FaultAction, FaultTarget } from './fault-spec.ts'
import { ineffective, type FaultSteps } from './fault-steps.ts'
import { flap, linkUpSteps } from './flap-fault.ts'
import { loss } from './loss-fault.ts'
import { linkBetween, type LinkEnd, type NetworkPlan, type PlannedLink } from './network-plan.ts'
import type { UndoStep } from './manifest.ts'
import { inNamespace, type Run } from './run-command.ts'

/** The steps of a link fault; reads the present settings that its undo must put back. */
export async function planLinkFault(
  plan: NetworkPlan,
  target: Extract<FaultTarget, { kind: 'link' }>,
  { kind, value = 0 }: FaultAction,
  run: Run,
): Promise<FaultSteps> {
  const link = linkBetween(plan, target.a, target.b)
  const { a, b } = link
  const [from, to] = target.from === a.host ? [a, b] : [b, a]
  switch (kind) {
    case 'down':
      return linkDown(plan, link)
    case 'blackhole':
      return blackhole(link)
    case 'one-way':
      return oneWay(from, to)
    case 'loss': {
      const both = [
        { from: b, to: a },
        { from: a, to: b },
      ]
      return loss(both, 'x0t_loss', value, run)
    }
    case 'loss-from':
      return loss([{ from, to }], 'x0t_loss_from', value, run)
    case 'flap':
      return flap(plan, link, value)
    case 'latency':
      return netemDelay(link, value)
    default:
      throw new TypeError(`${kind} is no fault of a link`)
  }
}

function linkDown(plan: NetworkPlan, link: PlannedLink): FaultSteps {
  const { a, b } = link
  return {
    async inject({ run }) {
      await run(['ip', '-n', a.namespace, 'link', 'set', a.interface, 'down'])
    },
    async verify({ run }) {
      const { stdout } = await run(['ip', '-n', b.namespace, '-o', 'link', 'show', b.interface])
      if (!stdout.includes('NO-CARRIER'))
        throw ineffective(`${b.namespace} still sees a carrier on ${b.interface}`)
    },
    undo: linkUpSteps(plan, link),
  }
}

function netemDelay(link: PlannedLink, ms: number): FaultSteps {
  const ends = [link.a, link.b]
  const tc = (end: LinkEnd, words: readonly string[]): string[] => [
    ...inNamespace(end.namespace, [
      'tc',
      'qdisc',
      ...words.map((word) => (word === 'DEV' ? end.interface : word)),
    ]),
  ]
  return {
    async inject({ run }) {
      for (const end of ends)
        await run(tc(end, ['replace', 'dev', 'DEV', 'root', 'netem', 'delay', `${ms}ms`]))
    },
    async verify({ run }) {
      for (const end of ends) {
        const { stdout } = await run(tc(end, ['show', 'dev', 'DEV']))
        if (!stdout.includes('netem')) throw ineffective(`${end.namespace} has no netem on ${end.interface}`)
      }
    },
    // `replace … noqueue` puts back what a veth has by itself, whether netem is there or not.
    undo: ends.map((end): UndoStep => ({
      kind: 'command',
      argv: tc(end, ['replace', 'dev', 'DEV', 'root', 'noqueue']),
    })),
  }
}
