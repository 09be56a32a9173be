import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import t from 'tap'

/** Programs in the kernel, real nodes and faults need root; they run in mount and network namespaces of their own. */
const probe = spawnSync('unshare', ['--mount', '--net', 'bpftool', 'prog', 'list'])
const missing =
  probe.status !== 0
    ? 'needs root, unshare and a kernel that takes programs'
    : existsSync('/dev/net/tun') && availableParallelism() > 1
      ? undefined
      : 'needs /dev/net/tun and two processors'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  t.setTimeout(520_000)
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/kernel-paths.ts`]
  const enter =
    'mount -t tmpfs tmpfs /run && mkdir /run/mount && mount -t bpf bpf /sys/fs/bpf && ip link set lo up && exec "$@"'
  t.spawn(
    'unshare',
    ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
    { timeout: 510_000 },
    'kernel-paths',
  )
}
