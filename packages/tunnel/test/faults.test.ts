import { spawnSync } from 'node:child_process'
import t from 'tap'

// Real faults need namespaces, and these root. They run in a mount and a network namespace of their own.
const probe = spawnSync('unshare', ['--mount', '--net', 'nft', 'list', 'ruleset'])
const missing = probe.status === 0 ? undefined : 'needs root, unshare and nft to make network namespaces'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  const enter = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/faults.ts`]
  t.spawn(
    'unshare',
    ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
    { timeout: 120_000 },
    'faults',
  )
}
