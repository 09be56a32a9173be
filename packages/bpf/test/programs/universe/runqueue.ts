import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import { run, until } from '../support/network.ts'

const pidNamespace = statSync('/proc/self/ns/pid', { bigint: true })
/** Works in a container as well, where ids differ from those of the initial namespace. */
const thisNamespace = {
  runqueue_pidns_device: pidNamespace.dev,
  runqueue_pidns_inode: pidNamespace.ino,
}

function attach(runqueue: LoadedProgram): void {
  runqueue.attach('x0t_switch', { kind: 'tracepoint' })
}

async function waits(runqueue: LoadedProgram): Promise<{ readonly count: number; readonly seconds: number }> {
  const [sample] = await runqueue.metric('x0t_node_runqueue_seconds')
  if (sample === undefined || !('histogram' in sample)) throw new Error('no histogram')
  return { count: sample.histogram.count, seconds: sample.histogram.sum }
}

const count = async (runqueue: LoadedProgram): Promise<number> => (await waits(runqueue)).count

/** What all threads of this process have waited so far, as the kernel tells it. */
function secondsWaited(): number {
  const all = readdirSync('/proc/self/task').map((thread) =>
    Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[1]),
  )
  return all.reduce((sum, ns) => sum + ns, 0) / 1e9
}

t.test('each waking of this process is a wait that is counted', async (t) => {
  using runqueue = await loadProgram('runqueue', {
    globals: { runqueue_tgid: process.pid, ...thisNamespace },
  })
  attach(runqueue)
  await until(async () => (await count(runqueue)) > 0)
  const before = await count(runqueue)
  for (let i = 0; i < 10; i++) await delay(2)
  t.ok((await count(runqueue)) - before >= 10, 'ten timers woke it ten times at least')
})

t.test('waits are as long as the kernel says', async (t) => {
  using runqueue = await loadProgram('runqueue', {
    globals: { runqueue_tgid: process.pid, ...thisNamespace },
  })
  attach(runqueue)
  // Two that work share a processor: each waits while the other has it.
  const other = spawn('taskset', ['-c', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' })
  t.teardown(() => other.kill('SIGKILL'))
  run('taskset', '-a', '-c', '-p', '0', String(process.pid))
  await until(async () => (await count(runqueue)) > 0)
  const [before, waitedBefore] = [await waits(runqueue), secondsWaited()]
  for (const end = Date.now() + 400; Date.now() < end;);
  await delay(1)
  const [after, waitedAfter] = [await waits(runqueue), secondsWaited()]
  const [counted, waited] = [after.seconds - before.seconds, waitedAfter - waitedBefore]
  // What a thread waited before it ran just now is counted when it leaves; other threads of this process run meanwhile.
  t.ok(Math.abs(counted - waited) < 0.1 * waited + 0.02, `counted ${counted} s, waited ${waited} s`)
  t.ok(waited > 0.05, `waited ${waited} s of 0.4`)
})

t.test('other processes are not counted', async (t) => {
  for (const globals of [
    {},
    { runqueue_tgid: 0x7ffffff0 },
    { runqueue_tgid: 0x7ffffff0, ...thisNamespace },
  ]) {
    using runqueue = await loadProgram('runqueue', { globals })
    attach(runqueue)
    for (let i = 0; i < 5; i++) await delay(2)
    t.equal(await count(runqueue), 0)
  }
})
