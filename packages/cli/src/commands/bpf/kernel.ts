import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { messageOf, systemClock, X0tError } from '@x0t/core'
import type { AttachSurroundings, BpfBackend } from '@x0t/bpf'
import type { CommandContext } from '../../main.ts'

/** Options of every command that talks to the kernel. */
export interface KernelOptions {
  readonly pins?: string
  readonly namespace?: string
}

export function withKernel(command: Command): Command {
  return command
    .option('--pins <folder>', 'where things are pinned, in a BPF file system (X0T_BPF_PINS)', undefined)
    .option('--namespace <name>', 'in this network namespace (of ip netns)')
}

/** What a command needs of the kernel. */
export interface Kernel extends AttachSurroundings {
  readonly backend: BpfBackend
  readonly monotonicMs: () => number
}

/**
 * Opens the kernel: the back end, where pins are, and with `--namespace` the network namespace.
 * @throws X0tError BPF_UNSUPPORTED, BPF_NO_BPFFS, BPF_NAMESPACE_NOT_FOUND
 */
export async function openKernel(options: KernelOptions, context: CommandContext): Promise<Kernel> {
  const { streams, signal } = context
  const bpf = await import('@x0t/bpf')
  if (options.namespace !== undefined) bpf.enterNetworkNamespace(options.namespace)
  const root = options.pins ?? streams.env['X0T_BPF_PINS'] ?? bpf.defaultPinRoot
  return {
    backend: streams.bpf ?? (await chooseBackend(root, context)),
    root,
    chainFile: async () => bpf.readProgram('chain'),
    run: async (command, words) => (await promisify(execFile)(command, [...words])).stdout,
    wait: async (delayMs) => sleep(delayMs, undefined, { signal }),
    monotonicMs: () => systemClock.monotonicMs(),
  }
}

/** bpf(2) itself, or bpftool with a warning that says why. */
async function chooseBackend(root: string, context: CommandContext): Promise<BpfBackend> {
  const { backend, reason } = await (await import('@x0t/bpf')).chooseBackend({ pinFolder: root })
  if (backend.name !== 'native') context.output().warn(`using ${reason}; it cannot do everything`)
  return backend
}

/** The same for commands that pin: mounts the BPF file system if `/sys/fs/bpf` has none, as bpftool does. */
export async function openKernelToPin(options: KernelOptions, context: CommandContext): Promise<Kernel> {
  const kernel = await openKernel(options, context)
  const { isBpffs, requireBpffs } = await import('@x0t/bpf')
  if (context.streams.bpf !== undefined) return kernel
  if (kernel.root.startsWith('/sys/fs/bpf/') && !(await isBpffs('/sys/fs/bpf'))) {
    try {
      await kernel.run('mount', ['-t', 'bpf', 'bpf', '/sys/fs/bpf'])
      context.output().note('mounted a BPF file system at /sys/fs/bpf')
    } catch (error) {
      throw new X0tError('BPF_NO_BPFFS', `/sys/fs/bpf cannot be mounted: ${messageOf(error).trim()}`, {
        cause: error,
        hint: 'as root: mount -t bpf bpf /sys/fs/bpf',
      })
    }
  }
  await requireBpffs(kernel.root)
  return kernel
}
