// Run by kernel.test.ts in namespaces of its own: cables with a fault switch, and that nothing is left after them.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import {
  bedStatus,
  cableCounters,
  clearFaults,
  createBed,
  injectFault,
  inNamespace,
  linkBetween,
  openBed,
  parseShape,
  takeDownBed,
  type Bed,
} from '../../src/index.ts'
import { env, reaches, runFolder, settings, waitForListener } from './bare-bed.ts'

const makeBed = (name: string, shape: string, forward = false): ReturnType<typeof createBed> =>
  createBed({
    name,
    topology: parseShape(shape),
    runner: { kind: 'none' },
    runFolder,
    env,
    forward,
    cables: 'bpf',
    signal: new AbortController().signal,
  })

const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Sum over both directions. */
async function dropped(bed: Bed): Promise<number> {
  return (await cableCounters(bed)).reduce((sum, one) => sum + one.dropped, 0)
}

/** Mounts, namespaces and links of this universe, and programs of cables in the kernel. */
function traces(): Record<string, string> {
  const out = (command: string, ...words: string[]): string =>
    spawnSync(command, words, { encoding: 'utf8' }).stdout
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    links: out('ip', '-o', 'link'),
    namespaces: out('ip', 'netns', 'list'),
  }
}

t.test('cables carry everything, and leave nothing behind', async (t) => {
  const before = traces()
  let pins: string
  {
    await using bed = await makeBed('carry', 'pair')
    pins = join(bed.folder.path, 'bpf')
    t.ok(existsSync(join(pins, 'fault_switch')))
    t.equal((await bedStatus(bed)).cables, 'bpf')
    const { a, b } = linkBetween(bed.plan, 'a', 'b')
    t.ok(await reaches(bed, 'a', b.ipv4))
    t.ok(await reaches(bed, 'b', a.ipv6), 'IPv6 too')
    t.ok(await reaches(bed, 'a', b.ipv4, { bytes: 5000 }), 'and fragments')
    // A stream whose packets the kernel hands over as buffers of up to 64 KiB, with checksums left to be made.
    const count =
      'require("node:net").createServer(function (socket) { let bytes = 0; this.close();' +
      'socket.on("data", part => (bytes += part.length)).on("end", () => { console.log(bytes); socket.end() })}).listen(5201)'
    const counted = bed.run(inNamespace(b.namespace, [process.execPath, '-e', count]))
    await waitForListener(bed, b.namespace)
    const send = `require("node:net").connect(5201, "${b.ipv4}").end(Buffer.alloc(3e6)).resume()`
    await bed.run(inNamespace(a.namespace, [process.execPath, '-e', send]))
    t.equal(Number((await counted).stdout), 3_000_000)
    const [forth, back] = await cableCounters(bed)
    t.match(forth, { from: 'a', to: 'b', dropped: 0 })
    t.match(back, { from: 'b', to: 'a', dropped: 0 })
    // 3 MB in packets of 1448 bytes, and no more than a few of something else.
    t.ok(forth!.passed > 2071 && forth!.passed < 2500, `${forth!.passed} packets for 3 MB`)
  }
  t.notOk(existsSync(pins))
  t.strictSame(traces(), before)
})

