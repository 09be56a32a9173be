import { setTimeout as delay } from 'node:timers/promises'
import { ineffective, type FaultPorts, type FaultSteps } from './fault-steps.ts'
import { helperMark, startHelper } from './fault-helper.ts'
import type { UndoStep } from './manifest.ts'
import { routeCommands } from './network.ts'
import type { LinkEnd, NetworkPlan, PlannedLink } from './network-plan.ts'

/**
 * The link goes down for `stateMs`, comes up for `stateMs`, and so on until it is healed. A shell of its own does it,
 * inside the namespace of the first end, and ends with the testbed at the latest.
 */
export function flap(plan: NetworkPlan, link: PlannedLink, stateMs: number): FaultSteps {
  const { a, b } = link
  const mark = helperMark()
  const seconds = String(stateMs / 1000)
  const script =
    'while :; do ip link set "$1" down || exit; sleep "$2"; ip link set "$1" up || exit; sleep "$2"; done'
  return {
    async inject(ports) {
      await startHelper(a.namespace, mark, ['sh', '-c', script, mark, a.interface, seconds], ports)
    },
    /** Down and up once each, as the far end sees its carrier. */
    async verify(ports) {
      for (const carrier of [false, true]) await waitForCarrier(ports, b, carrier, 2 * stateMs + 2000)
    },
    undo: [{ kind: 'end-helper', namespace: a.namespace, mark }, ...linkUpSteps(plan, link)],
  }
}

/** Brings a link up again, with the routes that the kernel dropped when it went down. */
export function linkUpSteps(plan: NetworkPlan, { a }: PlannedLink): readonly UndoStep[] {
  const up = { argv: ['ip', '-n', a.namespace, 'link', 'set', a.interface, 'up'] }
  return [up, ...(plan.forward ? routeCommands(plan, a.host) : [])].map((step): UndoStep => ({
    ...step,
    kind: 'command',
    argv: [...step.argv],
  }))
}

async function waitForCarrier(
  { run, clock }: FaultPorts,
  end: LinkEnd,
  wanted: boolean,
  withinMs: number,
): Promise<void> {
  const untilMs = clock.monotonicMs() + withinMs
  for (;;) {
    const { stdout } = await run(['ip', '-n', end.namespace, '-o', 'link', 'show', end.interface])
    if (stdout.includes('NO-CARRIER') !== wanted) return
    if (clock.monotonicMs() >= untilMs)
      throw ineffective(
        `${end.namespace} never saw the carrier of ${end.interface} ${wanted ? 'come' : 'go'}`,
      )
    await delay(5)
  }
}
