import t from 'tap'
import { overhead } from '../src/bpf-overhead/bpf-overhead.ts'
import { parseBusySeconds } from '../src/bpf-overhead/machine-cpu.ts'
import { observers, unifiedCgroup } from '../src/bpf-overhead/observers.ts'

t.test('busy time is all but idle, waiting and stolen time', async (t) => {
  // user 100, nice 20, system 300, idle 4000, iowait 50, irq 6, softirq 70, steal 8, guest 9, guest_nice 10
  const stat = 'cpu  100 20 300 4000 50 6 70 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n'
  t.equal(parseBusySeconds(stat), 4.96)
  t.throws(() => parseBusySeconds('intr 5\n'), TypeError)
})

t.test('overhead is told in percent of what there was without', async (t) => {
  const without = { mbitPerSecond: 1000, cpuSecondsPerGb: 2 }
  t.strictSame(overhead(without, { mbitPerSecond: 990, cpuSecondsPerGb: 2.1 }), {
    throughput: (1 - 0.99) * 100,
    cpu: (2.1 / 2 - 1) * 100,
  })
  t.ok(overhead(without, { mbitPerSecond: 1010, cpuSecondsPerGb: 2 }).throughput < 0, 'better than without')
})

t.test('the unified control group is found wherever it is mounted', async (t) => {
  const mounts =
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n' +
    'none /sys/fs/cgroup/unified cgroup2 rw 0 0\n'
  t.equal(unifiedCgroup(mounts, '5:cpu:/\n0::/\n'), '/sys/fs/cgroup/unified')
  t.equal(unifiedCgroup(mounts, '0::/user.slice/a\n'), '/sys/fs/cgroup/unified/user.slice/a')
  t.equal(unifiedCgroup(mounts, '5:cpu:/\n'), undefined)
  t.equal(unifiedCgroup('tmpfs / tmpfs rw 0 0\n', '0::/\n'), undefined)
})

t.test('an observer of an interface is attached in both directions', async (t) => {
  const place = { interface: 'to-b', cgroup: '/c' }
  const targets = observers.flatMap((one) => one.attachments(place).map(({ target }) => target))
  t.strictSame(
    targets.filter(({ kind }) => kind === 'tcx'),
    [
      { kind: 'tcx', interface: 'to-b', direction: 'ingress' },
      { kind: 'tcx', interface: 'to-b', direction: 'egress' },
    ],
  )
  t.strictSame(
    targets.filter(({ kind }) => kind === 'cgroup'),
    [{ kind: 'cgroup', path: '/c' }],
  )
})
