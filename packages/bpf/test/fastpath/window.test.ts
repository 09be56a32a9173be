import t from 'tap'
import fc from 'fast-check'
import { openTestRelay } from './support/load.ts'
import { kernelBase } from './support/frames.ts'
import { verdict } from './support/fastpath.ts'
import { dataFrom, frameFrom, targetLabel } from './support/relay.ts'
import { requireKernel } from './support/capability.ts'

const kernel = requireKernel(t)

t.test('a window takes each number once, and none that is 2048 behind', kernel, async () => {
  using relay = await openTestRelay(2)
  const { fastpath, neighbours, connect } = relay
  const from = neighbours[0]!
  fastpath.setRoute(targetLabel, {
    nextHop: 1,
    feasibleUs: 1,
    alternate: undefined,
    red: undefined,
    blue: undefined,
    former: undefined,
  })
  // Steps around the edges of words (64), of the window (2048), of the bitmap (4096), and beyond.
  const step = fc.oneof(
    fc.integer({ min: -70, max: 70 }),
    fc.integer({ min: -2060, max: -2030 }),
    fc.constantFrom(2047, 2048, 2049, 4032, 4095, 4096, 4097, 4160, 1_000_000, 2 ** 40),
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.boolean(), (steps, byKernel) => {
      connect(from)
      const base = byKernel ? kernelBase : 0n
      const seen = new Set<bigint>()
      let top = 0n
      return steps.every((step) => {
        const number = top + BigInt(step)
        if (number <= 0n || number >= kernelBase) return true
        const isNew = number > top - 2048n && !seen.has(number)
        const result = fastpath.run(frameFrom(from, dataFrom(from, { number: base + number }))).verdict
        seen.add(number)
        if (isNew && number > top) top = number
        return result === (isNew ? verdict.redirect : verdict.drop)
      })
    }),
    { seed: 11, numRuns: 100 },
  )
})
