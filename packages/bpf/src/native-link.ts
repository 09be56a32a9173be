import { Attributes } from './attributes.ts'
import { checked, failure } from './bpf-failure.ts'
import type { BpfLink, BpfProgram } from './contract.ts'
import { adoptDescriptor, Descriptor, pinDescriptor } from './descriptor.ts'
import { errno } from './uapi.ts'

/** The link of a descriptor, which it owns from here on. */
export function adoptLink(fd: number): NativeLink {
  return adoptDescriptor(fd, (info) => new NativeLink(fd, info))
}

/** A link of the kernel by its descriptor. */
export class NativeLink implements BpfLink {
  readonly id: number
  readonly #descriptor: Descriptor

  /** @param info struct bpf_link_info */
  constructor(fd: number, info: DataView) {
    this.id = info.getUint32(4, true)
    this.#descriptor = new Descriptor(fd, `link ${this.id}`)
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  pin(path: string): void {
    pinDescriptor(this.fd, path, `link ${this.id}`)
  }

  update(program: BpfProgram): void {
    const result = new Attributes(16).u32(0, this.fd).u32(4, program.fd).call('LINK_UPDATE')
    if (result >= 0) return
    const what = `link ${this.id} could not be given program ${program.spec.name}`
    if (result !== -errno.EINVAL) throw failure(what, result)
    throw failure(what, result, {
      code: 'BPF_UNSUPPORTED',
      hint: 'tracepoints: attach the new one, then detach the old',
    })
  }

  detach(): void {
    const result = new Attributes(4).u32(0, this.fd).call('LINK_DETACH')
    // Links of tracing programs have no detach of their own: they go with their last descriptor.
    if (result !== -errno.EOPNOTSUPP) checked(result, `link ${this.id} could not be detached`)
    this[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]()
  }
}
