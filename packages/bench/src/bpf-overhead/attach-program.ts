// A program, run by node in the namespace of a host: keeps programs attached until its standard input ends.
import { readFile } from 'node:fs/promises'
import { messageOf } from '@x0t/core'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import { observers, unifiedCgroup } from './observers.ts'
import type { AttachedReply, AttachJob } from './attached-observers.ts'

const job = JSON.parse(process.argv[2]!) as AttachJob
const cgroup = unifiedCgroup(
  await readFile('/proc/self/mounts', 'utf8'),
  await readFile('/proc/self/cgroup', 'utf8'),
)
using stack = new DisposableStack()
const attached: { name: string; program: string; id: number }[] = []
const refused: { name: string; reason: string }[] = []
const backend = openNativeBackend()
for (const { name, attachments } of observers.filter((one) => job.observers.includes(one.name))) {
  try {
    const globals = name === 'runqueue' ? { globals: { runqueue_tgid: job.watchedPid } } : {}
    const loaded = stack.use(await backend.load(await readProgram(name), globals))
    for (const { program, message } of loaded.refusals)
      refused.push({ name, reason: `${program}: ${message}` })
    for (const { program, target } of attachments({ interface: job.interface, cgroup: cgroup ?? '' })) {
      const found = loaded.programs.get(program)
      if (found === undefined) continue
      if (target.kind === 'cgroup' && cgroup === undefined)
        throw new Error('no unified hierarchy of control groups is mounted')
      stack.use(found.attach(target))
      attached.push({ name, program, id: found.id })
    }
  } catch (error) {
    refused.push({ name, reason: messageOf(error) })
  }
}
const reply: AttachedReply = { attached, refused }
process.stdout.write(`${JSON.stringify(reply)}\n`)
process.stdin.resume()
await new Promise((resolve) => process.stdin.once('close', resolve))
