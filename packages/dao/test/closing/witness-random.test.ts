import t from 'tap'
import { certificatesOf, culpritsOf, quorumOf, type RecordId, type SignedRecord } from '@x0t/dao'
import { ballotId, ClosingRun, seededNumbers, witnessIds, type Station } from '../support/closing-run.ts'
import { LyingWitness } from '../support/lying-witness.ts'

const yearMs = 365 * 86_400_000

interface Shape {
  readonly witnesses: number
  readonly liars: number
  /** Never heard of. */
  readonly gone: number
  readonly runs: number
  readonly steps: number
}

// Of 4 witnesses one may lie or be gone for good, of 7 two.
const shapes: readonly Shape[] = [
  { witnesses: 1, liars: 0, gone: 0, runs: 20, steps: 20 },
  { witnesses: 3, liars: 0, gone: 0, runs: 60, steps: 120 },
  { witnesses: 4, liars: 0, gone: 1, runs: 60, steps: 200 },
  { witnesses: 4, liars: 1, gone: 0, runs: 250, steps: 250 },
  { witnesses: 7, liars: 2, gone: 0, runs: 80, steps: 500 },
  { witnesses: 7, liars: 1, gone: 1, runs: 40, steps: 500 },
]

for (const shape of shapes) {
  const { witnesses, liars, gone, runs } = shape
  t.test(
    `${witnesses} witnesses, ${liars} lying, ${gone} gone: through crashes, partitions and clocks years apart they agree on one set`,
    async (t) => {
      for (let seed = 1; seed <= runs; seed++) {
        const problem = runOnce(shape, seed)
        if (problem !== null) {
          t.fail(`seed ${seed}: ${problem}`)
          return
        }
      }
      t.pass(`${runs} runs`)
    },
  )
}

/** One run by chance, then calm: what is wrong with how it ended, or null. */
function runOnce({ witnesses, liars, gone, steps }: Shape, seed: number): string | null {
  const random = seededNumbers(seed * 1009 + witnesses)
  const ids = witnessIds(witnesses)
  const lying = new Set<number>()
  while (lying.size < liars) lying.add(random(witnesses))
  const honest = ids.filter((_, at) => !lying.has(at)).slice(gone)
  // Fewer than half of the clocks are years off, one way or the other.
  const wrongClocks = Math.min(honest.length - 1, Math.ceil(witnesses / 2) - 1 - liars - gone)
  const run = new ClosingRun(ids, honest, (at) =>
    at < wrongClocks ? (random(2) * 20 - 10) * yearMs : random(500),
  )
  const liarsHere = [...lying].map((at) => new LyingWitness(ids[at]!, run.proposal, random))
  const ballots = Array.from({ length: 4 }, (_, at) => ballotId(`ballot ${at}`))
  const heldByAll = ballots[0]!
  for (const station of run.stations) run.giveBallot(station, heldByAll)
  for (const id of ballots) run.giveBallot(run.stations[random(run.stations.length)]!, id)

  disturb(run, { random, ballots, liars: liarsHere, steps })

  // From here on everything arrives, and liars are still at it.
  run.nowMs += 10_000
  let lies = 0
  const more = (): SignedRecord[] => {
    if (lies++ < 40) for (const liar of liarsHere) liar.act(run.allSeals(), ballots)
    return liarsHere.flatMap(({ seals }) => seals)
  }
  run.settle(more, 3_600_000)
  return problemIn(run, [...run.allSeals(), ...more()], { heldByAll, ballots })
}

interface Disturbance {
  readonly random: (below: number) => number
  readonly ballots: readonly RecordId[]
  readonly liars: readonly LyingWitness[]
  readonly steps: number
}

/** Messages come in any order or not, timers run out at any time, machines stop and start, groups are cut off. */
function disturb(run: ClosingRun, { random, ballots, liars, steps }: Disturbance): void {
  let groups = run.stations.map(() => 0)
  run.nowMs = -2000
  for (let step = 0; step < steps; step++) {
    const at = random(run.stations.length)
    const station = run.stations[at]!
    const choice = random(20)
    if (choice < 11) {
      const from = random(run.stations.length + liars.length)
      if (from >= run.stations.length) {
        const { seals } = liars[from - run.stations.length]!
        if (seals.length > 0) run.giveSeal(station, seals[random(seals.length)]!)
      } else if (groups[from] === groups[at]) {
        const seals = [...run.stations[from]!.seals.values()]
        if (seals.length > 0) run.giveSeal(station, seals[random(seals.length)]!)
      }
    } else if (choice < 14) for (const liar of liars) liar.act(run.allSeals(), ballots)
    else if (choice === 14) run.giveBallot(station, ballots[random(ballots.length)]!)
    else if (choice === 15) {
      run.nowMs += random(2000)
      run.tellTime(station)
    } else if (choice < 18) fireOne(run, station, random)
    else if (choice === 18) {
      if (station.isUp) run.crash(station)
      else run.restart(station)
    } else groups = run.stations.map(() => random(2))
  }
}

function fireOne(run: ClosingRun, station: Station, random: (below: number) => number): void {
  const timers = [...station.timers.keys()]
  if (timers.length > 0) run.fire(station, timers[random(timers.length)]!)
}

function problemIn(
  run: ClosingRun,
  seals: readonly SignedRecord[],
  { heldByAll, ballots }: { readonly heldByAll: RecordId; readonly ballots: readonly RecordId[] },
): string | null {
  const { certificate, rivals } = certificatesOf(run.proposal, seals)
  if (rivals.length > 0) return 'two certificates over different sets'
  if (certificate === null)
    return `no certificate; rounds ${run.stations.map(({ witness }) => witness.round).join()}`
  if (run.stations.some(({ witness }) => witness.phase !== 'certified')) return 'a witness that is not done'
  const set = certificate.ballots
  if (set === null) return 'a certificate over a set that nobody knows'
  if (!set.includes(heldByAll)) return 'a ballot that every honest witness held is missing'
  if (set.some((id) => !ballots.includes(id))) return 'an invented ballot'
  const { needed } = quorumOf(run.proposal.record.body.witnesses.length)
  if (certificate.commits.length < needed) return 'too few commits'
  const honest = new Set(run.stations.map(({ self }) => self))
  const accused = culpritsOf(run.proposal, seals).find(({ witness }) => honest.has(witness))
  return accused === undefined ? null : `an honest witness is accused of ${accused.fault}`
}
