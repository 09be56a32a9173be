import { open, readFile, statfs, unlink } from 'node:fs/promises'
import { hasCode, X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { findKernelType } from './kernel-btf.ts'
import type { ProbeCalls, ProbeKernel, ProbeProgram } from './probe-kernel.ts'
import { timerBtf } from './probe-program.ts'
import { openSyscalls, type Syscalls } from './syscalls.ts'
import { mapTypes, programTypes } from './uapi.ts'

/** The kernel that this process runs on. */
export function openProbeKernel(): ProbeKernel {
  return {
    readText: async (path) => orMissing(readFile(path, 'utf8')),
    async readStart(path, bytes) {
      const file = await orMissing(open(path))
      if (file === undefined) return undefined
      await using handle = file
      return (await handle.read(new Uint8Array(bytes), 0, bytes)).buffer
    },
    fileSystemType: async (path) => (await orMissing(statfs(path)))?.type,
    unlink: async (path) => unlink(path),
    async tracepointType(name) {
      try {
        return findKernelType(`btf_trace_${name}`, 'typedef')
      } catch (error) {
        if (hasCode(error, 'BPF_UNSUPPORTED')) return undefined
        throw error
      }
    },
    tryTbf,
    openCalls: () => systemCalls(openSyscalls()),
  }
}

/** What a process may not read it cannot use, as if it were not there. */
async function orMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) return undefined
    throw error
  }
}

async function tryTbf(): Promise<{ exitCode: number | undefined; stderr: string }> {
  const { execa } = await import('execa')
  const tbf = 'tc qdisc add dev lo root tbf rate 528kbit burst 1540 latency 1s'
  const result = await execa('unshare', ['--net', ...tbf.split(' ')], { reject: false, stdin: 'ignore' })
  // 127: unshare did not find tc.
  const isMissing = hasCode(result, 'ENOENT') || result.exitCode === 127
  return { exitCode: isMissing ? undefined : (result.exitCode ?? 1), stderr: result.stderr }
}

const CLONE_NEWNET = 0x4000_0000
const BPF_F_TEST_XDP_LIVE_FRAMES = 2
const BPF_STATS_RUN_TIME = 0
const ownNamespace = '/proc/thread-self/ns/net'

function systemCalls(syscalls: Syscalls): ProbeCalls {
  return {
    createMap: ({ type, keyBytes, valueBytes, maxEntries, flags = 0 }) =>
      new Attributes(72)
        .u32(0, mapTypes.indexOf(type as (typeof mapTypes)[number]))
        .u32(4, keyBytes)
        .u32(8, valueBytes)
        .u32(12, maxEntries)
        .u32(16, flags)
        .name(28, 'x0t_probe')
        .call('MAP_CREATE'),
    createTimerMap() {
      const bytes = timerBtf()
      const btf = new Attributes(28).pointer(0, bytes).u32(16, bytes.length).call('BTF_LOAD')
      if (btf < 0) return btf
      const [array, keyType, valueType] = [mapTypes.indexOf('array'), 1, 5]
      const fd = new Attributes(72)
        .u32(0, array)
        .u32(4, 4)
        .u32(8, 16)
        .u32(12, 1)
        .name(28, 'x0t_probe')
        .u32(48, btf)
        .u32(52, keyType)
        .u32(56, valueType)
        .call('MAP_CREATE')
      syscalls.close(btf)
      return fd
    },
    loadProgram: ({ type, instructions, attachType = 0, flags = 0, attachBtfId }: ProbeProgram) =>
      // The field for the BTF id is left out where it is not used: kernels without it refuse longer attributes.
      (attachBtfId === undefined ? new Attributes(72) : new Attributes(112).u32(108, attachBtfId))
        .u32(0, programTypes.indexOf(type as (typeof programTypes)[number]))
        .u32(4, instructions.length / 8)
        .pointer(8, instructions)
        .text(16, 'GPL')
        .u32(44, flags)
        .name(48, 'x0t_probe')
        .u32(68, attachType)
        .call('PROG_LOAD'),
    runLive: (programFd, packet) =>
      new Attributes(80)
        .u32(0, programFd)
        .u32(8, packet.length)
        .pointer(16, packet)
        .u32(32, 1)
        .u32(64, BPF_F_TEST_XDP_LIVE_FRAMES)
        .call('PROG_TEST_RUN'),
    pin: (fd, path) => new Attributes(16).text(0, path).u32(8, fd).call('OBJ_PIN'),
    enableStatistics: () => new Attributes(4).u32(0, BPF_STATS_RUN_TIME).call('ENABLE_STATS'),
    inNewNamespace(run) {
      const back = syscalls.open(ownNamespace)
      if (back < 0) return { entered: back, result: back }
      // Closed last, after the way back.
      using stack = new DisposableStack()
      stack.defer(() => void syscalls.close(back))
      const entered = syscalls.unshare(CLONE_NEWNET)
      if (entered < 0) return { entered, result: entered }
      stack.defer(() => goBack(syscalls, back))
      return { entered, result: run() }
    },
    createLink: (programFd, ifindex, hook, flags) =>
      new Attributes(16).u32(0, programFd).u32(4, ifindex).u32(8, hook).u32(12, flags).call('LINK_CREATE'),
    close: (fd) => void syscalls.close(fd),
  }
}

/** A thread in another namespace than it believes must not go on. */
function goBack(syscalls: Syscalls, namespace: number): void {
  const result = syscalls.setns(namespace, CLONE_NEWNET)
  if (result < 0)
    throw new X0tError(
      'BPF_CALL_FAILED',
      `this thread cannot go back to its network namespace (errno ${-result})`,
    )
}
