import type { Feature, FeatureName } from './feature.ts'
import type { Capability } from './privilege.ts'
import type { ProbeCalls, ProbeKernel, ProbeMap, ProbeProgram } from './probe-kernel.ts'
import { initializingTimer, returning } from './probe-program.ts'
import { attachType, errno, errnoName, mapFlag, programFlag } from './uapi.ts'

/** What a probe finds. */
export type Outcome = Omit<Feature, 'name' | 'usedBy'>

/** Puts the result of a system call into words. */
export type Judge = (result: number) => Outcome

/** One thing to try. */
export interface Probe {
  readonly usedBy: string
  readonly needs: readonly Capability[]
  /** Release of Linux that brought it. */
  readonly since: string
  run(kernel: ProbeKernel, judge: Judge, calls: () => ProbeCalls): Promise<Outcome> | Outcome
}

function works(detail = 'works'): Outcome {
  return { status: 'works', detail, hint: undefined }
}

const loopback = 1
const xdpDrop = 1
const xdpPass = 2
/** TCX_NEXT: leaves the packet to the next program. */
const tcxNext = -1
const xdpSkbMode = 2

function mapProbe(map: ProbeMap, since: string, usedBy: string): Probe {
  return {
    usedBy,
    needs: ['CAP_BPF'],
    since,
    run: (_kernel, judge, calls) => judge(closing(calls(), calls().createMap(map))),
  }
}

function programProbe(
  program: Omit<ProbeProgram, 'instructions'>,
  { since, usedBy, needs }: Omit<Probe, 'run'>,
): Probe {
  return {
    usedBy,
    needs,
    since,
    run: (_kernel, judge, calls) =>
      judge(closing(calls(), calls().loadProgram({ ...program, instructions: returning(1) }))),
  }
}

/** Attaches a program to the loopback of a network namespace that nothing else is in. */
function linkProbe(
  program: ProbeProgram,
  { attachType: hook, flags }: { readonly attachType: number; readonly flags: number },
  { since, usedBy }: Pick<Probe, 'since' | 'usedBy'>,
): Probe {
  return {
    usedBy,
    needs: ['CAP_BPF', 'CAP_NET_ADMIN'],
    since,
    run(_kernel, judge, calls) {
      const kernel = calls()
      const fd = kernel.loadProgram(program)
      if (fd < 0) return judge(fd)
      try {
        const { entered, result } = kernel.inNewNamespace(() =>
          closing(kernel, kernel.createLink(fd, loopback, hook, flags)),
        )
        if (entered >= 0) return judge(result)
        return {
          status: 'untried',
          detail: `no network namespace to try it in (${errnoName(-entered)})`,
          hint: 'run this as root; what is there is not attached to only to try',
        }
      } finally {
        kernel.close(fd)
      }
    },
  }
}

/** Closes what a call opened, and passes its result on. */
function closing(calls: ProbeCalls, fd: number): number {
  if (fd >= 0) calls.close(fd)
  return fd
}

const counter = { keyBytes: 4, valueBytes: 8, maxEntries: 1 }
const noPreallocation = 1

