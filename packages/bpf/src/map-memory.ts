import { X0tError } from '@x0t/core'
import { errnoName, errno } from './uapi.ts'
import { openSyscalls } from './syscalls.ts'

const PROT_READ = 1
const PROT_WRITE = 2

/** Mappings are undone when nobody can reach their memory any more. */
const mappings = new FinalizationRegistry(({ address, bytes }: { address: bigint; bytes: number }) => {
  openSyscalls().munmap(address, bytes)
})

/**
 * The memory of a mmapable array, from any thread of the process that has the descriptor. It stays valid when the
 * descriptor is closed. Not to be transferred to another thread: map it there.
 * @param fd of the map, which this does not own
 * @param bytes entries times the size of a value rounded up to 8
 * @throws X0tError BPF_UNSUPPORTED for a map that cannot be mapped, or that is frozen
 */
export function mapMemory(fd: number, bytes: number): ArrayBuffer {
  return mapRegion(fd, 0, bytes, 'read-write')
}

/** Part of the memory of a map. @param offset multiple of the size of a page */
export function mapRegion(
  fd: number,
  offset: number,
  bytes: number,
  access: 'read' | 'read-write',
): ArrayBuffer {
  const syscalls = openSyscalls()
  const whole = Math.ceil(bytes / syscalls.pageBytes) * syscalls.pageBytes
  const protection = access === 'read' ? PROT_READ : PROT_READ | PROT_WRITE
  const address = syscalls.mmap(whole, protection, fd, offset)
  if (address < 0n && address > -4096n) {
    const error = Number(-address)
    const why = error === errno.EPERM ? 'it is frozen, or opened for reading only' : errnoName(error)
    throw new X0tError('BPF_UNSUPPORTED', `the memory of the map cannot be had: ${why}`)
  }
  const memory = syscalls.memoryAt(address, bytes)
  mappings.register(memory, { address, bytes: whole })
  return memory
}
