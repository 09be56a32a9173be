import { X0tError } from '@x0t/core'
import type { AttachTarget, BpfLink, BpfProgram, ProgramSpec, TestRun } from './contract.ts'
import type { LinkThing, MemoryHandle, MemoryThings, ProgramThing } from './memory-things.ts'
import type { ProgramType } from './uapi.ts'

/** A handle of a program in memory: it can be attached and pinned, and never runs. */
export class MemoryProgram implements BpfProgram {
  readonly fd = -1
  readonly #handle: MemoryHandle<ProgramThing>
  readonly #things: MemoryThings

  constructor(handle: MemoryHandle<ProgramThing>, things: MemoryThings) {
    this.#handle = handle
    this.#things = things
  }

  get id(): number {
    return this.#handle.thing.id
  }

  get spec(): ProgramSpec {
    return this.#handle.thing.spec
  }

  attach(target: AttachTarget): BpfLink {
    this.#handle.check()
    const { thing } = this.#handle
    const type = linkTypeOf(thing, target)
    const others = this.#things.list('link').filter((link) => !link.isDetached)
    const isTaken = others.some(
      (link) =>
        link.type === type &&
        targetText(link.target, thing) === targetText(target, thing) &&
        (type === 'xdp' || (type === 'tcx' && link.programId === thing.id)),
    )
    if (isTaken)
      throw new X0tError(
        'BPF_BUSY',
        `program ${thing.spec.name} could not be attached to ${targetText(target, thing)}: another program is there`,
        { hint: 'x0t bpf list; detach it, or for XDP use one mode and the chain' },
      )
    const link: Omit<LinkThing, 'id' | 'handles'> = {
      kind: 'link',
      target,
      type,
      programId: thing.id,
      isDetached: false,
    }
    return new MemoryLink(this.#things.add<LinkThing>(link), this.#things)
  }

  pin(path: string): void {
    this.#handle.pin(path)
  }

  testRun(): TestRun {
    throw doesNotRun(this.spec)
  }

  sendLive(): void {
    throw doesNotRun(this.spec)
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

/** A handle of a link in memory. */
export class MemoryLink implements BpfLink {
  readonly #handle: MemoryHandle<LinkThing>
  readonly #things: MemoryThings

  constructor(handle: MemoryHandle<LinkThing>, things: MemoryThings) {
    this.#handle = handle
    this.#things = things
  }

  get id(): number {
    return this.#handle.thing.id
  }

  pin(path: string): void {
    this.#handle.pin(path)
  }

  update(program: BpfProgram): void {
    this.#handle.check()
    const { thing } = this.#handle
    using now = this.#things.open('program', { id: thing.programId })
    using next = this.#things.open('program', { id: program.id })
    if (thing.target.kind === 'tracepoint' || next.thing.type.type !== now.thing.type.type)
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `link ${this.id} could not be given program ${program.spec.name}`,
        {
          hint: 'tracepoints: attach the new one, then detach the old',
        },
      )
    thing.programId = program.id
  }

  detach(): void {
    this.#handle.check()
    this.#handle.thing.isDetached = true
    this[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

/** What a link is attached to, as people name it. */
export function targetText(target: AttachTarget, { spec, type }: ProgramThing): string {
  switch (target.kind) {
    case 'xdp':
      return target.interface
    case 'tcx':
      return `${target.interface} ${target.direction}`
    case 'tracepoint':
      return target.name ?? type.target ?? spec.name
    default:
      return target.path
  }
}

const taken: Readonly<Record<AttachTarget['kind'], readonly ProgramType[]>> = {
  xdp: ['xdp'],
  tcx: ['sched_cls'],
  tracepoint: ['tracing', 'raw_tracepoint', 'lsm'],
  cgroup: [
    'sock_ops',
    'cgroup_skb',
    'cgroup_sock',
    'cgroup_sock_addr',
    'cgroup_device',
    'cgroup_sysctl',
    'cgroup_sockopt',
  ],
}

/** @throws X0tError BPF_UNSUPPORTED where a program of this type cannot go */
function linkTypeOf({ spec, type }: ProgramThing, target: AttachTarget): string {
  if (!taken[target.kind].includes(type.type))
    throw new X0tError(
      'BPF_UNSUPPORTED',
      `program ${spec.name} is a ${type.type}; this place takes ${taken[target.kind].join(', ')}`,
    )
  return target.kind === 'tracepoint' ? (type.type === 'raw_tracepoint' ? type.type : 'tracing') : target.kind
}

function doesNotRun({ name }: ProgramSpec): X0tError {
  return new X0tError(
    'BPF_UNSUPPORTED',
    `program ${name} is in the memory back end, where programs do not run`,
    {
      hint: 'use the native back end, as root',
    },
  )
}
