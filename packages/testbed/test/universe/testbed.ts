// Run by kernel.test.ts in namespaces of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import {
  bedStatus,
  clearFaults,
  createBed,
  disableOffloads,
  endProcesses,
  injectFault,
  linkBetween,
  listBeds,
  lossCounters,
  openBed,
  parseShape,
  processState,
  readProcess,
  residentBytes,
  runInHost,
  signalProcess,
  superviseBed,
  takeDownBed,
  type Bed,
  type CreateBedOptions,
} from '../../src/index.ts'
import { systemClock } from '@x0t/core'

const runFolder = '/run/beds'
/** A length of sleep that no other program on the machine asks for. */
const sleepSeconds = `1000.${process.pid}`
const env = { PATH: process.env['PATH'] }

function optionsFor(name: string, shape: string, more: Partial<CreateBedOptions> = {}): CreateBedOptions {
  const { signal } = new AbortController()
  const runner = { kind: 'argv', argv: ['sleep', sleepSeconds] } as const
  return {
    name,
    topology: parseShape(shape),
    runner: { ...runner, argv: [...runner.argv] },
    runFolder,
    env,
    signal,
    ...more,
  }
}

/** Everything in this universe that a testbed could leave: links, rules, mounts, namespaces, records, processes. */
function traces(): Record<string, string> {
  const out = (command: string, ...words: string[]): string =>
    spawnSync(command, words, { encoding: 'utf8' }).stdout
  const list = (path: string): string => {
    try {
      return readdirSync(path).join(' ')
    } catch {
      return 'absent'
    }
  }
  const sleepers = readdirSync('/proc').filter((name) => {
    try {
      return (
        /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`sleep\0${sleepSeconds}`)
      )
    } catch {
      return false
    }
  })
  return {
    links: out('ip', '-o', 'link'),
    rules: out('nft', 'list', 'ruleset'),
    queues: out('tc', 'qdisc'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    namespaces: list('/run/netns'),
    run: list('/run'),
    sleepers: sleepers.join(' '),
  }
}

/** 0 if a ping comes back: one of three where it should, with time for a busy machine. */
const pingOf = (bed: Bed, from: string, address: string, count = 3): Promise<number> =>
  runInHost(bed, from, ['ping', '-c', String(count), '-i', '0.02', '-W', '1', '-q', address], 'ignore')

t.test('a testbed that is disposed of leaves nothing behind', async (t) => {
  const before = traces()
  {
    await using bed = await createBed(optionsFor('gone', 'diamond'))
    t.equal(traces()['namespaces']!.split(' ').length, 4, 'it has four namespaces')
    t.equal(traces()['sleepers']!.split(' ').length, 4, 'and four programs')
    t.equal(traces()['links'], before['links'], 'and no interface outside of them')
    // Something that a user left running there, deaf to SIGTERM.
    const deaf = runInHost(
      bed,
      'a',
      ['sh', '-c', `trap "" TERM; sleep ${sleepSeconds} & wait; wait`],
      'ignore',
    )
    await injectFault(bed, 'link:s-a', 'blackhole')
    await injectFault(bed, 'node:b', 'freeze')
    void deaf
  }
  t.strictSame(traces(), before)
})

t.test('an abort while it is being made leaves nothing behind', async (t) => {
  const before = traces()
  const abort = new AbortController()
  const making = createBed(
    optionsFor('stopped', 'grid:5x5', { signal: abort.signal, onProgress: () => abort.abort() }),
  )
  await t.rejects(making, { name: 'AbortError' })
  t.strictSame(traces(), before)
})

t.test('down cleans up after a run that was killed while its testbed was up', async (t) => {
  const before = traces()
  const holder = await hold('ring:3')
  await once(holder.stdout!, 'data')
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  t.equal(traces()['sleepers']!.split(' ').length, 3, 'its programs outlive it')
  await t.rejects(createBed(optionsFor('held', 'pair')), { code: 'TESTBED_EXISTS' })
  const bed = await openBed({ name: 'held', runFolder, env, signal: new AbortController().signal })
  t.equal((await bedStatus(bed)).owned, false)
  await takeDownBed(bed)
  t.strictSame(traces(), before)
  await takeDownBed(bed)
  t.strictSame(traces(), before, 'also when it is done twice')
})

