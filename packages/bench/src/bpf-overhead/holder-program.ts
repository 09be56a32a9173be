// A program, run by node in the namespace of a host: loads programs, attaches and detaches them as it is asked, and reads
// counters. One process all the while, so that it is no part of what is compared.
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { messageOf } from '@x0t/core'
import { openNativeBackend, readProgram, type LoadedObject } from '@x0t/bpf'
import { machineCpuSeconds } from './machine-cpu.ts'
import type {
  AttachedProgram,
  AttachedReply,
  Counters,
  HolderJob,
  HolderQuestion,
} from './observer-holder.ts'
import { noop, observers, unifiedCgroup, type Observer } from './observers.ts'
import { interfaceWith, parseReceivedBytes } from './received-bytes.ts'

const job = JSON.parse(process.argv[2]!) as HolderJob
const cgroup = unifiedCgroup(
  await readFile('/proc/self/mounts', 'utf8'),
  await readFile('/proc/self/cgroup', 'utf8'),
)
const refused: { name: string; reason: string }[] = []
using objects = new DisposableStack()
const loaded = await load()
let links = new DisposableStack()

const answer = (reply: unknown): void => void process.stdout.write(`${JSON.stringify(reply)}\n`)
answer({})
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as HolderQuestion
  answer('attach' in question ? attach(question.attach) : await read(question.read))
}
links.dispose()

interface Loaded {
  readonly observer: Observer
  readonly object: LoadedObject
}

async function load(): Promise<readonly Loaded[]> {
  const backend = openNativeBackend()
  const all: Loaded[] = []
  for (const observer of [noop, ...observers].filter(({ name }) => job.observers.includes(name))) {
    const { name } = observer
    try {
      const globals = name === 'runqueue' ? { globals: { runqueue_tgid: job.watchedPid } } : {}
      const object = objects.use(await backend.load(await readProgram(name), globals))
      for (const { program, message } of object.refusals)
        refused.push({ name, reason: `${program}: ${message}` })
      all.push({ observer, object })
    } catch (error) {
      refused.push({ name, reason: messageOf(error) })
    }
  }
  return all
}

function attach(names: readonly string[]): AttachedReply {
  links.dispose()
  links = new DisposableStack()
  const attached: AttachedProgram[] = []
  for (const { observer, object } of loaded.filter((one) => names.includes(one.observer.name)))
    for (const { program, target } of observer.attachments({
      interface: job.interface,
      cgroup: cgroup ?? '',
    })) {
      const found = object.programs.get(program)
      if (found === undefined) continue
      try {
        if (target.kind === 'cgroup' && cgroup === undefined)
          throw new Error('no unified hierarchy of control groups is mounted')
        links.use(found.attach(target))
        attached.push({ program, id: found.id })
      } catch (error) {
        refused.push({ name: observer.name, reason: messageOf(error) })
      }
    }
  return { attached, refused }
}

async function read(address: string): Promise<Counters> {
  const device = interfaceWith(address, networkInterfaces())
  const [text, busySeconds] = await Promise.all([readFile('/proc/self/net/dev', 'utf8'), machineCpuSeconds()])
  return {
    bytes: parseReceivedBytes(text, device),
    busySeconds,
    atNs: Number(process.hrtime.bigint()),
  }
}
