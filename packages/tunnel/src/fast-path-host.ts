import { execFile } from 'node:child_process'
import { access, readlink } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { interfaceIndexOf, xdpFeatures, type XdpFeatures } from '@x0t/bpf'
import { hasCode, messageOf } from '@x0t/core'

/** The system as the fast path touches it, beside BPF itself. */
export interface FastPathHost {
  /** Runs a command and returns what it wrote; throws with its error text if it fails. */
  run(command: string, args: readonly string[]): Promise<string>
  /** Interfaces that are up and have an address, the loopback not among them. */
  interfaces(): readonly string[]
  /** @throws X0tError BPF_INTERFACE_NOT_FOUND */
  interfaceIndex(name: string): number
  /** Undefined where the kernel does not tell. @throws X0tError BPF_INTERFACE_NOT_FOUND */
  xdpFeatures(name: string): XdpFeatures | undefined
  hasKernelTypes(): Promise<boolean>
  /** Inode of the network namespace. */
  networkNamespace(): Promise<number>
  /** CLOCK_MONOTONIC. */
  monotonicNs(): bigint
  /** Calls back every so often until disposed. */
  every(intervalMs: number, callback: () => void): Disposable
}

const execute = promisify(execFile)

export const systemHost: FastPathHost = {
  async run(command, args) {
    try {
      return (await execute(command, [...args])).stdout
    } catch (error) {
      const { stderr = '' } = error as { readonly stderr?: string }
      throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || messageOf(error)}`, { cause: error })
    }
  },
  interfaces: () =>
    Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.some(({ internal }) => !internal) ? [name] : [],
    ),
  interfaceIndex: interfaceIndexOf,
  xdpFeatures,
  async hasKernelTypes() {
    try {
      await access('/sys/kernel/btf/vmlinux')
      return true
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
  },
  networkNamespace: async () => Number(/\d+/.exec(await readlink('/proc/self/ns/net'))?.[0]),
  monotonicNs: () => process.hrtime.bigint(),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs)
    timer.unref()
    return { [Symbol.dispose]: () => clearInterval(timer) }
  },
}
