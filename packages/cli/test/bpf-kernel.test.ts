import { spawnSync } from 'node:child_process'
import t from 'tap'

const probe = spawnSync('unshare', [
  '--mount',
  '--net',
  'sh',
  '-c',
  'mount -t bpf bpf /sys/fs/bpf && command -v bpftool',
])
const missing = probe.status === 0 ? undefined : 'needs root, unshare, bpftool and a kernel with BPF'

if (missing !== undefined && process.env['CI'] === undefined) t.pass(`skipped: ${missing}`, { skip: missing })
else {
  // A mount and a network namespace of their own, with a BPF file system that nobody else sees.
  const enter = 'mount -t bpf bpf /sys/fs/bpf && ip link set lo up && exec "$@"'
  const options = ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh']
  for (const name of ['bpf-life-cycle', 'bpf-killed', 'bpf-sharing', 'bpf-looking'])
    t.spawn(
      'unshare',
      [...options, process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/${name}.ts`],
      name,
    )
}
