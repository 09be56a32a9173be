// Run by kernel.test.ts in namespaces of its own: each fault, its effect, and that nothing is left after it.
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { helpersOf } from '../../src/fault-helper.ts'
import { clearFaults, injectFault, inNamespace, linkBetween, openBed, runInHost } from '../../src/index.ts'
import { env, makeBed, reaches, runFolder, settings, waitForListener } from './bare-bed.ts'

t.test('the two ends of a link have different interface indexes in the kernel', async (t) => {
  await using bed = await makeBed('index', 'ring:3')
  for (const { a, b } of bed.plan.links) {
    const indexes = await Promise.all(
      [a, b].map(async (end) => {
        const { stdout } = await bed.run(['ip', '-n', end.namespace, '-o', 'link', 'show', end.interface])
        return Number(/^(\d+): [^@]+@if(\d+):/.exec(stdout)?.[1])
      }),
    )
    t.strictSame(indexes, [a.index, b.index], 'as planned')
    t.not(indexes[0], indexes[1])
  }
})

t.test('one-way drops what the first named end sends, and nothing else', async (t) => {
  await using bed = await makeBed('oneway', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  t.ok(await reaches(bed, 'a', b.ipv4))
  const before = await settings(bed)
  const fault = await injectFault(bed, 'link:b-a', 'one-way')
  t.equal(fault.target, 'link:b-a')
  // a hears nothing, b hears: a request of a arrives, its answer does not.
  const arrived = async (): Promise<number> => {
    const { stdout } = await bed.run(inNamespace(b.namespace, ['nstat', '-asz', 'IcmpInEchos']))
    return Number(/IcmpInEchos\s+(\d+)/.exec(stdout)?.[1])
  }
  const countBefore = await arrived()
  t.notOk(await reaches(bed, 'a', b.ipv4, { lost: true }))
  t.equal((await arrived()) - countBefore, 3, 'the other direction works')
  t.strictSame(await injectFault(bed, 'link:b-a', 'one-way'), fault, 'once more changes nothing')
  await injectFault(bed, 'link:a-b', 'one-way')
  t.equal((await bed.folder.faults()).length, 2, 'the other direction is another fault')
  t.equal((await clearFaults(bed, { target: 'link:a-b' })).length, 2, 'a link is healed in both directions')
  t.ok(await reaches(bed, 'b', a.ipv4))
  t.equal(await settings(bed), before)
})

t.test('loss-from loses what the first named end sends', async (t) => {
  await using bed = await makeBed('lossfrom', 'pair')
  const before = await settings(bed)
  await injectFault(bed, 'link:a-b', 'loss-from=100%')
  const { b } = linkBetween(bed.plan, 'a', 'b')
  t.notOk(await reaches(bed, 'a', b.ipv4, { lost: true }))
  await clearFaults(bed)
  t.ok(await reaches(bed, 'a', b.ipv4))
  t.equal(await settings(bed), before)
})

t.test('a partition cuts a set of hosts off from all others, and leaves both sides whole', async (t) => {
  await using bed = await makeBed('split', 'grid:3x2', true)
  const before = await settings(bed)
  const addressOf = (host: string, other: string): string => {
    const { a, b } = linkBetween(bed.plan, host, other)
    return (a.host === host ? a : b).ipv4
  }
  const fault = await injectFault(bed, 'bed', 'partition=n3+n0')
  t.equal(fault.target, 'set:n0+n3')
  t.notOk(await reaches(bed, 'n0', addressOf('n1', 'n0'), { lost: true }))
  t.notOk(await reaches(bed, 'n4', addressOf('n3', 'n4'), { lost: true }))
  t.ok(await reaches(bed, 'n0', addressOf('n3', 'n0')), 'inside')
  t.ok(await reaches(bed, 'n1', addressOf('n5', 'n4')), 'outside')
  // Another process heals it.
  const same = await openBed({ name: 'split', runFolder, env, signal: bed.signal })
  t.equal((await clearFaults(same, { target: 'set:n3+n0' })).length, 1)
  t.ok(await reaches(bed, 'n0', addressOf('n1', 'n0')))
  t.equal(await settings(bed), before)
})

t.test('a link that flaps goes down and up until it is healed, then it is up', async (t) => {
  await using bed = await makeBed('flap', 'line:3', true)
  const far = linkBetween(bed.plan, 'n1', 'n2').b
  t.ok(await reaches(bed, 'n0', far.ipv4))
  const before = await settings(bed)
  const fault = await injectFault(bed, 'link:n0-n1', 'flap=100ms')
  const helper = fault.undo.find((step) => step.kind === 'end-helper')!
  const { namespace, interface: device } = linkBetween(bed.plan, 'n0', 'n1').b
  const states = new Set<boolean>()
  for (let look = 0; look < 200 && states.size < 2; look++) {
    const { stdout } = await bed.run(['ip', '-n', namespace, '-o', 'link', 'show', device])
    states.add(stdout.includes('NO-CARRIER'))
    await delay(10)
  }
  t.equal(states.size, 2, 'the far end sees both states')
  t.equal((await helpersOf(helper.namespace, helper.mark)).length, 1)
  await clearFaults(bed)
  t.strictSame(await helpersOf(helper.namespace, helper.mark), [])
  await delay(250)
  t.ok(await reaches(bed, 'n0', far.ipv4), 'routes are back too')
  t.equal(await settings(bed), before)
  await injectFault(bed, 'link:n0-n1', 'flap=100ms')
  await clearFaults(bed, { target: 'link:n0-n1', action: 'flap' })
  t.ok(await reaches(bed, 'n0', far.ipv4))
})

t.test('a byzantine host answers for itself and forwards nothing', async (t) => {
  await using bed = await makeBed('liar', 'line:3', true)
  const near = linkBetween(bed.plan, 'n0', 'n1').b
  const far = linkBetween(bed.plan, 'n1', 'n2').b
  t.ok(await reaches(bed, 'n0', far.ipv4))
  const before = await settings(bed)
  await injectFault(bed, 'node:n1', 'byzantine')
  t.ok(await reaches(bed, 'n0', near.ipv4), 'it answers')
  t.ok(await reaches(bed, 'n1', far.ipv4), 'and sends itself')
  t.notOk(await reaches(bed, 'n0', far.ipv4, { lost: true }), 'what its kernel should forward is gone')

  const datagrams = async (...words: string[]): Promise<void> => {
    const lines = words.map((hex) => `await send(Buffer.from('${hex}', 'hex'))`).join('\n')
    const program = `
const socket = require('node:dgram').createSocket('udp4')
const send = bytes => new Promise(resolve => socket.send(bytes, 7, '${far.ipv4}', resolve))
;(async () => {${lines}\nsocket.close()})()`
    t.equal(await runInHost(bed, 'n1', [process.execPath, '-e', program], 'ignore'), 0)
  }
  const udpArrived = async (): Promise<number> => {
    const { stdout } = await bed.run(inNamespace(far.namespace, ['nstat', '-asz', 'UdpNoPorts']))
    return Number(/UdpNoPorts\s+(\d+)/.exec(stdout)?.[1])
  }
  const count = await udpArrived()
  // A probe with any hop limit passes; so does data with the hop limit of its source (255); data of others does not.
  await datagrams('11ff', '11fe', '10ff', '10fe', '1001')
  await delay(100)
  t.equal((await udpArrived()) - count, 3)

  await injectFault(bed, 'node:n1', 'byzantine=400B')
  // 28 bytes are headers of IP and ICMP.
  t.ok(await reaches(bed, 'n1', far.ipv4, { bytes: 399 - 28 }), 'a packet of 399 bytes passes')
  t.notOk(await reaches(bed, 'n1', far.ipv4, { bytes: 400 - 28, lost: true }), 'one of 400 does not')
  await clearFaults(bed)
  t.ok(await reaches(bed, 'n0', far.ipv4))
  t.equal(await settings(bed), before)
})

t.test('latency holds every packet for its time in both directions, and loses none', async (t) => {
  await using bed = await makeBed('latency', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  const rttsMs = async (count: number): Promise<number[]> => {
    const { stdout } = await bed.run(
      inNamespace(a.namespace, ['ping', '-n', '-c', String(count), '-i', '0.01', '-W', '5', b.ipv4]),
    )
    return [...stdout.matchAll(/time=([\d.]+)/g)].map((match) => Number(match[1]))
  }
  await rttsMs(1)
  const before = await settings(bed)
  const fault = await injectFault(bed, 'link:a-b', 'latency=40ms')
  const delayed = await rttsMs(20)
  t.equal(delayed.length, 20, 'none is lost')
  t.ok(Math.min(...delayed) >= 80, `each waits twice 40 ms: ${delayed.join(' ')}`)
  // A burst that the kernel hands over as one buffer of up to 64 KiB comes through whole.
  const count =
    'require("node:net").createServer(function (socket) { let bytes = 0; this.close();' +
    'socket.on("data", part => (bytes += part.length)).on("end", () => { console.log(bytes); socket.end() })}).listen(5201)'
  const counted = bed.run(inNamespace(b.namespace, [process.execPath, '-e', count]))
  await waitForListener(bed, b.namespace)
  const send = `require("node:net").connect(5201, "${b.ipv4}").end(Buffer.alloc(3e6)).resume()`
  await bed.run(inNamespace(a.namespace, [process.execPath, '-e', send]))
  t.equal(Number((await counted).stdout), 3_000_000)
  t.strictSame(await injectFault(bed, 'link:b-a', 'latency=40ms'), fault, 'once more changes nothing')
  // Healed while pings are under way: what waits still arrives.
  const last = rttsMs(30)
  await delay(200)
  await clearFaults(bed)
  t.equal((await last).length, 30)
  t.ok(Math.min(...(await rttsMs(3))) < 40, 'healed')
  t.equal(await settings(bed), before)
  const jitter = await injectFault(bed, 'link:a-b', 'latency=30ms±10ms')
  t.equal(jitter.jitterMs, 10)
  const varying = await rttsMs(50)
  t.ok(Math.min(...varying) >= 40, 'twice the least')
  t.ok(Math.max(...varying) - Math.min(...varying) > 5, `they vary: ${varying.join(' ')}`)
  // The testbed goes down with the fault active: the program goes too.
})
