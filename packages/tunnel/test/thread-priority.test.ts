import t from 'tap'
import { createStallWatch } from '../src/stall-watch.ts'
import { raiseThreadPriority } from '../src/thread-priority.ts'

/** A kernel that allows nice values down to `least`, and tells slices if `tells`. */
function createScheduler(least: number, tells: boolean) {
  const view = new DataView(new ArrayBuffer(64))
  const state = { nice: 0, sliceNs: 0n }
  return {
    arena: { view, pointer: (at: number) => BigInt(at) },
    scheduling: {
      setAttributes(address: bigint): number {
        const at = Number(address)
        const nice = view.getInt32(at + 16, true)
        if (nice < least) return -1
        state.nice = nice
        state.sliceNs = view.getBigUint64(at + 24, true)
        return 0
      },
      getAttributes(address: bigint, length: number): number {
        const at = Number(address)
        if (length !== 48) return -22
        view.setInt32(at + 16, state.nice, true)
        view.setBigUint64(at + 24, tells ? state.sliceNs : 0n, true)
        return 0
      },
    },
  }
}

t.test('the receiving thread goes first where it may, and takes a short slice anyway', async (t) => {
  const free = createScheduler(-20, true)
  t.strictSame(raiseThreadPriority(free.scheduling, free.arena, 8), { nice: -20, sliceUs: 100 })
  const bound = createScheduler(0, true)
  t.strictSame(raiseThreadPriority(bound.scheduling, bound.arena, 8), { nice: 0, sliceUs: 100 })
  const old = createScheduler(-20, false)
  t.strictSame(raiseThreadPriority(old.scheduling, old.arena, 8), { nice: -20, sliceUs: undefined })
  const mute = { setAttributes: () => -38, getAttributes: () => -38 }
  t.equal(raiseThreadPriority(mute, old.arena, 8), undefined, 'a kernel that knows nothing of it')
})

t.test('a stall is being woken 20 ms late; the longest in a second is told', async (t) => {
  const stalls = createStallWatch()
  t.equal(stalls.woke(100, 119), undefined)
  t.equal(stalls.count, 0)
  t.equal(stalls.woke(200, 230), 30)
  t.equal(stalls.woke(300, 325), undefined, 'the second within a second waits')
  t.equal(stalls.woke(400, 480), undefined)
  t.equal(stalls.woke(1230, 1230), 80, 'and is told with the longest')
  t.equal(stalls.count, 3)
  t.equal(stalls.woke(9000, 9001), undefined)
})
