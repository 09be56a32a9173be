import { spawnSync } from 'node:child_process'
import t from 'tap'

/**
 * Real namespaces need root. The tests run in a mount and a network namespace of their own with an empty /run, so
 * that "nothing is left behind" can be asked of everything there is, whatever else runs on the machine.
 */
const probe = spawnSync('unshare', ['--mount', '--net', 'nft', 'list', 'ruleset'])
const missing = probe.status === 0 ? undefined : 'needs root, unshare and nft to make network namespaces'
if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  const enter = 'mount -t tmpfs tmpfs /run && mkdir /run/mount && ip link set lo up && exec "$@"'
  for (const name of ['testbed', 'faults', 'cables', 'node-faults']) {
    const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/${name}.ts`]
    t.spawn(
      'unshare',
      ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh', ...program],
      name,
    )
  }
}
