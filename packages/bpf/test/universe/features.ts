import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { probeFeatures } from '@x0t/bpf'

const seen = () => ({
  descriptors: readdirSync('/proc/self/fd').length,
  namespace: readlinkSync('/proc/thread-self/ns/net'),
  pins: readdirSync('/sys/fs/bpf'),
})

t.test('as root the kernel lets everything be tried, and nothing of it stays', async (t) => {
  // The first run opens what Node.js and the loader keep.
  await probeFeatures()
  const before = seen()
  const features = await probeFeatures()
  t.same(seen(), before)
  const status = Object.fromEntries(features.map(({ name, status }) => [name, status]))
  // In every kernel that x0t supports, whatever else it was built with.
  for (const name of [
    'bpf-syscall',
    'bpffs',
    'xdp',
    'tc',
    'map-hash',
    'map-array',
    'ring-buffer',
    'statistics',
  ])
    t.equal(status[name], 'works', name)
  for (const { name, status, detail, hint } of features) {
    t.not(status, 'refused', `${name}: ${detail}`)
    if (status !== 'works') t.ok(hint ?? detail, `${name}: ${detail}`)
  }
})
