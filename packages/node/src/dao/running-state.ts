import { messageOf, type Clock, type Log } from '@x0t/core'
import type { DaoState, OwnRecordStore, RecordId, Replay, SignedRecord, Verifier } from '@x0t/dao'

/** What the records of the home say, followed as they come. */
export interface RunningState extends AsyncDisposable {
  readonly replay: Replay
  state(): DaoState
  /** Takes what the store holds now; settles when listeners have been told. */
  look(): Promise<void>
}

export interface RunningStateOptions {
  readonly store: OwnRecordStore
  readonly replay: Replay
  readonly verifier: Verifier
  /** Records that were taken, before `onState`; not only those that hold. */
  readonly onRecords: (records: readonly SignedRecord[]) => void
  /** There is another state. */
  readonly onState: (state: DaoState) => void
  readonly clock: Clock
  readonly log: Log
}

/** Records that come one by one are taken together, after this long. */
const gatherMs = 50

/** Follows a store, from all that it holds on. */
export async function followRecords(options: RunningStateOptions): Promise<RunningState> {
  const { store, replay, verifier, onRecords, onState, clock, log } = options
  const aborter = new AbortController()
  const taken = new Set<RecordId>()
  let come: SignedRecord[] = []
  let told: DaoState | undefined
  let cancel = (): void => {}
  let last: Promise<void> = Promise.resolve()

  const take = async (): Promise<void> => {
    const fresh = come.filter(({ id }) => !taken.has(id))
    come = []
    if (fresh.length === 0 || aborter.signal.aborted) return
    for (const { id } of fresh) taken.add(id)
    await replay.addAll(fresh, { verifier, signal: aborter.signal })
    onRecords(fresh)
    const state = replay.state()
    if (state === told) return
    told = state
    onState(state)
  }
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work).catch((error: unknown) => {
      if (!aborter.signal.aborted) log.error('dao-records-not-taken', { reason: messageOf(error) })
    })
    return last
  }
  const readAll = async (): Promise<void> => {
    for await (const signed of store.all()) {
      if (aborter.signal.aborted) return
      if (!taken.has(signed.id)) come.push(signed)
      if (come.length >= pageRecords) await take()
    }
    await take()
  }
  const stop = store.onRecord((signed) => {
    come.push(signed)
    cancel()
    cancel = clock.setTimer(gatherMs, () => void inTurn(take))
  })
  await inTurn(readAll)
  return {
    replay,
    state: () => replay.state(),
    look: () => inTurn(readAll),
    async [Symbol.asyncDispose]() {
      stop()
      cancel()
      aborter.abort()
      await last
    },
  }
}

const pageRecords = 4096
