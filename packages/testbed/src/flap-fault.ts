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
  return {
    async inject(ports) {
      await startFlapping(a.namespace, mark, seconds, [a.interface], ports)
    },
    verify: (ports) => seeFlapping(ports, b, stateMs),
    undo: [{ kind: 'end-helper', namespace: a.namespace, mark }, ...linkUpSteps(plan, link)],
  }
}

/** Starts the shell that sets these interfaces of a namespace down and up. */
export async function startFlapping(
  namespace: string,
  mark: string,
  seconds: string,
  interfaces: readonly string[],
  ports: FaultPorts,
): Promise<void> {
  const script =
    'for_all() { for device in $devices; do ip link set "$device" "$1" || exit; done; }; ' +
    'seconds=$1; shift; devices=$*; while :; do for_all down; sleep "$seconds"; for_all up; sleep "$seconds"; done'
  await startHelper(namespace, mark, ['sh', '-c', script, mark, seconds, ...interfaces], ports)
}

/** Looks for down and up once each, as an end that is not touched sees its carrier. */
export async function seeFlapping(ports: FaultPorts, end: LinkEnd, stateMs: number): Promise<void> {
  for (const carrier of [false, true]) await waitForCarrier(ports, end, carrier, 2 * stateMs + 2000)
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
