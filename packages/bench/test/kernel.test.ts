import { spawnSync } from 'node:child_process'
import t from 'tap'

/** Real namespaces and daemons need root; they run in mount and network namespaces of their own. */
const probe = spawnSync('unshare', ['--mount', '--net', 'iperf3', '--version'])
const missing = probe.status === 0 ? undefined : 'needs root, unshare and iperf3'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/bench.ts`]
  const enter = 'mount -t tmpfs tmpfs /run && mkdir /run/mount && ip link set lo up && exec "$@"'
  t.spawn(
    'unshare',
    ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
    'bench',
  )
}
