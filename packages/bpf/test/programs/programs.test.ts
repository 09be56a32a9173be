import { spawnSync } from 'node:child_process'
import t from 'tap'

/**
 * The shipped programs on the running kernel. Each test runs in a mount and a network namespace of its own with an
 * empty /run, so that it can make namespaces and interfaces and leaves none; what it loads goes with its process.
 */
const enter = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
const probe = spawnSync('unshare', [
  '--mount',
  '--net',
  'sh',
  '-c',
  'mount -t bpf bpf /mnt && test -r /sys/kernel/btf/vmlinux',
])
const missing = probe.status === 0 ? undefined : 'needs root, unshare, bpffs and a kernel with BTF'

if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  for (const name of [
    'connections',
    'drops',
    'fault',
    'fault-cable',
    'flow',
    'gen',
    'guard',
    'guard-chain',
    'guard-fuzz',
    'guard-link',
    'manifest',
    'retransmits',
    'rtt',
    'runqueue',
  ]) {
    const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/${name}.ts`]
    t.spawn(
      'unshare',
      ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
      name,
    )
  }
}
