// Run by faults.test.ts in namespaces of its own: real faults of real links, and what both ends say to them.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { DataPlaneEvent } from '../../src/index.ts'

const run = (command: string): void => {
  const [program, ...words] = command.split(' ')
  execFileSync(program!, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
const nft = (namespace: string, command: string): void =>
  void execFileSync('ip', ['netns', 'exec', namespace, 'nft', command])

/** One end, and what it has told so far. */
interface End {
  readonly child: ChildProcess
  readonly events: DataPlaneEvent[]
  /** The first event that fits, since `from`. */
  next(fits: (event: DataPlaneEvent) => boolean, from?: number): Promise<DataPlaneEvent>
}

function startEnd(
  namespace: string,
  self: string,
  other: string,
  host: string,
  probe: readonly string[],
): End {
  const child = spawn(
    'ip',
    [
      'netns',
      'exec',
      namespace,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      `${import.meta.dirname}/end.ts`,
      self,
      other,
      host,
      ...probe,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const events: DataPlaneEvent[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => void events.push(JSON.parse(line) as DataPlaneEvent))
  return {
    child,
    events,
    async next(fits, from = 0) {
      for (let at = from; ; at++) {
        while (at >= events.length) await once(lines, 'line')
        if (fits(events[at]!)) return events[at]!
      }
    },
  }
}

/** Hosts a and b, joined by a pair of interfaces, with one end each. */
async function openLink(
  name: string,
  probe: readonly string[] = ['auto', '3'],
): Promise<
  { readonly a: End; readonly b: End; readonly spaces: readonly [string, string] } & AsyncDisposable
> {
  const spaces = [`${name}-a`, `${name}-b`] as const
  for (const space of spaces) run(`ip netns add ${space}`)
  // Ends of the same index would make the kernel hold news of a lost carrier back for up to a second.
  run(`ip link add e0 index 71 netns ${spaces[0]} type veth peer name e0 index 72 netns ${spaces[1]}`)
  for (const [index, space] of spaces.entries()) {
    run(`ip -n ${space} address add 10.79.0.${index + 1}/24 dev e0`)
    run(`ip -n ${space} link set e0 up`)
  }
  nft(
    spaces[1],
    'table inet faults { chain input { type filter hook input priority 0; }; chain output { type filter hook output priority 0; }; }',
  )
  const a = startEnd(spaces[0], 'a', 'b', '10.79.0.2', probe)
  const b = startEnd(spaces[1], 'b', 'a', '10.79.0.1', probe)
  const close = async (): Promise<void> => {
    for (const { child } of [a, b]) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    for (const space of spaces) run(`ip netns delete ${space}`)
  }
  const both = [a, b].map((end) => end.next(({ kind }) => kind === 'neighbour-up'))
  await Promise.all(both)
  // The round trip is known, and probes are as fast as they will be.
  await Promise.all([a, b].map((end) => end.next(({ kind }) => kind === 'metric', end.events.length + 1)))
  return { a, b, spaces, [Symbol.asyncDispose]: close }
}

const down = (event: DataPlaneEvent): boolean => event.kind === 'neighbour-down'

t.test('a hole in both directions is found by both ends in less than a second', async (t) => {
  await using link = await openLink('hole')
  const [fromA, fromB] = [link.a.events.length, link.b.events.length]
  const started = performance.now()
  nft(link.spaces[1], 'add rule inet faults input drop; add rule inet faults output drop')
  const found = await Promise.all([link.a.next(down, fromA), link.b.next(down, fromB)])
  t.ok(performance.now() - started < 1000)
  t.match(found, [{ reason: 'silent' }, { reason: 'silent' }])
  nft(link.spaces[1], 'flush ruleset')
  await link.a.next(({ kind }) => kind === 'neighbour-up', fromA)
})

t.test(
  'when only one direction is dead both ends take the link down, the second because it is told',
  async (t) => {
    await using link = await openLink('oneway')
    const [fromA, fromB] = [link.a.events.length, link.b.events.length]
    const started = performance.now()
    nft(link.spaces[1], 'add rule inet faults input drop')
    t.match(await Promise.all([link.a.next(down, fromA), link.b.next(down, fromB)]), [
      { reason: 'told' },
      { reason: 'silent' },
    ])
    t.ok(performance.now() - started < 1000)
  },
)

t.test('an interface that goes down takes its link with it, long before silence would', async (t) => {
  // Silence would take half a minute.
  await using link = await openLink('carrier', ['300', '100'])
  const [fromA, fromB] = [link.a.events.length, link.b.events.length]
  run(`ip -n ${link.spaces[0]} link set e0 down`)
  t.match(await link.a.next(down, fromA), { reason: 'carrier' })
  t.match(await link.b.next(down, fromB), { reason: 'carrier' }, 'the other end of the cable sees it too')
})

t.test('an interface that goes down leaves a link over another way alone', async (t) => {
  await using link = await openLink('other')
  run(`ip -n ${link.spaces[0]} link add e1 type veth peer name e2`)
  for (const device of ['e1', 'e2']) run(`ip -n ${link.spaces[0]} link set ${device} up`)
  run(`ip -n ${link.spaces[0]} address add 10.80.0.1/24 dev e1`)
  run(`ip -n ${link.spaces[0]} link set e1 down`)
  run(`ip -n ${link.spaces[0]} link delete e2`)
  await link.a.next(({ kind }) => kind === 'metric', link.a.events.length)
  t.notOk(link.a.events.some((event) => event.kind === 'neighbour-down' && event.reason === 'carrier'))
})

t.test('loss is told for the direction in which it happens', async (t) => {
  await using link = await openLink('loss')
  const [fromA, fromB] = [link.a.events.length, link.b.events.length]
  nft(link.spaces[1], 'add rule inet faults input udp dport 7700 numgen random mod 100 < 15 drop')
  const seenByB = await link.b.next((event) => event.kind === 'metric' && event.lossRatio > 0.08, fromB)
  const toldToA = await link.a.next(
    (event) => event.kind === 'metric' && (event.lossToRatio ?? 0) > 0.08,
    fromA,
  )
  t.match(toldToA, { kind: 'metric' })
  if (seenByB.kind !== 'metric' || toldToA.kind !== 'metric') return
  t.ok(seenByB.lossRatio < 0.5, `${seenByB.lossRatio} of what b should receive`)
  t.ok((seenByB.lossToRatio ?? 0) < 0.05 && toldToA.lossRatio < 0.05, 'nothing in the other direction')
})
