// Run by kernel-peers.test.ts in namespaces of its own.
import { existsSync, readdirSync } from 'node:fs'
import t from 'tap'
import { createBed, endProcesses, injectFault, clearFaults, parseShape } from '@x0t/testbed'
import { bedTools } from '../../src/bed-tools.ts'
import { choosePeerSystem, peerFamilies } from '../../src/index.ts'
import { missingPrograms } from '../../src/programs.ts'

const runFolder = '/run/beds'
const env = { PATH: process.env['PATH'], HOME: '/run' }
const { signal } = new AbortController()

/** Slow timers where they can be set: on a busy machine fast ones lose sessions by themselves. */
const profiles: Readonly<Record<string, string>> = {
  babeld: 'babeld@100ms',
  bird: 'bird@100ms',
  'wireguard-bird': 'wireguard-bird@100ms',
  'wireguard-babel': 'wireguard-babel@100ms',
}

for (const { name } of peerFamilies) {
  const system = choosePeerSystem(profiles[name] ?? name)
  const missing = await missingPrograms(system.programs, process.env['PATH'] ?? '')
  // In CI all are installed: one that is missing makes the test fail.
  const skip =
    missing.length > 0 &&
    process.env['CI'] === undefined &&
    `not installed: ${missing.map(({ program }) => program).join(', ')}`
  t.test(`${name} goes round a relay that dies, and takes it back`, { skip, timeout: 90_000 }, async (t) => {
    const topology = parseShape('diamond')
    await using bed = await createBed({
      name: 'peers',
      topology,
      runner: { kind: 'none' },
      runFolder,
      env,
      signal,
    })
    const tools = bedTools(bed)
    const startedAtMs = Number(process.hrtime.bigint()) / 1e6
    await using running = await system.start(tools)
    const reaches = (from: string, to: string): Promise<void> =>
      tools.until(`${to} from ${from}`, async () => {
        const ping = ['ping', '-n', '-q', '-c', '1', '-W', '1', running.addressOf(to)]
        return (await tools.run(from, ping, { allowFailure: true })).exitCode === 0
      })
    await reaches('s', 'd')
    await reaches('d', 's')
    if (running.isWhole !== undefined) await tools.until('whole', () => running.isWhole!())
    const ended = await running.processesOf('a')
    t.ok(ended.length >= 1, 'processes of the relay are known')

    if (system.forwards === 'kernel')
      for (const other of ['s', 'd']) await injectFault(bed, `link:a-${other}`, 'blackhole')
    await endProcesses(ended, { graceMs: 0, clock: bed.clock })
    await reaches('s', 'd')
    if (running.isWhole !== undefined)
      t.equal(await running.isWhole(), false, 'it knows that it lacks a relay')
    await clearFaults(bed)
    await running.restart('a')
    await reaches('s', 'a')
    t.not((await running.processesOf('a'))[0]!.pid, ended[0]!.pid, 'by new processes')

    const reactions = await running.reactions?.(startedAtMs)
    if (reactions !== undefined)
      t.ok((reactions.detectedMs ?? 0) > startedAtMs, 'it told when it noticed something')
    t.strictSame(await running.reactions?.(startedAtMs + 3_600_000), reactions === undefined ? undefined : {})
    await t.rejects(running.processesOf('nobody'), { code: 'BENCH_TUNNEL_DOWN' })
    t.match(await system.version!(bed.run), /^\d/, 'and a version')
  })
}

t.test('nebula refuses a path over two relays', async (t) => {
  const topology = parseShape('ring:6')
  const runner = { kind: 'none' as const }
  await using bed = await createBed({ name: 'peers', topology, runner, runFolder, env, signal })
  await t.rejects(choosePeerSystem('nebula').start(bedTools(bed)), {
    code: 'BENCH_TUNNEL_DOWN',
    message: /n0-n1-n2-n3 has 2/,
  })
})

t.test('nothing of all this is left behind', async (t) => {
  t.equal(existsSync(runFolder), false)
  t.strictSame(existsSync('/run/netns') ? readdirSync('/run/netns') : [], [])
  t.equal(existsSync('/run/wireguard'), false)
})