t.test('down cleans up after a run that was killed halfway', async (t) => {
  const before = traces()
  mkdirSync('/run/netns', { recursive: true })
  const watcher = watch('/run/netns')
  const holder = await hold('grid:4x4')
  await once(watcher, 'change')
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  watcher.close()
  const [name] = await listBeds(runFolder)
  await takeDownBed(await openBed({ name: name!, runFolder, env, signal: new AbortController().signal }))
  const { mounts, run, namespaces, ...rest } = traces()
  const { mounts: _mounts, run: _run, namespaces: _namespaces, ...expected } = before
  t.strictSame(rest, expected)
  t.equal(namespaces, '', 'no namespace is left in the folder that was there')
  t.notMatch(mounts, 'x0t-held')
  t.notMatch(run, 'beds')
  spawnSync('rmdir', ['/run/netns'])
})

t.test('down asks a living owner to take its testbed down', async (t) => {
  const before = traces()
  const holder = await hold('pair')
  await once(holder.stdout!, 'data')
  const bed = await openBed({ name: 'held', runFolder, env, signal: new AbortController().signal })
  t.equal((await bedStatus(bed)).owned, true)
  const ended = once(holder, 'exit')
  await takeDownBed(bed)
  t.equal((await ended)[0], 0, 'it ended by itself')
  t.strictSame(traces(), before)
})

t.test('a foreign namespace of the same name is neither used nor removed', async (t) => {
  spawnSync('ip', ['netns', 'add', 'x0t-alien-a'])
  await t.rejects(createBed(optionsFor('alien', 'pair')), { code: 'TESTBED_NAMESPACE_EXISTS' })
  t.ok(readdirSync('/run/netns').includes('x0t-alien-a'))
  spawnSync('ip', ['netns', 'delete', 'x0t-alien-a'])
  spawnSync('umount', ['/run/netns'])
  spawnSync('rmdir', ['/run/netns'])
})

t.test('faults of links', async (t) => {
  await using bed = await createBed(
    optionsFor('links', 'line:3', { forward: true, runner: { kind: 'none' } }),
  )
  const far = linkBetween(bed.plan, 'n1', 'n2').b
  const near = linkBetween(bed.plan, 'n0', 'n1')
  t.equal(await pingOf(bed, 'n0', far.ipv4), 0, 'kernels forward along the line')
  t.equal(await pingOf(bed, 'n0', far.ipv6), 0, 'also IPv6')

  await injectFault(bed, 'link:n1-n0', 'blackhole')
  t.not(await pingOf(bed, 'n0', near.b.ipv4), 0, 'a blackhole swallows packets')
  const carrier = await bed.run(['ip', '-n', near.a.namespace, '-o', 'link', 'show', near.a.interface])
  t.match(carrier.stdout, 'LOWER_UP', 'while the carrier stays')
  const again = await injectFault(bed, 'link:n0-n1', 'blackhole')
  t.equal((await bed.folder.faults()).length, 1, 'the same fault again changes nothing')
  t.strictSame(await clearFaults(bed, { target: 'link:n0-n1' }), [again])
  t.equal(await pingOf(bed, 'n0', far.ipv4), 0, 'healed')
  t.strictSame(await clearFaults(bed), [], 'healing again finds nothing to do')

  await injectFault(bed, 'link:n0-n1', 'down')
  t.not(await pingOf(bed, 'n0', near.b.ipv4), 0, 'a link that is down carries nothing')
  await clearFaults(bed, { target: 'link:n0-n1', action: 'down' })
  t.equal(await pingOf(bed, 'n0', far.ipv4), 0, 'addresses and routes are back')
  t.equal(await pingOf(bed, 'n0', far.ipv6), 0, 'IPv6 too')

  const features = async (): Promise<string> => {
    const { namespace, interface: device } = near.a
    return (await bed.run(['nsenter', `--net=/run/netns/${namespace}`, 'ethtool', '-k', device])).stdout
  }
  const offloads = await features()
  await injectFault(bed, 'link:n0-n1', 'loss=30%')
  await pingOf(bed, 'n0', near.b.ipv4, 200)
  const { seen, dropped } = await lossCounters(near, bed.run)
  // At 30 %, 200 pings and the answers of those that arrive: about 340 packets; six deviations are about 50.
  t.ok(seen > 250 && Math.abs(dropped - 0.3 * seen) < 55, `30 % are lost: ${dropped} of ${seen}`)
  t.not(await features(), offloads, 'offloads are off meanwhile, so that packets are lost singly')
  await injectFault(bed, 'link:n0-n1', 'loss=5%')
  t.strictSame(
    (await bedStatus(bed)).faults.map(({ value }) => value),
    [0.05],
    'another value replaces the first',
  )
  await clearFaults(bed)
  t.equal(await features(), offloads, 'and then as they were')

  await clearFaults(bed)
  t.strictSame(await bed.folder.faults(), [])
  await disableOffloads(near, bed.run)
  t.match(await features(), 'tcp-segmentation-offload: off')
})

