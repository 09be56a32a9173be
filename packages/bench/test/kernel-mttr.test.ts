import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'

/** Real nodes, namespaces and faults need root; they run in mount and network namespaces of their own. */
const probe = spawnSync('unshare', ['--mount', '--net', 'nft', '--version'])
const missing =
  probe.status !== 0
    ? 'needs root, unshare and nft'
    : existsSync('/dev/net/tun')
      ? undefined
      : 'needs /dev/net/tun'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  t.setTimeout(420_000)
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/mttr.ts`]
  const enter = 'mount -t tmpfs tmpfs /run && mkdir /run/mount && ip link set lo up && exec "$@"'
  t.spawn(
    'unshare',
    ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
    { timeout: 410_000 },
    'mttr',
  )
}
