import { setTimeout as delay } from 'node:timers/promises'
import type { Bed } from '../bed.ts'
import { helperMark } from '../fault-helper.ts'
import type { FaultAction, FaultTarget } from '../fault-spec.ts'
import { ineffective, type FaultPorts, type FaultSteps } from '../fault-steps.ts'
import { seeFlapping, startFlapping } from '../flap-fault.ts'
import type { ActiveFault, UndoStep } from '../manifest.ts'
import { sendTest } from '../nft-fault.ts'
import { cableBetween, middleNamespace, type Cable } from './cable-plan.ts'
import { dropRatios, dropsOf, type Drop } from './drop-ratios.ts'
import { openFaultSwitch } from './switch-map.ts'
import { switchWord, type FaultSwitch } from './fault-switch.ts'

/** How long to wait for a packet of the hosts themselves on a cable that was just switched, ms. */
const ownPacketsMs = 20

/** The steps of a fault that sits in the cables; undefined for one that is done on the hosts. */
export function planCableFault(bed: Bed, target: FaultTarget, action: FaultAction): FaultSteps | undefined {
  if (target.kind === 'link' && (action.kind === 'down' || action.kind === 'flap')) {
    const { cable } = cableBetween(bed.plan, target.a, target.b)
    return action.kind === 'down' ? cut(bed, cable) : flap(bed, cable, action.value ?? 0)
  }
  const drops = dropsOf(bed.plan, { target: target.text, ...action })
  return drops.length === 0 ? undefined : switched(bed, drops)
}

/** Sets the switches of all cables to what these faults ask for; returns when the last one was set, CLOCK_MONOTONIC in ms. */
export async function setSwitches(bed: Bed, faults: readonly ActiveFault[]): Promise<number> {
  using map = await openFaultSwitch(bed.folder)
  const wordOf = (cable: Cable): bigint =>
    switchWord([map.switch.lossRatio(cable, 0), map.switch.lossRatio(cable, 1)])
  const changes = dropRatios(bed.plan, faults).filter(
    ({ cable, ratios }) => wordOf(cable) !== switchWord(ratios),
  )
  for (const { cable, ratios } of changes) map.switch.set(cable, ratios)
  return Number(process.hrtime.bigint()) / 1e6
}

/** A fault of packets that the program drops; one store into its memory switches it on. */
function switched(bed: Bed, drops: readonly Drop[]): FaultSteps {
  let effectMs: number | undefined
  let before: readonly number[] = []
  const seen = (from: FaultSwitch): readonly number[] =>
    drops.map(({ cable, side, ratio }) => {
      const { passed, dropped } = from.counters(cable, side)
      return ratio < 1 ? passed + dropped : dropped
    })
  return {
    async inject() {
      using map = await openFaultSwitch(bed.folder)
      before = seen(map.switch)
      // The fault itself is among them: it was recorded before.
      effectMs = await setSwitches(bed, await bed.folder.faults())
    },
    /** Each direction has met a packet: of the hosts themselves, or of a test where they are silent. */
    async verify({ run }) {
      using map = await openFaultSwitch(bed.folder)
      const unseen = (): readonly Drop[] => {
        const now = seen(map.switch)
        return drops.filter((_, at) => now[at] === before[at])
      }
      for (let waitedMs = 0; waitedMs < ownPacketsMs && unseen().length > 0; waitedMs += 2) await delay(2)
      await Promise.all(unseen().map((drop) => sendTest(endsOf(drop), run)))
      const silent = unseen()[0]
      if (silent === undefined) return
      const { from, to } = endsOf(silent)
      throw ineffective(`the cable has met no packet that ${from.host} sent to ${to.host}`)
    },
    effectMs: () => effectMs,
    undo: [{ kind: 'switch' }],
  }
}

function endsOf({ cable, side }: Drop): Parameters<typeof sendTest>[0] {
  return { from: cable.sides[side].host, to: cable.sides[side === 0 ? 1 : 0].host }
}

/** Both hosts lose their carrier; their interfaces keep addresses and routes. */
function cut(bed: Bed, cable: Cable): FaultSteps {
  return {
    async inject({ run }) {
      const { argv, input } = setLinks(bed, cable, 'down')
      await run(argv, { input })
    },
    async verify(ports) {
      for (const { host } of cable.sides)
        if (!(await lacksCarrier(ports, host)))
          throw ineffective(`${host.namespace} still sees a carrier on ${host.interface}`)
    },
    undo: [up(bed, cable)],
  }
}

function flap(bed: Bed, cable: Cable, stateMs: number): FaultSteps {
  const namespace = middleNamespace(bed.plan)
  const mark = helperMark()
  const interfaces = cable.sides.map((side) => side.interface)
  return {
    inject: (ports) => startFlapping(namespace, mark, String(stateMs / 1000), interfaces, ports),
    verify: (ports) => seeFlapping(ports, cable.sides[1].host, stateMs),
    undo: [{ kind: 'end-helper', namespace, mark }, up(bed, cable)],
  }
}

function up(bed: Bed, cable: Cable): UndoStep {
  return { kind: 'command', ...setLinks(bed, cable, 'up') }
}

/** One run of ip for both ends in the middle, so that they change within microseconds of each other. */
function setLinks(bed: Bed, { sides }: Cable, to: 'up' | 'down'): { argv: string[]; input: string } {
  return {
    argv: ['ip', '-n', middleNamespace(bed.plan), '-batch', '-'],
    input: sides.map((side) => `link set ${side.interface} ${to}\n`).join(''),
  }
}

async function lacksCarrier(
  { run }: FaultPorts,
  { namespace, interface: device }: Cable['sides'][0]['host'],
): Promise<boolean> {
  const { stdout } = await run(['ip', '-n', namespace, '-o', 'link', 'show', device])
  return stdout.includes('NO-CARRIER')
}
