import t from 'tap'
import { createBusyWatch } from '../src/busy-watch.ts'
import { createStallWatch } from '../src/stall-watch.ts'
import { createPriorityControl } from '../src/thread-priority.ts'

/** A kernel that allows nice values down to `least`, SCHED_RR if `realtime`, and tells slices if `tells`. */
function createScheduler(least: number, realtime: boolean, tells: boolean, policyAtStart = 0) {
  const view = new DataView(new ArrayBuffer(64))
  const state = { policy: policyAtStart, nice: 0, priority: 0, sliceNs: 0n }
  const scheduling = {
    setAttributes(address: bigint): number {
      const at = Number(address)
      const policy = view.getUint32(at + 4, true)
      const nice = view.getInt32(at + 16, true)
      const priority = view.getUint32(at + 20, true)
      if (policy === 2 ? !realtime || priority !== 1 : nice < least || priority !== 0) return -1
      state.policy = policy
      state.priority = priority
      if (policy === 0) state.nice = nice
      state.sliceNs = view.getBigUint64(at + 24, true)
      return 0
    },
    getAttributes(address: bigint, length: number): number {
      const at = Number(address)
      if (length !== 48) return -22
      view.setUint32(at + 4, state.policy, true)
      view.setInt32(at + 16, state.nice, true)
      view.setBigUint64(at + 24, tells ? state.sliceNs : 0n, true)
      return 0
    },
  }
  const arena = { view, pointer: (at: number) => BigInt(at), allocate: () => 8 }
  return { state, control: createPriorityControl(scheduling, arena) }
}

t.test('the receiving thread goes first where it may, and takes a short slice anyway', async (t) => {
  const free = createScheduler(-20, true, true)
  t.strictSame(free.control.raise(), { policy: 'rr', nice: -20, sliceUs: undefined })
  free.control.lower()
  t.match(free.state, { policy: 0, nice: -20, sliceNs: 100_000n })
  const ordinary = createScheduler(-20, false, true)
  t.strictSame(ordinary.control.raise(), { policy: 'other', nice: -20, sliceUs: 100 })
  const bound = createScheduler(0, false, true)
  t.strictSame(bound.control.raise(), { policy: 'other', nice: 0, sliceUs: 100 })
  const old = createScheduler(-20, false, false)
  t.strictSame(old.control.raise(), { policy: 'other', nice: -20, sliceUs: undefined })
  const given = createScheduler(-20, true, true, 2)
  t.match(given.control.raise(), { policy: 'rr' })
  given.control.lower()
  t.match(given.state, { policy: 2, priority: 0 }, 'a class that was given from outside is left alone')
  const mute = { setAttributes: () => -38, getAttributes: () => -38 }
  const arena = { view: new DataView(new ArrayBuffer(64)), pointer: BigInt, allocate: () => 8 }
  t.equal(createPriorityControl(mute, arena).raise(), undefined, 'a kernel that knows nothing of it')
})

t.test('a thread is busy above half of 100 ms awake, and light again below a quarter', async (t) => {
  const busy = createBusyWatch(0)
  const pass = (startMs: number, asleepMs: number) => {
    t.equal(busy.slept(startMs, startMs + asleepMs / 2), undefined)
    return busy.slept(startMs + 100 - asleepMs / 2, startMs + 100)
  }
  t.equal(pass(0, 90), undefined)
  t.equal(pass(100, 40), 'busy')
  t.equal(pass(200, 40), undefined)
  t.equal(pass(300, 60), undefined, '40 % is neither')
  t.equal(pass(400, 80), 'light')
  t.equal(pass(500, 80), undefined)
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
