// Run by kernel.test.ts in namespaces of its own: faults that hit the control plane, the clock and the certificate.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import {
  bedStatus,
  clearFaults,
  createBed,
  injectFault,
  inNamespace,
  linkBetween,
  parseShape,
} from '../../src/index.ts'
import { env, makeBed, runFolder, settings, waitForListener } from './bare-bed.ts'

t.test('handshakes are tampered with in both directions of TLS, and nothing else is', async (t) => {
  await using bed = await makeBed('tamper', 'pair')
  const { a, b } = linkBetween(bed.plan, 'a', 'b')
  const before = await settings(bed)
  // Sends back what it got, both ways through the rules; closes connections at once that say nothing of this test.
  const echo =
    'require("node:net").createServer(s => s.on("error", () => {}).on("data", d => d[5] === 7 ? s.end(d) : s.destroy())).listen(7800)'
  const abort = new AbortController()
  const server = bed.run(inNamespace(b.namespace, [process.execPath, '-e', echo]), { signal: abort.signal })
  server.catch(() => {})
  await waitForListener(bed, b.namespace, 7800)
  const changedBy = async (firstBytes: string): Promise<string> => {
    const client = `
const sent = Buffer.alloc(1200); sent.write('${firstBytes}', 'hex'); sent[5] = 7
const parts = []
require('node:net').connect(7800, '${b.ipv4}').on('data', part => parts.push(part)).on('end', () => {
  const got = Buffer.concat(parts)
  console.log(got.length, [...got.keys()].filter(at => got[at] !== sent[at]).join())
}).end(sent)`
    return (await bed.run(inNamespace(a.namespace, [process.execPath, '-e', client]))).stdout
  }
  t.equal(await changedBy('160303'), '1200 ')
  await injectFault(bed, 'link:a-b', 'handshake-failure')
  t.equal(await changedBy('160303'), '1200 600,601,602,603', 'in the middle of a handshake message')
  t.equal(await changedBy('170303'), '1200 8,9,10,11', 'in the first ciphertext of a record')
  t.equal(await changedBy('474554'), '1200 ', 'what is no TLS passes')
  await clearFaults(bed)
  t.equal(await changedBy('160303'), '1200 ')
  await injectFault(bed, 'node:a', 'handshake-failure')
  t.equal(await changedBy('160303'), '1200 600,601,602,603', 'also at the links of a node')
  await clearFaults(bed)
  t.equal(await settings(bed), before)
  abort.abort()
})

const fakeNode = (file: string, movableClock?: boolean) =>
  ({
    kind: 'x0t',
    command: ['sh', `${import.meta.dirname}/fake-node.sh`, file],
    settings: {},
    ...(movableClock === undefined ? {} : { movableClock }),
  }) as const

t.test('the wall clock of one host jumps and comes back', async (t) => {
  const make = (name: string, movableClock?: boolean): ReturnType<typeof createBed> =>
    createBed({
      name,
      topology: parseShape('pair'),
      runner: { ...fakeNode('/dev/null', movableClock), command: [...fakeNode('').command] },
      runFolder,
      env,
      signal: new AbortController().signal,
    })
  {
    await using fixed = await make('fixed')
    await t.rejects(injectFault(fixed, 'node:a', 'clock-jump=+60s'), { code: 'TESTBED_FAULT_UNPREPARED' })
    t.strictSame(await fixed.folder.faults(), [])
  }
  const installed = spawnSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1']).status === 0
  if (!installed && process.env['CI'] === undefined) {
    t.pass('skipped: needs libfaketime', { skip: true })
    return
  }
  await using bed = await make('moved', true)
  // What the process of a host has in its environment tells any program that is run with it the same time.
  const offsetOf = async (host: string): Promise<number> => {
    const { pid } = (await bed.folder.process(host))!
    const words = `$(tr '\\0' '\\n' </proc/${pid}/environ | grep -E '^(LD_PRELOAD|FAKETIME_[^S]|NO_FAKE)')`
    const look = `mount -t tmpfs tmpfs /dev/shm && env ${words} date +%s`
    const { stdout } = await bed.run(['unshare', '--mount', 'sh', '-c', look])
    return Number(stdout) - Date.now() / 1000
  }
  t.ok(Math.abs(await offsetOf('a')) < 5)
  await injectFault(bed, 'node:a', 'clock-jump=-7200s')
  t.ok(Math.abs((await offsetOf('a')) + 7200) < 5)
  t.ok(Math.abs(await offsetOf('b')) < 5, 'that of the other stays')
  await injectFault(bed, 'node:a', 'clock-jump=+3600s')
  t.ok(Math.abs((await offsetOf('a')) - 3600) < 5, 'another jump takes its place')
  await clearFaults(bed)
  t.ok(Math.abs(await offsetOf('a')) < 5)
})

t.test('a certificate ends while the authority is frozen', async (t) => {
  const file = '/run/not-after'
  await using bed = await createBed({
    name: 'expiry',
    topology: parseShape('pair'),
    runner: { ...fakeNode(file), command: [...fakeNode(file).command] },
    runFolder,
    env,
    signal: new AbortController().signal,
  })
  writeFileSync(file, String(Date.now() + 3_600_000))
  await t.rejects(
    injectFault(bed, 'node:b', 'svid-expiry'),
    { code: 'TESTBED_FAULT_UNPREPARED' },
    'too far away',
  )
  await t.rejects(
    injectFault(bed, 'node:a', 'svid-expiry'),
    { code: 'TESTBED_FAULT_UNPREPARED' },
    'the authority',
  )
  const endMs = Date.now() + 1500
  writeFileSync(file, String(endMs))
  await injectFault(bed, 'node:b', 'svid-expiry')
  t.ok(Date.now() > endMs, 'it waits for the end')
  const states = async (): Promise<string[]> => (await bedStatus(bed)).hosts.map(({ state }) => state)
  t.strictSame(await states(), ['frozen', 'running'])
  await clearFaults(bed)
  t.strictSame(await states(), ['running', 'running'])
})
