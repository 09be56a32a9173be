// Real data planes in namespaces: a - r - b and a - s - b.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { openLab } from '../bench/lab.ts'
import { stream } from './support/numbered-stream.ts'

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
  } catch {
    return 'needs ip and nft'
  }
  return undefined
}
// Six seconds of traffic each, on machines of any speed.
t.setTimeout(180_000)
const lacks = missing()
if (lacks !== undefined && process.env.CI === 'true') t.fail(`network namespaces: ${lacks}`)
const namespaces = lacks === undefined ? {} : { skip: lacks }

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

t.test(
  'hitless: a relay that falls silent costs not one packet, in either direction',
  namespaces,
  async (t) => {
    await using lab = await openLab({
      relay: true,
      diamond: { hitless: true },
      prefix: 'x0tdia-',
      probeMs: 100,
      offloadsOff: false,
      lossRatio: 0,
    })
    const streams = Promise.all([stream(lab, 'a', 'b', 2000, 3), stream(lab, 'b', 'a', 2000, 3)])
    await afterMs(2500)
    lab.node('r').kill('SIGSTOP')
    for (const { count, repeated, bufferErrors } of await streams) {
      t.equal(count + bufferErrors, 2000)
      t.equal(repeated, 0)
    }
    t.match(lab.output(), /a: neighbour-down .*"r"/, 'it was noticed')
  },
)

t.test('a relay that answers probes but eats data is left within a second', namespaces, async (t) => {
  await using lab = await openLab({
    relay: true,
    diamond: { hitless: false },
    prefix: 'x0tdia-',
    probeMs: 100,
    offloadsOff: false,
    lossRatio: 0,
  })
  const streams = Promise.all([stream(lab, 'a', 'b', 1000, 5), stream(lab, 'b', 'a', 1000, 5)])
  await afterMs(2000)
  // The first byte of the UDP payload: 0x10 is data. Dropped before the relay's node sees it.
  lab.run('r', 'nft', 'add table inet eater')
  lab.run('r', 'nft', 'add chain inet eater in { type filter hook input priority 0; }')
  lab.run('r', 'nft', 'add rule inet eater in udp dport 7700 @th,64,8 0x10 drop')
  for (const { count, gapMs } of await streams) {
    t.ok(count >= 800, `${count} of 1000 arrived`)
    t.ok(gapMs < 1000, `a gap of ${Math.round(gapMs)} ms`)
  }
  t.match(lab.output(), /a: path-suspect .*"r"/)
  t.match(lab.output(), /b: path-suspect .*"r"/)
})
