import { spawnSync } from 'node:child_process'
import t from 'tap'

/** Real namespaces and daemons need root; they run in mount and network namespaces of their own. */
const probe = spawnSync('unshare', ['--mount', '--net', 'ping', '-V'])
const missing = probe.status === 0 ? undefined : 'needs root, unshare and ping'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/peer-systems.ts`]
  const enter = 'mount -t tmpfs tmpfs /run && mkdir /run/mount && ip link set lo up && exec "$@"'
  t.spawn(
    'unshare',
    ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
    'peers',
  )
}
