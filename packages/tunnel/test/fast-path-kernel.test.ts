// Real data planes in namespaces, with the program in the kernel: a - r - b, and a - r - b beside a - s - b.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { openNativeBackend, readChains, readPins, unloadObject } from '@x0t/bpf'
import type { FastPathStatus, KernelCounter, KernelLink, Stats } from '../src/index.ts'
import { openLab, type Lab, type LabOptions } from '../bench/lab.ts'
import { stream } from './support/numbered-stream.ts'

async function missing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
    execFileSync('tc', ['-V'], { stdio: 'ignore' })
    await openNativeBackend().listPrograms()
  } catch (error) {
    return `needs ip, tc and bpf(2): ${String(error)}`
  }
  return undefined
}
// Streams of several seconds, on machines of any speed.
t.setTimeout(300_000)
const lacks = await missing()
if (lacks !== undefined && process.env.CI === 'true') t.fail(`the kernel's fast path: ${lacks}`)
const kernel = lacks === undefined ? {} : { skip: lacks }

const afterMs = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A BPF file system for the pins of one test. */
function pinFolder(t: Test): { readonly pinRoot: string; readonly interval: 1 } {
  const folder = mkdtempSync(`${tmpdir()}/x0t-bpffs-`)
  t.teardown(() => {
    execFileSync('umount', [folder])
    rmdirSync(folder)
  })
  return { pinRoot: `${folder}/x0t`, interval: 1 }
}

interface Report {
  readonly stats: Stats
  readonly fastPath: FastPathStatus
  readonly kernelLinks: readonly KernelLink[]
  readonly kernelCounters: Readonly<Record<KernelCounter, number>>
}

/** What the node of a host says of itself now. */
async function report(lab: Lab, host: string): Promise<Report> {
  const from = lab.output().length
  lab.node(host).kill('SIGUSR2')
  for (;;) {
    const line = /^.*?(\{"stats".*\})$/m.exec(lab.output().slice(from))?.[1]
    if (line !== undefined) return JSON.parse(line) as Report
    await afterMs(20)
  }
}

/** Waits until the kernels of these hosts know all their neighbours. */
async function kernelsUp(lab: Lab, hosts: readonly string[]): Promise<void> {
  for (const host of hosts)
    while (!(await report(lab, host)).kernelLinks.every(({ state }) => state === 'up')) await afterMs(50)
}

const lab = (
  fastPath: NonNullable<LabOptions['fastPath']>,
  options: Partial<LabOptions> = {},
): Promise<Lab> =>
  openLab({ relay: true, prefix: 'x0tfp-', offloadsOff: false, lossRatio: 0, ...options, fastPath })

for (const ipVersion of [4, 6] as const)
  t.test(
    `a relay forwards in the kernel over IPv${ipVersion}, and leaves nothing behind`,
    kernel,
    async (t) => {
      const fastPath = pinFolder(t)
      {
        await using line = await lab(fastPath, { ipVersion })
        await kernelsUp(line, ['a', 'r', 'b'])
        t.match((await report(line, 'r')).fastPath, {
          path: 'kernel',
          interfaces: [
            { name: 'to-a', mode: 'native' },
            { name: 'to-b', mode: 'native' },
          ],
          takenOver: false,
        })
        const { count } = await stream(line, 'a', 'b', 500, 4)
        t.equal(count, 500)
        const { kernelCounters, stats } = await report(line, 'r')
        // Packets that wait together share a datagram.
        t.ok(kernelCounters.forwarded > 20, `${kernelCounters.forwarded} forwarded`)
        t.equal(stats.datagramsForwarded, kernelCounters.forwarded, 'none by the process')
        t.equal(stats.droppedBadTag + stats.droppedHopReplay, 0)
        t.equal((await readPins(fastPath.pinRoot)).length, 4, 'theirs, and the chain that they could be in')
      }
      t.strictSame(
        readdirSync(fastPath.pinRoot.slice(0, -4)).filter((name) => name === 'x0t'),
        [],
      )
    },
  )

/** Loads the guard and puts it before what is on an interface of a host, as `x0t bpf attach --priority 100` does. */
async function withGuard(root: string, host: string, interfaceName: string): Promise<void> {
  const script = `
    import { attachProgram, enterNetworkNamespace, findPinnedProgram, loadAndPin, openNativeBackend, readProgram } from '@x0t/bpf'
    const [root, namespace, interfaceName] = process.argv.slice(1)
    enterNetworkNamespace(namespace)
    const backend = openNativeBackend()
    const chainFile = async () => readProgram('chain')
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    await loadAndPin(backend, { root, name: 'guard', object: await readProgram('guard'), chainFile, options: { globals: { guard_port: 7700, guard_udp: false } } })
    const program = await findPinnedProgram(root, 'guard')
    await attachProgram(backend, program, { interface: interfaceName, priority: 100 }, { root, chainFile, wait })`
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, [...options, root, `x0tfp-${host}`, interfaceName], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`the guard was not attached: ${String(code)}`)
}

/** Programs of the only chain that there is, in their order. */
async function chainIds(root: string): Promise<readonly number[]> {
  const [chain] = await readChains(openNativeBackend(), root)
  return chain?.entries.map(({ programId }) => programId) ?? []
}

