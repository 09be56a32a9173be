import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { run, until } from '../support/network.ts'
import { openTcpPair } from '../support/tcp-pair.ts'

t.test('round trips of connections in the cgroup are counted by peer', async (t) => {
  // The hierarchy of the system may be anywhere, or be missing: this namespace mounts it for itself.
  const root = mkdtempSync('/run/cgroup-')
  run('mount', '-t', 'cgroup2', 'cgroup2', root)
  const before = cgroupOfThisProcess()
  const group = `${root}/x0t-rtt-test-${process.pid}`
  mkdirSync(group)
  try {
    writeFileSync(`${group}/cgroup.procs`, `${process.pid}`)
    using rtt = await loadProgram('rtt')
    rtt.attach('x0t_rtt', { kind: 'cgroup', path: group })
    await using pair = await openTcpPair()
    pair.server.pipe(pair.server)
    for (let i = 0; i < 20; i++) {
      pair.client.write('ping')
      await once(pair.client, 'data')
    }
    await until(async () => (await rtt.metric('x0t_peer_tcp_rtt_seconds')).length > 0)
    const [sample] = await rtt.metric('x0t_peer_tcp_rtt_seconds')
    t.same(sample?.labels, { peer: '127.0.0.1' })
    if (sample === undefined || !('histogram' in sample)) throw new Error('no histogram')
    const { count, sum, buckets } = sample.histogram
    t.ok(count >= 20, `${count} samples`)
    t.ok(sum > 0 && sum / count < 1, `mean of ${sum / count} s`)
    t.equal(buckets.at(-1)?.count, count, 'none took 67 s')

    await using six = await openTcpPair('::1')
    six.client.write('ping')
    await once(six.server, 'data')
    const peers = async () =>
      (await rtt.metric('x0t_peer_tcp_rtt_seconds')).map(({ labels }) => labels['peer'])
    await until(async () => (await peers()).includes('::1'))
    t.same(new Set(await peers()), new Set(['127.0.0.1', '::1']))
  } finally {
    writeFileSync(`${root}${before}/cgroup.procs`, `${process.pid}`)
    rmdirSync(group)
    run('umount', root)
  }
})

/** Path of the group in the unified hierarchy. */
function cgroupOfThisProcess(): string {
  const line = run('cat', '/proc/self/cgroup')
    .split('\n')
    .find((entry) => entry.startsWith('0::'))
  if (line === undefined) throw new Error('this kernel has no cgroup2')
  return line.slice('0::'.length)
}
