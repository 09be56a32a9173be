// Counting 100,000 voices and deciding a tie of 4,000 distinct roots, without signatures and records.
// node --disable-warning=ExperimentalWarning packages/dao/bench/tally.bench.ts [rounds]
import { availableParallelism } from 'node:os'
import {
  rulesOfMethod,
  signOf,
  RootSum,
  tally,
  type Ballot,
  type Choice,
  type MemberId,
  type Method,
} from '../src/index.ts'
import type { TallyInput } from '../src/index.ts'

const rounds = Number(process.argv[2] ?? 5)

/** Numbers of 64 bits by Knuth's linear congruential generator: the same in every run. */
function createRandom(seed: bigint): () => bigint {
  let state = seed
  return () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n
    return state >> 20n
  }
}

const choices: readonly Choice[] = ['a', 'b', 'c'].map((label) => ({ label, role: 'option' }))

/** 100,000 members with balances up to 10^27, all of whom vote. */
function electionOf(method: Method): TallyInput {
  const random = createRandom(1n)
  const pick = (): number => Number(random() % 3n)
  const ballot = (): Ballot => {
    if (method === 'quadratic-credits')
      return { kind: 'credits', votes: [[pick(), String(random() % 1000n)]] }
    if (method === 'approval') return { kind: 'approval', choices: [pick()] }
    if (method === 'ranked-choice') return { kind: 'ranking', ranking: [0, 1, 2].toSorted(() => pick() - 1) }
    if (method === 'weighted' || method === 'quadratic-funding') {
      return {
        kind: 'shares',
        shares: [
          [0, '1'],
          [1, String(1n + (random() % 99n))],
        ],
      }
    }
    return { kind: 'single', choice: pick() }
  }
  const electorate = Array.from({ length: 100_000 }, (_, i) => ({
    member: `member ${i}` as MemberId,
    balance: (random() * random()) % 10n ** 27n,
  }))
  const voices = electorate.map((elector) => ({ ...elector, ballot: ballot(), by: elector.member }))
  return { choices, rules: rulesOfMethod(method, 'plurality'), electorate, voices }
}

function measure(name: string, run: () => void): void {
  run()
  const times = Array.from({ length: rounds }, () => {
    const startMs = performance.now()
    run()
    return performance.now() - startMs
  }).toSorted((a, b) => a - b)
  const show = (ms: number): string => `${ms.toFixed(0)} ms`
  console.log(`${name}: median ${show(times[rounds >> 1]!)}, ${show(times[0]!)} to ${show(times.at(-1)!)}`)
}

console.log(
  `node ${process.version}, ${availableParallelism()} processors, ${rounds} rounds after one to warm up`,
)
for (const method of [
  'quadratic-weight',
  'quadratic-credits',
  'quadratic-funding',
  'linear',
  'approval',
  'ranked-choice',
  'weighted',
] as const) {
  const input = electionOf(method)
  measure(`tally/100000 ${method}`, () => void tally(input))
}
measure('tie/4000', () => {
  const random = createRandom(2n)
  const sum = new RootSum()
  for (let i = 0; i < 2000; i++) {
    const r = (random() * random()) % 10n ** 27n
    sum.add(2n, r).add(-1n, 4n * r)
  }
  if (signOf(sum) !== 0) throw new Error('a tie was not found')
})
