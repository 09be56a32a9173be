import t from 'tap'
import { kernelWatchesAll, requireKernelPath } from '../src/mttr/kernel-watch.ts'

t.test('a node that forwards in userspace is no measurement of the kernel', async (t) => {
  const problem = { path: 'userspace', code: 'FAST_PATH_NO_BTF', reason: 'no types' } as const
  t.throws(() => requireKernelPath('a', { status: { fastPath: problem } }), {
    code: 'BENCH_LIVENESS_UNAVAILABLE',
    message: /a forwards in userspace: no types/,
  })
  t.throws(() => requireKernelPath('a', { status: {} }), { code: 'BENCH_LIVENESS_UNAVAILABLE' })
  t.doesNotThrow(() => requireKernelPath('a', { status: { fastPath: { path: 'kernel' } } }))
})

t.test('the kernel watches when it has heard every neighbour and is believed', async (t) => {
  const up = { kernel: { state: 'up', isWatched: true } }
  t.ok(kernelWatchesAll({ peers: [up, up] }))
  t.notOk(kernelWatchesAll({ peers: [up, { kernel: { state: 'unknown', isWatched: true } }] }))
  t.notOk(kernelWatchesAll({ peers: [up, { kernel: { state: 'up', isWatched: false } }] }))
  t.notOk(kernelWatchesAll({ peers: [up, { kernel: null }] }))
  t.notOk(kernelWatchesAll({ peers: [{}] }))
})
