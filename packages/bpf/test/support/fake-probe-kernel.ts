import { X0tError } from '@x0t/core'
import type { ProbeCalls, ProbeKernel } from '@x0t/bpf'

export const errors = { EPERM: -1, ENOENT: -2, EINVAL: -22, ENOSYS: -38, EMFILE: -24 } as const

/** All of CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN. */
export const allCapabilities = '000001ffffffffff'

/** What differs from a machine on which everything works. */
export interface FakeMachine {
  readonly files?: Readonly<Record<string, string | undefined>>
  readonly fileSystems?: Readonly<Record<string, number | undefined>>
  readonly hasBtf?: boolean
  /** Results of calls: `createMap lpm_trie`, `loadProgram xdp`, `createLink 46`, `runLive`, `unshare`, `pin` and so on. */
  readonly results?: Readonly<Record<string, number>>
  /** Result of every call of bpf(2). */
  readonly everyCall?: number
  readonly tbf?: { readonly exitCode: number | undefined; readonly stderr: string }
  readonly hasFfi?: boolean
}

/** A simulated kernel, and what is left open or pinned in it. */
export function fakeProbeKernel(machine: FakeMachine = {}): ProbeKernel & {
  readonly open: ReadonlySet<number>
  readonly pins: ReadonlySet<string>
} {
  const open = new Set<number>()
  const pins = new Set<string>()
  let lastFd = 10
  const files: Readonly<Record<string, string | undefined>> = {
    '/proc/self/status': `Name:\tnode\nCapEff:\t${allCapabilities}\nSeccomp:\t0\n`,
    '/proc/self/uid_map': '         0          0 4294967295\n',
    '/proc/self/mountinfo': '30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n',
    ...machine.files,
  }
  const fileSystems: Readonly<Record<string, number | undefined>> = {
    '/sys/fs/bpf': 0xcafe4a11,
    '/sys/kernel': 0x62656572,
    ...machine.fileSystems,
  }
  const answer = (name: string): number => machine.everyCall ?? machine.results?.[name] ?? 0
  const opening = (name: string): number => {
    const result = answer(name)
    if (result < 0) return result
    open.add(++lastFd)
    return lastFd
  }
  const calls: ProbeCalls = {
    createMap: ({ type }) => opening(`createMap ${type}`),
    createTimerMap: () => opening('createTimerMap'),
    loadProgram: ({ type }) => opening(`loadProgram ${type}`),
    createLink: (_fd, _ifindex, hook) => opening(`createLink ${hook}`),
    enableStatistics: () => opening('enableStatistics'),
    runLive: () => answer('runLive'),
    pin(_fd, path) {
      const result = answer('pin')
      if (result >= 0) pins.add(path)
      return result
    },
    inNewNamespace(run) {
      const entered = machine.results?.['unshare'] ?? 0
      return { entered, result: entered < 0 ? entered : run() }
    },
    close: (fd) => void open.delete(fd),
  }
  return {
    open,
    pins,
    readText: async (path) => files[path],
    readStart: async () => (machine.hasBtf === false ? undefined : Uint8Array.of(0x9f, 0xeb)),
    fileSystemType: async (path) => fileSystems[path],
    unlink: async (path) => void pins.delete(path),
    tracepointType: async () => (machine.hasBtf === false ? undefined : 4711),
    tryTbf: async () => machine.tbf ?? { exitCode: 0, stderr: '' },
    openCalls() {
      if (machine.hasFfi === false)
        throw new X0tError('BPF_UNSUPPORTED', 'this Node.js has no node:ffi', { hint: 'use Node.js 26.7' })
      return calls
    },
  }
}
