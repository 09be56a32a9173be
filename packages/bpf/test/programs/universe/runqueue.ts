import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import { until } from '../support/network.ts'

const pidNamespace = statSync('/proc/self/ns/pid', { bigint: true })
/** Works in a container as well, where ids differ from those of the initial namespace. */
const thisNamespace = {
  runqueue_pidns_device: pidNamespace.dev,
  runqueue_pidns_inode: pidNamespace.ino,
}

function attachAll(runqueue: LoadedProgram): void {
  for (const name of ['x0t_wakeup', 'x0t_wakeup_new', 'x0t_switch'])
    runqueue.attach(name, { kind: 'tracepoint' })
}

async function count(runqueue: LoadedProgram): Promise<number> {
  const [sample] = await runqueue.metric('x0t_node_runqueue_seconds')
  return sample !== undefined && 'histogram' in sample ? sample.histogram.count : 0
}

t.test('each waking of this process is a wait that is counted', async (t) => {
  using runqueue = await loadProgram('runqueue', {
    globals: { runqueue_tgid: process.pid, ...thisNamespace },
  })
  attachAll(runqueue)
  await until(async () => (await count(runqueue)) > 0)
  const before = await count(runqueue)
  for (let i = 0; i < 10; i++) await delay(2)
  t.ok((await count(runqueue)) - before >= 10, 'ten timers woke it ten times at least')
})

t.test('other processes are not counted', async (t) => {
  for (const globals of [
    {},
    { runqueue_tgid: 0x7ffffff0 },
    { runqueue_tgid: 0x7ffffff0, ...thisNamespace },
  ]) {
    using runqueue = await loadProgram('runqueue', { globals })
    attachAll(runqueue)
    for (let i = 0; i < 5; i++) await delay(2)
    t.equal(await count(runqueue), 0)
  }
})
