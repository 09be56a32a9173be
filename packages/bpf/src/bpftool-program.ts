import { X0tError } from '@x0t/core'
import { programInfoOf } from './bpftool-info.ts'
import { JsonFields } from './bpftool-json.ts'
import { nativeHint } from './bpftool-map.ts'
import type { Bpftool } from './bpftool-run.ts'
import type { AttachTarget, BpfLink, BpfProgram, ProgramSpec, TestRun } from './contract.ts'
import type { AttachType } from './uapi.ts'

/** Hooks of cgroups as bpftool names them. */
const cgroupHooks: Readonly<Partial<Record<AttachType, string>>> = {
  CGROUP_INET_INGRESS: 'ingress',
  CGROUP_INET_EGRESS: 'egress',
  CGROUP_SOCK_OPS: 'sock_ops',
  CGROUP_DEVICE: 'device',
  CGROUP_INET4_BIND: 'bind4',
  CGROUP_INET6_BIND: 'bind6',
  CGROUP_INET4_CONNECT: 'connect4',
  CGROUP_INET6_CONNECT: 'connect6',
  CGROUP_UDP4_SENDMSG: 'sendmsg4',
  CGROUP_UDP6_SENDMSG: 'sendmsg6',
}

export interface BpftoolProgramOptions {
  /** What its object file says. */
  readonly spec?: ProgramSpec
  readonly attachType?: AttachType | undefined
  /** Lets the program go. */
  readonly release?: () => void
}

/** A program by its id: bpftool keeps nothing open, so it goes when nobody else holds it. */
export class BpftoolProgram implements BpfProgram {
  readonly spec: ProgramSpec
  readonly id: number
  readonly fd = -1
  readonly #tool: Bpftool
  readonly #options: BpftoolProgramOptions
  readonly #type: string

  /** @param entry of `prog show` */
  constructor(tool: Bpftool, entry: unknown, options: BpftoolProgramOptions = {}) {
    const { id, name, type, instructionBytes } = programInfoOf(entry)
    this.id = id
    this.spec = options.spec ?? { name, section: type, instructions: instructionBytes / 8 }
    this.#type = type
    this.#tool = tool
    this.#options = options
  }

  attach(target: AttachTarget): BpfLink {
    switch (target.kind) {
      case 'xdp':
        return this.#attachXdp(target)
      case 'cgroup':
        return this.#attachCgroup(target)
      default:
        throw this.#unsupported(`be attached to ${target.kind === 'tcx' ? 'tcx' : 'a tracepoint'}`)
    }
  }

  pin(path: string): void {
    this.#tool.pin('prog', this.id, path)
  }

  testRun(packet: Uint8Array, { repeat = 1, ifindex }: { repeat?: number; ifindex?: number } = {}): TestRun {
    if (ifindex !== undefined) throw this.#unsupported('be run as if a packet came in on an interface')
    const words = [
      'prog',
      'run',
      'id',
      String(this.id),
      'data_in',
      '-',
      'data_out',
      '-',
      'repeat',
      String(repeat),
    ]
    const what = `program ${this.spec.name} could not be run on a packet of this kind`
    const fields = new JsonFields(this.#tool.json(what, words, packet))
    return {
      verdict: fields.number('retval'),
      packet: fields.bytes('data_out'),
      durationNs: fields.number('duration'),
    }
  }

  sendLive(): void {
    throw this.#unsupported('send live frames')
  }

  [Symbol.dispose](): void {
    this.#options.release?.()
  }

  #attachXdp({ interface: name, mode }: AttachTarget & { readonly kind: 'xdp' }): BpfLink {
    if (this.#type !== 'xdp')
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `program ${this.spec.name} is a ${this.#type}; this place takes xdp`,
      )
    const hook = mode === undefined ? 'xdp' : { native: 'xdpdrv', generic: 'xdpgeneric' }[mode]
    const attach = (id: number, ...more: readonly string[]): void =>
      void this.#tool.json(`program ${this.spec.name} could not be attached to XDP of ${name}`, [
        'net',
        'attach',
        hook,
        'id',
        String(id),
        'dev',
        name,
        ...more,
      ])
    attach(this.id)
    return new BpftoolAttachment({
      replace: (id) => attach(id, 'overwrite'),
      detach: () =>
        void this.#tool.json(`XDP of ${name} could not be detached`, ['net', 'detach', hook, 'dev', name]),
    })
  }

  #attachCgroup({ path, direction }: AttachTarget & { readonly kind: 'cgroup' }): BpfLink {
    const { attachType } = this.#options
    const hook = direction ?? (attachType === undefined ? undefined : cgroupHooks[attachType])
    if (hook === undefined) throw this.#unsupported(`be attached to a cgroup as a ${this.#type}`)
    const run = (verb: 'attach' | 'detach', ...more: readonly string[]): void =>
      void this.#tool.json(`program ${this.spec.name} could not be ${verb}ed: cgroup ${path}`, [
        'cgroup',
        verb,
        path,
        hook,
        'id',
        String(this.id),
        ...more,
      ])
    run('attach', 'multi')
    return new BpftoolAttachment({ replace: undefined, detach: () => run('detach') })
  }

  #unsupported(what: string): X0tError {
    return new X0tError('BPF_UNSUPPORTED', `program ${this.spec.name} cannot ${what} with bpftool`, {
      hint: nativeHint,
    })
  }
}

/**
 * What bpftool attaches is no link of the kernel: it has no id and no pin, and stays if this process is killed.
 */
class BpftoolAttachment implements BpfLink {
  readonly id = 0
  readonly #actions: {
    readonly replace: ((programId: number) => void) | undefined
    readonly detach: () => void
  }
  #isAttached = true

  constructor(actions: {
    readonly replace: ((programId: number) => void) | undefined
    readonly detach: () => void
  }) {
    this.#actions = actions
  }

  pin(): void {
    throw new X0tError('BPF_UNSUPPORTED', 'what bpftool attached has no link to pin', { hint: nativeHint })
  }

  update(program: BpfProgram): void {
    if (this.#actions.replace === undefined)
      throw new X0tError('BPF_UNSUPPORTED', 'bpftool cannot replace a program of a cgroup', {
        hint: nativeHint,
      })
    this.#actions.replace(program.id)
  }

  detach(): void {
    if (!this.#isAttached) return
    this.#isAttached = false
    this.#actions.detach()
  }

  [Symbol.dispose](): void {
    this.detach()
  }
}

/** A link of the kernel by its id. */
export class BpftoolLink implements BpfLink {
  readonly id: number
  readonly #tool: Bpftool

  constructor(tool: Bpftool, id: number) {
    this.#tool = tool
    this.id = id
  }

  pin(path: string): void {
    this.#tool.pin('link', this.id, path)
  }

  update(): void {
    throw new X0tError('BPF_UNSUPPORTED', 'bpftool cannot replace the program of a link', {
      hint: nativeHint,
    })
  }

  detach(): void {
    this.#tool.json(`link ${this.id} could not be detached`, ['link', 'detach', 'id', String(this.id)])
  }

  [Symbol.dispose](): void {}
}