/** How each feature is tried. */
export const probes: Readonly<Record<FeatureName, Probe>> = {
  'bpf-syscall': mapProbe({ type: 'array', ...counter }, '3.18, with CONFIG_BPF_SYSCALL', 'everything'),
  'kernel-btf': {
    usedBy: 'CO-RE programs, drops, retransmits, connections, runqueue',
    needs: [],
    since: '5.4',
    async run(kernel) {
      const start = await kernel.readStart('/sys/kernel/btf/vmlinux', 2)
      if (start?.[0] === 0x9f && start[1] === 0xeb) return works('/sys/kernel/btf/vmlinux is there')
      const hasSysfs = (await kernel.fileSystemType('/sys/kernel')) !== undefined
      return start === undefined && !hasSysfs
        ? { status: 'unmounted', detail: '/sys is not mounted', hint: 'mount -t sysfs sysfs /sys' }
        : {
            status: 'missing',
            detail: 'the kernel was built without CONFIG_DEBUG_INFO_BTF',
            hint: 'use a kernel of the distribution (Debian 12 and Raspberry Pi OS 12 have BTF)',
          }
    },
  },
  bpffs: {
    usedBy: 'programs that outlive the command that loaded them',
    needs: ['CAP_BPF'],
    since: '4.4',
    async run(kernel, judge, calls) {
      const bpffsMagic = 0xcafe4a11
      const type = await kernel.fileSystemType('/sys/fs/bpf')
      if (type !== bpffsMagic) {
        const detail = type === undefined ? '/sys/fs/bpf is not there' : 'no BPF file system at /sys/fs/bpf'
        return { status: 'unmounted', detail, hint: 'mount -t bpf bpf /sys/fs/bpf' }
      }
      const opened = calls()
      const fd = opened.createMap({ type: 'array', ...counter })
      if (fd < 0) return judge(fd)
      const path = `/sys/fs/bpf/x0t-probe-${process.pid}`
      const result = opened.pin(fd, path)
      opened.close(fd)
      if (result >= 0) await kernel.unlink(path)
      return judge(result)
    },
  },
  cgroup2: {
    usedBy: 'rtt',
    needs: [],
    since: '4.5',
    async run(kernel) {
      const mount = cgroup2Mount((await kernel.readText('/proc/self/mountinfo')) ?? '')
      return mount === undefined
        ? {
            status: 'unmounted',
            detail: 'no cgroup2 is mounted',
            hint: 'mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
          }
        : works(`mounted at ${mount}`)
    },
  },
  xdp: programProbe(
    { type: 'xdp', attachType: attachType.XDP },
    { since: '4.8', usedBy: 'fast path, guard, fault, gen', needs: ['CAP_BPF', 'CAP_NET_ADMIN'] },
  ),
  tc: programProbe(
    { type: 'sched_cls' },
    { since: '4.1', usedBy: 'flow, fast path', needs: ['CAP_BPF', 'CAP_NET_ADMIN'] },
  ),
  sock_ops: programProbe(
    { type: 'sock_ops', attachType: attachType.CGROUP_SOCK_OPS },
    { since: '4.13', usedBy: 'rtt', needs: ['CAP_BPF', 'CAP_NET_ADMIN'] },
  ),
  cgroup_skb: programProbe(
    { type: 'cgroup_skb', attachType: attachType.CGROUP_INET_EGRESS },
    { since: '4.10', usedBy: 'programs of your own', needs: ['CAP_BPF', 'CAP_NET_ADMIN'] },
  ),
  tp_btf: {
    usedBy: 'drops, retransmits, connections, runqueue',
    needs: ['CAP_BPF', 'CAP_PERFMON'],
    since: '5.5',
    async run(kernel, judge, calls) {
      const id = await kernel.tracepointType('kfree_skb')
      if (id === undefined) {
        const hint = 'see kernel-btf'
        return { status: 'missing', detail: 'the BTF of the kernel has no tracepoint kfree_skb', hint }
      }
      const program: ProbeProgram = {
        type: 'tracing',
        attachType: attachType.TRACE_RAW_TP,
        attachBtfId: id,
        instructions: returning(0),
      }
      return judge(closing(calls(), calls().loadProgram(program)))
    },
  },
  syscall: programProbe(
    { type: 'syscall', flags: programFlag.SLEEPABLE },
    { since: '5.14', usedBy: 'programs of your own', needs: ['CAP_BPF'] },
  ),
  'map-hash': mapProbe({ type: 'hash', ...counter }, '3.19', 'fast path, drops'),
  'map-array': mapProbe({ type: 'array', ...counter }, '3.19', 'everything'),
  'map-percpu_array': mapProbe({ type: 'percpu_array', ...counter }, '4.6', 'fast path, guard'),
  'map-percpu_hash': mapProbe({ type: 'percpu_hash', ...counter }, '4.6', 'drops'),
  'map-lru_hash': mapProbe({ type: 'lru_hash', ...counter }, '4.10', 'rtt, guard'),
  'map-lru_percpu_hash': mapProbe({ type: 'lru_percpu_hash', ...counter }, '4.10', 'flow'),
  'map-lpm_trie': mapProbe(
    { type: 'lpm_trie', keyBytes: 8, valueBytes: 8, maxEntries: 1, flags: noPreallocation },
    '4.11',
    'guard',
  ),
  'map-prog_array': mapProbe({ type: 'prog_array', ...counter, valueBytes: 4 }, '4.2', 'chain'),
  'map-devmap_hash': mapProbe({ type: 'devmap_hash', ...counter }, '5.4', 'programs of your own'),
  'mmap-array': mapProbe(
    { type: 'array', ...counter, flags: mapFlag.MMAPABLE },
    '5.5',
    'fast path, fault: globals and counters without system calls',
  ),
  'ring-buffer': mapProbe(
    { type: 'ringbuf', keyBytes: 0, valueBytes: 0, maxEntries: 65_536 },
    '5.8',
    'events of the fast path and of connections',
  ),
  bpf_timer: {
    usedBy: 'programs of your own',
    needs: ['CAP_BPF', 'CAP_NET_ADMIN'],
    since: '5.15',
    run(_kernel, judge, calls) {
      const kernel = calls()
      const map = kernel.createTimerMap()
      if (map < 0) return judge(map)
      try {
        return judge(
          closing(kernel, kernel.loadProgram({ type: 'sched_cls', instructions: initializingTimer(map) })),
        )
      } finally {
        kernel.close(map)
      }
    },
  },
  'tcx-link': linkProbe(
    { type: 'sched_cls', instructions: returning(tcxNext) },
    { attachType: attachType.TCX_INGRESS, flags: 0 },
    { since: '6.6', usedBy: 'flow, fast path' },
  ),
  'xdp-link': linkProbe(
    { type: 'xdp', attachType: attachType.XDP, instructions: returning(xdpPass) },
    { attachType: attachType.XDP, flags: xdpSkbMode },
    { since: '5.9', usedBy: 'fast path, guard, fault' },
  ),
  'live-frames': {
    usedBy: 'gen, the metronome of the fast path',
    needs: ['CAP_BPF', 'CAP_NET_ADMIN'],
    since: '5.18',
    run(_kernel, judge, calls) {
      const kernel = calls()
      const program = { type: 'xdp', attachType: attachType.XDP, instructions: returning(xdpDrop) }
      const fd = kernel.loadProgram(program)
      if (fd < 0) return judge(fd)
      try {
        return judge(kernel.runLive(fd, new Uint8Array(64)))
      } finally {
        kernel.close(fd)
      }
    },
  },
  statistics: {
    usedBy: 'x0t bpf stats',
    needs: ['CAP_SYS_ADMIN'],
    since: '5.8',
    run: (_kernel, judge, calls) => judge(closing(calls(), calls().enableStatistics())),
  },
  'tbf-qdisc': {
    usedBy: 'the metronome of the fast path',
    needs: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'],
    since: '2.6, with CONFIG_NET_SCH_TBF',
    async run(kernel, judge) {
      const { exitCode, stderr } = await kernel.tryTbf()
      if (exitCode === 0) return works()
      if (exitCode === undefined)
        return {
          status: 'untried',
          detail: 'tc or unshare is not installed',
          hint: 'apt install iproute2 util-linux',
        }
      if (/not permitted/i.test(stderr)) return judge(-errno.EPERM)
      if (/unknown|not found|no such file/i.test(stderr))
        return {
          status: 'missing',
          detail: 'the kernel has no TBF qdisc (CONFIG_NET_SCH_TBF)',
          hint: 'modprobe sch_tbf; the fast path then probes from user space',
        }
      return { status: 'failed', detail: stderr.trim() || `tc ended with ${exitCode}`, hint: undefined }
    },
  },
}

/** Where a cgroup2 is mounted, by the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function cgroup2Mount(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [place, source] = line.split(' - ')
    if (source?.startsWith('cgroup2 ') !== true) continue
    const path = place!.split(' ')[4]
    if (path === undefined) continue
    return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCodePoint(Number.parseInt(octal, 8)),
    )
  }
  return undefined
}
