import { hasCode, messageOf, type Clock, type Counters, type Log } from '@x0t/core'
import type { OwnRecordStore, RecordId, RecordStore, SignedRecord } from '@x0t/dao'

export interface RecordFeedOptions {
  /** The store of record of the home. */
  readonly store: OwnRecordStore
  /** What carries records to the neighbours and brings theirs. */
  readonly carrier: RecordStore
  readonly dao: RecordId
  /** False: this node carries what others write, and hands nothing on itself. */
  readonly isWriter: boolean
  /** Own records wait this long at the start: most are in logs that neighbours have, should ours be lost. */
  readonly delayMs: number
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
}

/** Records on the way into the store; beyond it they are read from the carrier again when these are in. */
const maxPending = 4096

/** Keeps the store of the home and the carrier the same: what one has and the other lacks goes over. */
export interface RecordFeed extends AsyncDisposable {
  /** Compares both anew: members have changed, or the carrier was behind. */
  compare(): Promise<void>
}

export function startRecordFeed(options: RecordFeedOptions): RecordFeed {
  const { store, carrier, dao, isWriter, clock, log, counters } = options
  let isOver = false
  let pending = 0
  let isBehind = false
  let isFeeding = false
  let last: Promise<void> = Promise.resolve()

  const keep = async (signed: SignedRecord): Promise<void> => {
    try {
      await store.put(signed)
    } catch (error) {
      if (isOver) return
      const isLimit = hasCode(error, 'DAO_TOO_MANY_RECORDS') || hasCode(error, 'DAO_RECORD_TOO_LARGE')
      counters.count('dao_records_refused_total', { reason: isLimit ? 'limit' : 'not-kept' })
      log.warn('dao-record-not-kept', { record: signed.id, reason: messageOf(error) })
    }
  }
  const hand = async (signed: SignedRecord): Promise<void> => {
    // The genesis comes by hand: that is what pins the DAO.
    if (!isWriter || isOver || signed.id === dao || (await carrier.has(signed.id))) return
    try {
      if (await carrier.put(signed)) counters.count('dao_records_total', { from: 'home' })
    } catch (error) {
      // Its author may become known: then all is compared again.
      if (!isOver && !hasCode(error, 'ORBIT_RECORD_UNVERIFIED'))
        log.warn('dao-record-not-carried', { record: signed.id, reason: messageOf(error) })
    }
  }
  const compareOnce = async (): Promise<void> => {
    isBehind = false
    let batch: Promise<void>[] = []
    const settle = async (): Promise<void> => {
      await Promise.all(batch)
      batch = []
    }
    for await (const signed of carrier.all()) {
      if (isOver) return
      if (!(await store.has(signed.id))) batch.push(keep(signed))
      if (batch.length >= maxPending) await settle()
    }
    await settle()
    if (!isFeeding) return
    for await (const signed of store.all()) {
      if (isOver) return
      batch.push(hand(signed))
      if (batch.length >= maxPending) await settle()
    }
    await settle()
  }
  const compare = (): Promise<void> => {
    last = last.then(compareOnce).catch((error: unknown) => {
      if (!isOver) log.error('dao-feed-failed', { reason: messageOf(error) })
    })
    return last
  }
  const stopCarrier = carrier.onRecord((signed) => {
    if (pending >= maxPending) {
      isBehind = true
      return
    }
    pending++
    void keep(signed).finally(() => {
      pending--
      if (pending === 0 && isBehind) void compare()
    })
  })
  const stopStore = store.onRecord((signed) => {
    if (isFeeding) void hand(signed)
  })
  void compare()
  const cancelDelay = clock.setTimer(options.delayMs, () => {
    isFeeding = true
    void compare()
  })
  return {
    compare,
    async [Symbol.asyncDispose]() {
      isOver = true
      cancelDelay()
      stopCarrier()
      stopStore()
      await last
    },
  }
}