t.test('a relay whose process is killed forwards until the next one takes over', kernel, async (t) => {
  await using line = await lab(pinFolder(t))
  await kernelsUp(line, ['a', 'r', 'b'])
  const from = line.output().length
  const arrivals = stream(line, 'a', 'b', 4000, 2)
  await afterMs(1500)
  line.node('r').kill('SIGKILL')
  await afterMs(2500)
  line.restart('r', '+')
  await afterMs(1500)
  for (const host of ['a', 'b']) line.node(host).kill('SIGUSR1')
  const { count, repeated } = await arrivals
  t.ok(count >= 3996, `${count} of 4000`)
  t.equal(repeated, 0)
  t.notMatch(line.output().slice(from), /neighbour-down/, 'nobody noticed')
  await kernelsUp(line, ['a', 'r', 'b'])
  t.match(await report(line, 'r'), { fastPath: { path: 'kernel', takenOver: true } })
})

t.test(
  'a guard joins the fast path on its interface, and the next daemon finds its place in the chain',
  kernel,
  async (t) => {
    const fastPath = pinFolder(t)
    {
      await using line = await lab(fastPath)
      await kernelsUp(line, ['a', 'r', 'b'])
      const from = line.output().length
      const arrivals = stream(line, 'a', 'b', 2000, 2)
      await afterMs(500)
      await withGuard(fastPath.pinRoot, 'r', 'to-a')
      const { count } = await arrivals
      t.equal(count, 2000, 'it came in the midst of a stream that lost nothing')
      const [ids, { kernelCounters, fastPath: status }] = [
        await chainIds(fastPath.pinRoot),
        await report(line, 'r'),
      ]
      t.equal(ids.length, 2)
      t.ok(kernelCounters.forwarded > 20, `${kernelCounters.forwarded} forwarded`)
      t.match(status, {
        interfaces: [{ name: 'to-a', mode: 'native', problem: undefined }, { name: 'to-b' }],
      })

      // Until the sender of the first stream has said its last word often enough.
      await afterMs(2500)
      line.node('r').kill('SIGKILL')
      const more = stream(line, 'a', 'b', 2000, 2)
      await afterMs(500)
      line.restart('r', '+')
      await afterMs(1500)
      for (const host of ['a', 'b']) line.node(host).kill('SIGUSR1')
      const afterKill = await more
      t.ok(
        afterKill.count >= 1996,
        `${afterKill.count} of 2000 over the kill, longest gap ${afterKill.gapMs} ms`,
      )
      t.notMatch(line.output().slice(from), /neighbour-down/, 'nobody noticed')
      await kernelsUp(line, ['a', 'r', 'b'])
      t.match(await report(line, 'r'), {
        fastPath: {
          path: 'kernel',
          takenOver: true,
          interfaces: [{ name: 'to-a', mode: 'native', problem: undefined }],
        },
      })
      const [guard, before] = ids
      const [first, second, ...others] = await chainIds(fastPath.pinRoot)
      t.equal(first, guard, 'the guard first, by its priority')
      t.not(second, before, 'then the program of the new daemon')
      t.strictSame(others, [])
    }
    const objects = (await readPins(fastPath.pinRoot)).map(({ name }) => name)
    t.strictSame(objects, ['chain', 'guard'], 'the guard stays without the daemons')
    t.equal((await chainIds(fastPath.pinRoot)).length, 1)
    const request = { root: fastPath.pinRoot, name: 'guard', wait: afterMs }
    await unloadObject(openNativeBackend(), request)
  },
)

t.test(
  'a relay that nobody restarts is left after fifteen seconds, when its kernel stops',
  kernel,
  async (t) => {
    await using diamond = await lab(pinFolder(t), { diamond: { hitless: false } })
    await kernelsUp(diamond, ['a', 'r', 's', 'b'])
    const arrivals = Promise.all([stream(diamond, 'a', 'b', 2500, 8), stream(diamond, 'b', 'a', 2500, 8)])
    await afterMs(500)
    const killedMs = performance.now()
    diamond.node('r').kill('SIGKILL')
    while (!/a: neighbour-down [^\n]*"r"/.test(diamond.output())) await afterMs(20)
    const leftMs = performance.now() - killedMs
    t.ok(leftMs > 14_000, `left after ${Math.round(leftMs)} ms`)
    for (const { count } of await arrivals) t.ok(count >= 2490, `${count} of 2500`)
    const [toR] = (await report(diamond, 'a')).kernelLinks
    t.equal(toR?.state, 'down')
    t.ok((await report(diamond, 's')).kernelCounters.forwarded > 100, 'the other relay has taken over')
  },
)

t.test(
  'a neighbour whose kernel falls silent is left at once, and judged by its daemon after a second',
  kernel,
  async (t) => {
    const fastPath = pinFolder(t)
    await using diamond = await lab(fastPath, { diamond: { hitless: false } })
    await kernelsUp(diamond, ['a', 'r', 's', 'b'])
    const from = diamond.output().length
    const arrivals = stream(diamond, 'a', 'b', 1500, 2)
    await afterMs(1000)
    // The relay's own attachments, which only its label tells from the others'.
    const label = (await import('./support/fake-mesh.ts')).labelOf('r').toString('hex')
    const pins = (await readPins(fastPath.pinRoot)).find(({ name }) => name.endsWith(label))!
    for (const { path, name } of pins.links)
      if (name.startsWith('x0t_fastpath')) (await openNativeBackend().openLink({ pin: path })).detach()
    const said = (): string => diamond.output().slice(from)
    while (!/a: neighbour-up [^\n]*"r"/.test(said())) await afterMs(20)
    t.match(said(), /a: neighbour-down [^\n]*"r","reason":"silent"/)
    const { count } = await arrivals
    t.ok(count >= 1490, `${count} of 1500`)
    const [toR, toS] = (await report(diamond, 'a')).kernelLinks
    t.match(toR, { state: 'down', isWatched: false })
    t.match(toS, { state: 'up', isWatched: true })
  },
)
