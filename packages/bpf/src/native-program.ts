import { X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { attachProgram } from './attach.ts'
import { failure } from './bpf-failure.ts'
import type { AttachTarget, BpfLink, BpfProgram, ProgramSpec, TestRun } from './contract.ts'
import { adoptDescriptor, Descriptor, fixedText, pinDescriptor } from './descriptor.ts'
import type { ProgramKind } from './program-kind.ts'
import { errno, programTypes } from './uapi.ts'

/** Room that a program may grow a packet into. */
const growthBytes = 4096
const BPF_F_TEST_XDP_LIVE_FRAMES = 2
const liveBatch = 64
/** Frames that the kernel takes in one batch (TEST_XDP_MAX_BATCH). */
const mostInOneBatch = 256
const mostSingleRuns = 1000
const mostInterruptions = 100

/** What the object file of a program says; of an opened one, the kernel knows less. */
export interface ProgramOrigin {
  readonly spec: ProgramSpec
  readonly kind: ProgramKind
}

/** The program of a descriptor, which it owns from here on. */
export function adoptProgram(fd: number, origin?: ProgramOrigin): NativeProgram {
  return adoptDescriptor(fd, (info) => new NativeProgram(fd, info, origin))
}

/** A program of the kernel by its descriptor. */
export class NativeProgram implements BpfProgram {
  readonly spec: ProgramSpec
  readonly id: number
  readonly kind: ProgramKind
  readonly #descriptor: Descriptor

  /** @param info struct bpf_prog_info */
  constructor(fd: number, info: DataView, known: ProgramOrigin | undefined) {
    this.id = info.getUint32(4, true)
    const type = programTypes[info.getUint32(0, true)] ?? 'unspec'
    this.spec = known?.spec ?? {
      name: fixedText(info, 64, 16),
      section: type,
      instructions: info.getUint32(20, true) / 8,
    }
    this.kind = known?.kind ?? { type, attachType: undefined, flags: 0, target: undefined, btf: undefined }
    this.#descriptor = new Descriptor(fd, `program ${this.spec.name}`)
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  attach(target: AttachTarget): BpfLink {
    return attachProgram(this, target)
  }

  pin(path: string): void {
    pinDescriptor(this.fd, path, `program ${this.spec.name}`)
  }

  testRun(packet: Uint8Array, { repeat = 1, ifindex }: { repeat?: number; ifindex?: number } = {}): TestRun {
    // Between two runs of one call the kernel ends it with EINTR when it has other work for this thread, and does not tell
    // how many it made. So few runs are calls of their own, and many, which only take time, are made anew.
    const calls = repeat <= mostSingleRuns ? repeat : 1
    let durationNs = 0
    for (let left = calls; ; left -= 1) {
      const run = this.#run(packet, repeat / calls, ifindex)
      durationNs += run.durationNs
      if (left <= 1) return { ...run, durationNs: Math.round(durationNs / calls) }
    }
  }

  #run(packet: Uint8Array, repeat: number, ifindex: number | undefined): TestRun {
    const output = new Uint8Array(packet.length + growthBytes)
    const context = this.#context(packet, ifindex)
    const attributes = new Attributes(80)
      .u32(0, this.fd)
      .u32(8, packet.length)
      .u32(12, output.length)
      .pointer(16, packet)
      .pointer(24, output)
      .u32(32, repeat)
      .u32(40, context?.length ?? 0)
      .pointer(48, context)
    let result: number
    let tries = 0
    do result = attributes.call('PROG_TEST_RUN')
    while (result === -errno.EINTR && ++tries < mostInterruptions)
    this.#checkRun(result)
    return {
      verdict: attributes.getU32(4),
      packet: output.subarray(0, attributes.getU32(12)),
      durationNs: attributes.getU32(36),
    }
  }

  sendLive(
    packet: Uint8Array,
    { count, ifindex }: { readonly count: number; readonly ifindex: number },
  ): void {
    if (this.kind.type !== 'xdp') {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `program ${this.spec.name} is a ${this.kind.type}; live frames need xdp`,
      )
    }
    const context = this.#context(packet, ifindex)
    const attributes = new Attributes(80)
      .u32(0, this.fd)
      .u32(8, packet.length)
      .pointer(16, packet)
      .u32(32, count)
      .u32(40, context?.length ?? 0)
      .pointer(48, context)
      .u32(64, BPF_F_TEST_XDP_LIVE_FRAMES)
      .u32(72, count <= mostInOneBatch ? count : liveBatch)
    const result = attributes.call('PROG_TEST_RUN')
    // Between two batches, as between two runs of `testRun`; one batch is whole.
    if (result !== -errno.EINTR) this.#checkRun(result)
  }

  /** struct xdp_md or __sk_buff that says where the packet came in. */
  #context(packet: Uint8Array, ifindex: number | undefined): Uint8Array | undefined {
    if (ifindex === undefined) return undefined
    const isXdp = this.kind.type === 'xdp'
    const context = new Uint8Array(isXdp ? 24 : 192)
    const view = new DataView(context.buffer)
    if (isXdp) {
      view.setUint32(4, packet.length, true)
      view.setUint32(12, ifindex, true)
    } else view.setUint32(40, ifindex, true)
    return context
  }

  #checkRun(result: number): void {
    if (result >= 0) return
    const { name } = this.spec
    const options =
      result === -errno.EINVAL
        ? { hint: 'packets need a whole Ethernet header; an interface to come in on needs an XDP program' }
        : {}
    if (result === -errno.ENOTSUPP) {
      throw new X0tError('BPF_UNSUPPORTED', `programs of type ${this.kind.type} cannot be run on a packet`)
    }
    throw failure(`program ${name} could not be run on a packet of this kind`, result, options)
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]()
  }
}
