import { Attributes } from './attributes.ts'
import { checked, failure } from './bpf-failure.ts'
import { openSyscalls } from './syscalls.ts'
import { errno } from './uapi.ts'

/** A file descriptor that is closed once. */
export class Descriptor implements Disposable {
  #fd: number
  readonly #what: string

  /** @param what for messages: `map peers` */
  constructor(fd: number, what: string) {
    this.#fd = fd
    this.#what = what
  }

  /** @throws TypeError once it is closed */
  get fd(): number {
    if (this.#fd < 0) throw new TypeError(`${this.#what} is closed`)
    return this.#fd
  }

  [Symbol.dispose](): void {
    const fd = this.#fd
    this.#fd = -1
    if (fd >= 0) openSyscalls().close(fd)
  }
}

/**
 * struct bpf_prog_info, bpf_map_info or bpf_link_info, as much of it as the kernel has.
 * @param fill asks for more than numbers: sets pointers to memory, which the caller uses afterwards
 */
export function readObjectInfo(fd: number, fill?: (info: DataView) => void): DataView {
  const bytes = new Uint8Array(infoBytes)
  const view = new DataView(bytes.buffer)
  fill?.(view)
  const attributes = new Attributes(16).u32(0, fd).u32(4, infoBytes).pointer(8, bytes)
  checked(attributes.call('OBJ_GET_INFO_BY_FD'), `descriptor ${fd} could not be described`)
  return view
}

/**
 * Takes a descriptor over: makes of it what `make` says, with what the kernel tells; closes it if that fails.
 */
export function adoptDescriptor<T>(fd: number, make: (info: DataView) => T): T {
  try {
    return make(readObjectInfo(fd))
  } catch (error) {
    openSyscalls().close(fd)
    throw error
  }
}

/** Longer than the three structs in Linux 6.18; the kernel says nothing of what it does not have. */
const infoBytes = 256

/** Puts the address of memory into a struct. */
export function setPointer(view: DataView, offset: number, memory: NodeJS.ArrayBufferView): void {
  view.setBigUint64(offset, openSyscalls().addressOf(memory), true)
}

/** Text of a fixed field, up to its first zero. */
export function fixedText(view: DataView, offset: number, bytes: number): string {
  const field = new Uint8Array(view.buffer, view.byteOffset + offset, bytes)
  return new TextDecoder('latin1').decode(field).split('\0', 1)[0]!
}

/**
 * BPF_OBJ_PIN.
 * @throws X0tError BPF_PIN_FAILED
 */
export function pinDescriptor(fd: number, path: string, what: string): void {
  const result = new Attributes(16).text(0, path).u32(8, fd).call('OBJ_PIN')
  if (result >= 0) return
  const hint =
    result === -errno.EEXIST
      ? `remove the pin that is there: rm ${path}`
      : 'pins need a folder of a bpffs: mount -t bpf bpf /sys/fs/bpf'
  throw failure(`${what} could not be pinned at ${path}`, result, { code: 'BPF_PIN_FAILED', hint })
}
