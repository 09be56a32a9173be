import { X0tError } from '@x0t/core'
import { openSyscalls } from './syscalls.ts'
import { errno, errnoName } from './uapi.ts'

const CLONE_NEWNET = 0x4000_0000

/**
 * Takes the calling thread, and the processes that it starts, into a network namespace of `ip netns`. There is no way
 * back: for commands that do one thing.
 * @throws X0tError BPF_NAMESPACE_NOT_FOUND, BPF_NOT_PERMITTED
 */
export function enterNetworkNamespace(name: string): void {
  const syscalls = openSyscalls()
  const isName = name !== '' && !name.includes('/') && name !== '.' && name !== '..'
  const fd = isName ? syscalls.open(`/run/netns/${name}`) : -errno.ENOENT
  if (fd < 0)
    throw new X0tError('BPF_NAMESPACE_NOT_FOUND', `no network namespace ${name} (${errnoName(-fd)})`, {
      hint: 'ip netns list',
    })
  const result = syscalls.setns(fd, CLONE_NEWNET)
  syscalls.close(fd)
  if (result < 0)
    throw new X0tError(
      'BPF_NOT_PERMITTED',
      `network namespace ${name} cannot be entered (${errnoName(-result)})`,
      {
        hint: 'run as root',
      },
    )
}