t.test('a blackhole takes effect at an instant that is known, in both directions at once', async (t) => {
  await using bed = await makeBed('hole', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  const before = await settings(bed)
  const fromMs = machineMs()
  const fault = await injectFault(bed, 'link:a-b', 'blackhole')
  t.ok(fault.effectMs! > fromMs && fault.effectMs! < machineMs())
  t.notOk(await reaches(bed, 'a', b.ipv4, { lost: true }))
  t.notOk(await reaches(bed, 'b', a.ipv4, { lost: true }))
  for (const { dropped: count } of await cableCounters(bed)) t.ok(count > 0)
  t.equal(await settings(bed), before, 'nothing on the hosts changed')
  const { stdout } = await bed.run(['ip', '-n', a.namespace, '-o', 'link', 'show', a.interface])
  t.notMatch(stdout, /NO-CARRIER/)
  // Another process heals it.
  const same = await openBed({ name: 'hole', runFolder, env, signal: bed.signal })
  t.equal((await clearFaults(same)).length, 1)
  t.ok(await reaches(bed, 'a', b.ipv4))
})

t.test('one direction, and several faults on one cable', async (t) => {
  await using bed = await makeBed('ways', 'pair')
  const { b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  await injectFault(bed, 'link:b-a', 'one-way')
  const arrived = async (): Promise<number> => {
    const { stdout } = await bed.run(inNamespace(b.namespace, ['nstat', '-asz', 'IcmpInEchos']))
    return Number(/IcmpInEchos\s+(\d+)/.exec(stdout)?.[1])
  }
  const count = await arrived()
  t.notOk(await reaches(bed, 'a', b.ipv4, { lost: true }))
  t.equal((await arrived()) - count, 3, 'a is heard')
  await injectFault(bed, 'link:a-b', 'blackhole')
  await clearFaults(bed, { target: 'link:a-b', action: 'blackhole' })
  t.notOk(await reaches(bed, 'a', b.ipv4, { lost: true }), 'the other fault goes on')
  await clearFaults(bed)
  t.ok(await reaches(bed, 'a', b.ipv4))
})

t.test('loss takes its share, and changes nothing on the hosts', async (t) => {
  await using bed = await makeBed('loss', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  const features = async (): Promise<string> =>
    (await bed.run(inNamespace(a.namespace, ['ethtool', '-k', a.interface]))).stdout
  const before = await features()
  await injectFault(bed, 'link:a-b', 'loss-from=50%')
  t.equal(await features(), before)
  const countBefore = await cableCounters(bed)
  await bed.run(inNamespace(a.namespace, ['ping', '-q', '-c', '400', '-i', '0.002', '-W', '0.1', b.ipv4]), {
    allowFailure: true,
  })
  const [forth, back] = await cableCounters(bed)
  const lost = forth!.dropped - countBefore[0]!.dropped
  const seen = lost + forth!.passed - countBefore[0]!.passed
  // Binomial with 400 draws of a half: 100 away from the mean is ten standard deviations.
  t.ok(seen >= 400 && lost > seen / 2 - 100 && lost < seen / 2 + 100, `${lost} of ${seen} lost`)
  t.equal(back!.dropped, 0)
  await clearFaults(bed)
  t.ok(await reaches(bed, 'a', b.ipv4))
})

t.test('a link that is down takes the carrier from both hosts, and only that', async (t) => {
  await using bed = await makeBed('cut', 'line:3', true)
  const far = linkBetween(bed.plan, 'n1', 'n2').b
  t.ok(await reaches(bed, 'n0', far.ipv4))
  const { a, b } = linkBetween(bed.plan, 'n0', 'n1')
  const show = async ({ namespace, interface: device }: typeof a): Promise<string> =>
    (await bed.run(['ip', '-n', namespace, '-o', 'link', 'show', device])).stdout
  await injectFault(bed, 'link:n0-n1', 'down')
  for (const end of [a, b]) t.match(await show(end), /NO-CARRIER.*UP/)
  t.notOk(await reaches(bed, 'n0', far.ipv4, { lost: true }))
  await clearFaults(bed)
  t.ok(await reaches(bed, 'n0', far.ipv4), 'routes and the program are still there')
  await injectFault(bed, 'link:n0-n1', 'flap=100ms')
  const states = new Set<boolean>()
  for (let look = 0; look < 200 && states.size < 2; look++) {
    states.add((await show(a)).includes('NO-CARRIER'))
    await delay(10)
  }
  t.equal(states.size, 2)
  await clearFaults(bed)
  t.ok(await reaches(bed, 'n0', far.ipv4))
})

t.test('a partition of one host cuts all its cables at one moment', async (t) => {
  await using bed = await makeBed('part', 'ring:3')
  const address = (from: string, to: string): string => {
    const { a, b } = linkBetween(bed.plan, from, to)
    return (a.host === to ? a : b).ipv4
  }
  const fault = await injectFault(bed, 'set:n1', 'partition')
  t.type(fault.effectMs, 'number')
  t.notOk(await reaches(bed, 'n0', address('n0', 'n1'), { lost: true }))
  t.notOk(await reaches(bed, 'n2', address('n2', 'n1'), { lost: true }))
  t.ok(await reaches(bed, 'n0', address('n0', 'n2')))
  t.ok((await dropped(bed)) > 0)
  await clearFaults(bed)
  t.ok(await reaches(bed, 'n0', address('n0', 'n1')))
})

t.test('faults on the hosts work as with plain veths', async (t) => {
  await using bed = await makeBed('hosts', 'pair')
  const { b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  await injectFault(bed, 'link:a-b', 'latency=20ms')
  const { stdout } = await bed.run(inNamespace('x0t-hosts-a', ['ping', '-c', '3', '-i', '0.05', b.ipv4]))
  const rttsMs = [...stdout.matchAll(/time=([\d.]+)/g)].map((match) => Number(match[1]))
  t.ok(rttsMs.length === 3 && Math.min(...rttsMs) >= 40, stdout)
})

t.test('what XDP sends back on a host passes the cable', async (t) => {
  await using bed = await makeBed('xdp', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  // The generator answers with XDP_TX to whatever comes: it is attached at b, and a sees its own frames again.
  const attach = `
import { openNativeBackend, readProgram } from '@x0t/bpf'
const loaded = await openNativeBackend().load(await readProgram('gen'))
const link = loaded.programs.get('x0t_gen').attach({ kind: 'xdp', interface: '${b.interface}' })
console.log('attached')
process.stdin.resume()
process.stdin.on('close', () => process.exit())`
  const words = inNamespace(b.namespace, [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    attach,
  ])
  const child = spawn(words[0]!, words.slice(1), {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const received = async (): Promise<number> => {
    const { stdout } = await bed.run(inNamespace(a.namespace, ['cat', '/proc/net/dev']))
    return Number(new RegExp(`${a.interface}:\\s*\\d+\\s+(\\d+)`).exec(stdout)?.[1])
  }
  const [count, [, backBefore]] = [await received(), await cableCounters(bed)]
  await reaches(bed, 'a', b.ipv4, { lost: true })
  t.ok((await received()) > count, 'frames came back to a')
  const [, back] = await cableCounters(bed)
  t.ok(back!.passed - backBefore!.passed >= 1, 'over the cable')
  await injectFault(bed, 'link:a-b', 'blackhole')
  const hole = await received()
  await reaches(bed, 'a', b.ipv4, { lost: true })
  t.equal(await received(), hole, 'and a fault takes them')
  child.stdin.end()
  await once(child, 'exit')
})

t.test('a testbed whose maker was killed is taken down with its pins', async (t) => {
  const before = traces()
  const bed = await makeBed('orphan', 'pair')
  await takeDownBed(await openBed({ name: 'orphan', runFolder, env, signal: bed.signal }))
  t.strictSame(traces(), before)
})

t.test('without the map of the switch an error says so', async (t) => {
  await using bed = await createBed({
    name: 'plain',
    topology: parseShape('pair'),
    runner: { kind: 'none' },
    runFolder,
    env,
    signal: new AbortController().signal,
  })
  await t.rejects(cableCounters(bed), { code: 'TESTBED_CABLES_UNAVAILABLE', hint: /--cables bpf/ })
})
