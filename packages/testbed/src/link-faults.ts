import { blackhole, oneWay } from './drop-faults.ts'
import type { FaultAction, FaultTarget } from './fault-spec.ts'
import { ineffective, type FaultSteps } from './fault-steps.ts'
import { flap, linkUpSteps } from './flap-fault.ts'
import { handshakeFailure } from './handshake-fault.ts'
import { latency } from './latency-fault.ts'
import { loss } from './loss-fault.ts'
import { linkBetween, type NetworkPlan, type PlannedLink } from './network-plan.ts'
import type { Run } from './run-command.ts'

/** The steps of a link fault; reads the present settings that its undo must put back. */
export async function planLinkFault(
  plan: NetworkPlan,
  target: Extract<FaultTarget, { kind: 'link' }>,
  { kind, value = 0, jitterMs = 0 }: FaultAction,
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
    case 'handshake-failure':
      return handshakeFailure([{ own: a, other: b }])
    case 'latency':
      return latency(link, value, jitterMs)
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
