import t from 'tap'
import { createLinkMetric } from '../src/link-metric.ts'
import { createLossWindow } from '../src/loss-window.ts'

/** A stream of datagrams every 10 ms, all of them probes; `arrives` says which get through. */
function stream(arrives: (counter: number) => boolean) {
  const window = createLossWindow()
  let counter = 0
  let mtuProbes = 0
  return {
    window,
    /** Sends `count` probes; each is preceded by `padded` path-MTU probes that are lost. */
    run: (count: number, padded = 0): void => {
      for (let i = 0; i < count; i++) {
        counter += padded + 1
        mtuProbes += padded
        if (!arrives(counter)) continue
        window.received(counter)
        window.probed(counter, mtuProbes, counter * 10)
      }
    },
  }
}

t.test('loss shows after some 400 ms and 30 datagrams, not before', async (t) => {
  const { window, run } = stream((counter) => counter < 100 || counter % 5 !== 0)
  run(30)
  t.equal(window.recent(), undefined)
  run(60)
  t.match(window.recent(), { lost: 0, ratio: 0 })
  run(60)
  // Of each 5 one is lost; the window ends at a probe, so that it may be off by one in 40.
  t.ok(Math.abs(window.recent()!.ratio - 0.2) <= 0.03, `${window.recent()!.ratio}`)
  t.ok(window.settled()!.ratio < 0.15, 'the long window has not seen it for long')
  run(200)
  t.ok(Math.abs(window.settled()!.ratio - 0.2) <= 0.02)
})

t.test('path-MTU probes that do not arrive are no loss', async (t) => {
  const { window, run } = stream(() => true)
  run(100, 12)
  t.match(window.recent(), { lost: 0 })
})

t.test('datagrams that were overtaken are not taken for lost', async (t) => {
  const window = createLossWindow()
  for (let counter = 1; counter <= 400; counter += 4) {
    // Four by four in reverse, and the first of each four last.
    for (const late of [3, 2, 1, 0]) window.received(counter + late)
    window.probed(counter + 3, 0, counter * 10)
  }
  t.match(window.recent(), { lost: 0 })
  // A whole burst, overtaken by the probe that ends its bucket.
  window.received(460)
  window.probed(460, 0, 4600)
  for (let counter = 401; counter < 460; counter++) window.received(counter)
  window.received(480)
  window.probed(480, 0, 4700)
  t.match(window.recent(), { lost: 0 })
  t.equal(window.probed(470, 0, 9000), false, 'a late probe ends nothing')
})

t.test('an absurd number of path-MTU probes hides no loss', async (t) => {
  const window = createLossWindow()
  for (let i = 1; i <= 100; i++) {
    window.received(i * 2)
    window.probed(i * 2, i * 1000, i * 20)
  }
  t.equal(window.recent()!.ratio, 0.5)
})

t.test('a leap of loss is told at once, each way, but not more often than every 100 ms', async (t) => {
  const metric = createLinkMetric(0)
  let counter = 0
  const told: [atMs: number, lossRatio: number, lossToRatio: number | undefined][] = []
  const run = (fromMs: number, toMs: number, lossy: boolean, peerLoss: number): void => {
    for (let atMs = fromMs; atMs < toMs; atMs += 10) {
      counter++
      if (!lossy || counter % 4 !== 0) {
        metric.received(counter)
        metric.probed(counter, { mtuProbes: 0, lossRatio: peerLoss }, atMs)
      }
      const due = metric.take({ rttMs: 1, mtuBytes: 1472 }, atMs)
      if (due !== undefined) told.push([atMs, due.lossRatio, due.lossToRatio])
    }
  }
  run(0, 3000, false, 0)
  t.strictSame(
    told.map(([atMs]) => atMs),
    [0, 1000, 2000],
    'once a second, and once for the first MTU',
  )
  told.length = 0
  run(3000, 3990, true, 0)
  const leaps = told.filter(([atMs, lossRatio]) => atMs > 3000 && lossRatio >= 0.05)
  t.ok(leaps[0]![0] <= 3300, `first told ${leaps[0]?.[0]}`)
  t.ok(leaps.every(([atMs], i) => i === 0 || atMs - leaps[i - 1]![0] >= 100))
  t.ok(leaps.length <= 5)
  run(4000, 6500, false, 0)
  told.length = 0
  run(6500, 6700, false, 0.3)
  t.match(told, [[6500, 0, 0.3]], 'the neighbour says that what we send is lost')
  t.equal(metric.lossRatio, 0)
})

t.test('a leap of the round trip is told at once', async (t) => {
  const metric = createLinkMetric(0)
  const link = { mtuBytes: 1472 }
  metric.take({ ...link, rttMs: 1 }, 0)
  t.equal(metric.take({ ...link, rttMs: 2.5 }, 200), undefined, 'less than 2 ms more')
  t.match(metric.take({ ...link, rttMs: 150 }, 210), { rttMs: 150, lossRatio: 0, lossToRatio: undefined })
  t.equal(metric.take({ ...link, rttMs: 350 }, 260), undefined, 'not within 100 ms')
  t.match(metric.take({ ...link, rttMs: 350 }, 310), { rttMs: 350 })
})