t.test('faults of hosts, and a supervisor', async (t) => {
  const abort = new AbortController()
  await using bed = await createBed(optionsFor('hosts', 'pair', { signal: abort.signal }))
  const states = async (): Promise<string[]> => (await bedStatus(bed)).hosts.map(({ state }) => state)
  t.strictSame(await states(), ['running', 'running'])
  await injectFault(bed, 'node:a', 'freeze')
  t.strictSame(await states(), ['frozen', 'running'])
  await clearFaults(bed, { target: 'node:a' })
  t.strictSame(await states(), ['running', 'running'])
  await injectFault(bed, 'node:b', 'crash')
  t.strictSame(await states(), ['running', 'dead'])
  await t.rejects(
    injectFault(bed, 'node:b', 'freeze'),
    { code: 'TESTBED_HOST_NOT_RUNNING' },
    'the dead cannot freeze',
  )
  await clearFaults(bed)
  t.strictSame(await states(), ['running', 'running'], 'healing a crash starts the host again')

  await injectFault(bed, 'node:b', 'crash')
  const kinds: string[] = []
  for await (const event of superviseBed(bed, { restart: true, signal: abort.signal, everyMs: 10 })) {
    kinds.push(`${event.host} ${event.kind}`)
    if (event.kind === 'restarted') break
  }
  t.strictSame(kinds, ['b exited', 'b restarted'])
  t.strictSame(await bed.folder.faults(), [], 'a restart ends the crash fault')

  t.equal(
    await runInHost(bed, 'a', ['sh', '-c', 'exit 7'], 'ignore'),
    7,
    'the exit code of a command is passed on',
  )
  t.equal(await runInHost(bed, 'a', ['sh', '-c', 'kill -9 $$'], 'ignore'), 137, 'and a signal as 128 + n')
  const waiting = runInHost(bed, 'a', ['sleep', '1001'], 'ignore')
  await delay(50)
  abort.abort()
  t.equal(await waiting, 143, 'an abort ends it')
})

t.test('processes are told from later ones with the same pid', async (t) => {
  const child = spawn('sleep', ['1002'])
  const facts = (await readProcess(child.pid!))!
  t.equal(await processState(facts), 'running')
  t.equal(await processState({ ...facts, startTicks: facts.startTicks - 1 }), 'dead')
  t.equal(await signalProcess({ ...facts, startTicks: 0 }, 'SIGKILL'), false, 'the other is not hit')
  t.ok((await residentBytes(child.pid!)) > 0)
  const ended = once(child, 'exit')
  await endProcesses([facts], { graceMs: 1000, clock: systemClock })
  t.strictSame(await ended, [null, 'SIGTERM'])
  t.equal(await residentBytes(child.pid!), 0)
})

t.test('a missing tool is named with its package', async (t) => {
  const bed = createBed(optionsFor('tools', 'pair', { env: { PATH: '/nowhere' } }))
  await t.rejects(bed, { code: 'TESTBED_TOOL_MISSING', hint: 'apt install iproute2' })
  t.strictSame(await listBeds(runFolder), [])
})

async function hold(shape: string): Promise<ChildProcess> {
  const script = `${import.meta.dirname}/hold-bed.ts`
  const child = spawn(process.execPath, [...process.execArgv, script, runFolder, shape, sleepSeconds], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child, 'spawn')
  return child
}
