import { spawnSync } from 'node:child_process'
import t from 'tap'

/** Why this machine cannot run tests against its kernel; undefined if it can. */
function missing(): string | undefined {
  const probe = spawnSync('unshare', ['--mount', '--net', 'sh', '-c', 'mount -t bpf bpf /sys/fs/bpf'])
  return probe.status === 0 ? undefined : 'needs root, unshare and a kernel with BPF'
}

/**
 * Runs `test/universe/<name>.ts` in a mount and a network namespace of its own, with a BPF file system that nobody
 * else sees. Under CI a machine that cannot is a failure.
 */
export function testInUniverse(...names: readonly string[]): void {
  const reason = missing()
  if (reason !== undefined && process.env['CI'] === undefined) {
    t.pass(`skipped: ${reason}`, { skip: reason })
    return
  }
  // The machine's own, whose pins are none of ours, is not to show below.
  const enter =
    'while umount /sys/fs/bpf 2>/dev/null; do :; done; ' +
    'mount -t bpf bpf /sys/fs/bpf && ip link set lo up && exec "$@"'
  for (const name of names) {
    const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/../universe/${name}.ts`]
    const options = ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh']
    t.spawn('unshare', [...options, ...program], name)
  }
}
