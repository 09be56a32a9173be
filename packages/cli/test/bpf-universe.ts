import { spawnSync } from 'node:child_process'
import t from 'tap'

/**
 * Runs `test/universe/<name>.ts` in a mount and a network namespace of its own, with a BPF file system that nobody else
 * sees. Under CI a machine that cannot is a failure.
 */
export function testInBpfUniverse(...names: readonly string[]): void {
  const probe = 'mount -t bpf bpf /sys/fs/bpf && command -v bpftool'
  const { status } = spawnSync('unshare', ['--mount', '--net', 'sh', '-c', probe])
  if (status !== 0 && process.env['CI'] === undefined) {
    t.pass('skipped', { skip: 'needs root, unshare, bpftool and a kernel with BPF' })
    return
  }
  // The machine's own, whose pins are none of ours, is not to show below.
  const enter =
    'while umount /sys/fs/bpf 2>/dev/null; do :; done; ' +
    'mount -t bpf bpf /sys/fs/bpf && ip link set lo up && exec "$@"'
  const options = ['--mount', '--net', '--propagation', 'private', 'sh', '-c', enter, 'sh']
  for (const name of names) {
    const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/${name}.ts`]
    t.spawn('unshare', [...options, ...program], name)
  }
}
