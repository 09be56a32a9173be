import fc from 'fast-check'
import t from 'tap'
import { delayQueue } from '../src/delay-line/delay-queue.ts'

const fixed = { latencyMs: 100, jitterMs: 0, maxBytes: 1000, random: () => 0.5 }

t.test('a frame leaves when its time has come, not before', async (t) => {
  const queue = delayQueue<string>(fixed)
  t.equal(queue.nextMs(), Infinity)
  queue.add('one', 1, 5)
  queue.add('two', 1, 6)
  t.equal(queue.nextMs(), 105)
  t.equal(queue.take(104.9), undefined)
  t.equal(queue.take(105), 'one')
  t.equal(queue.take(105), undefined)
  t.equal(queue.take(200), 'two')
  t.equal(queue.nextMs(), Infinity)
})

t.test('what does not fit is refused until something has left', async (t) => {
  const queue = delayQueue<string>(fixed)
  t.equal(queue.add('large', 1000, 0), true)
  t.equal(queue.add('more', 1, 1), false)
  t.equal(queue.take(100), 'large')
  t.equal(queue.add('more', 1, 100), true)
})

t.test('jitter moves a frame both ways, and never past the one before it', async (t) => {
  const draws = [1, 0, 0.75]
  const queue = delayQueue<number>({ ...fixed, jitterMs: 20, random: () => draws.shift()! })
  // 100 + 20 * (2 - 1) = 120; the second would be due at 1 + 80 and waits for the first; 200 + 100 + 10.
  for (const [frame, atMs] of [0, 1, 200].entries()) queue.add(frame, 1, atMs)
  t.equal(queue.nextMs(), 120)
  t.equal(queue.take(120), 0)
  t.equal(queue.take(120), 1)
  t.equal(queue.nextMs(), 310)
})

t.test('all frames come out once, in order, none early', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ waitMs: fc.nat(50), draw: fc.double({ min: 0, max: 0.999, noNaN: true }) }), {
        maxLength: 400,
      }),
      (arrivals) => {
        let draw = 0
        const queue = delayQueue<number>({ ...fixed, jitterMs: 30, maxBytes: Infinity, random: () => draw })
        const cameMs: number[] = []
        const left: number[] = []
        let nowMs = 0
        const leave = (): void => {
          for (let frame = queue.take(nowMs); frame !== undefined; frame = queue.take(nowMs)) {
            if (nowMs - cameMs[frame]! < 70) throw new Error(`frame ${frame} left early`)
            left.push(frame)
          }
        }
        for (const { waitMs, draw: next } of arrivals) {
          nowMs += waitMs
          draw = next
          queue.add(cameMs.length, 1, nowMs)
          cameMs.push(nowMs)
          leave()
        }
        nowMs += 130
        leave()
        return left.length === cameMs.length && left.every((frame, at) => frame === at)
      },
    ),
    { seed: 11, numRuns: 200 },
  )
})
