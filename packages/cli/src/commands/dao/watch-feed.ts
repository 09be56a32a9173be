import { createHash } from 'node:crypto'
import { messageOf } from '@x0t/core'
import type { DaoState, SignedRecord } from '@x0t/dao'
import {
  recordsArrived,
  type ArrivedRecord,
  type DaoWatchState,
  type WatchedProposal,
} from '../../views/dao-watch-state.ts'
import type { OpenDao } from './open-dao.ts'
import { named, summaryOf, tallyReportOf } from './proposal-report.ts'

/** What happens in a DAO, as it happens. */
export interface DaoWatchFeed extends AsyncDisposable {
  state(): DaoWatchState
  subscribe(watch: () => void): () => void
  /** Calls `listener` for each proposal now, and again when its state, count or ballots change. */
  onProposal(listener: (proposal: WatchedProposal) => void): void
  onRecord(listener: (record: ArrivedRecord) => void): void
}

/** States change with the clock too: a vote opens, ends, expires. */
const lookEveryMs = 1000

/** Follows the store of a home: records of this process, of others and of the daemon alike. */
export async function openWatchFeed(
  dao: OpenDao,
  { wallMs }: { readonly wallMs: () => number },
): Promise<DaoWatchFeed> {
  const { resultOf, tallyBytes } = await import('@x0t/dao')
  const watchers = new Set<() => void>()
  const onProposals = new Set<(proposal: WatchedProposal) => void>()
  const onRecords = new Set<(record: ArrivedRecord) => void>()
  const told = new Map<string, string>()

  const proposalsOf = (now: DaoState, nowMs: number): readonly WatchedProposal[] =>
    [...now.proposals.values()].map((view) => {
      const result = resultOf(now, view.id, nowMs)
      const sha256 = createHash('sha256').update(tallyBytes(result.tally)).digest('hex')
      return { ...summaryOf(now, view, result), report: tallyReportOf(now, view, result, sha256) }
    })
  const stateOf = (now: DaoState, before?: DaoWatchState): DaoWatchState => ({
    name: now.constitution.name,
    records: now.recordCount,
    proposals: proposalsOf(now, wallMs()),
    arrived: before?.arrived ?? [],
    nowMs: wallMs(),
    problem: undefined,
  })
  let state = stateOf(await dao.state())
  const tellProposals = (listeners: Iterable<(proposal: WatchedProposal) => void>): void => {
    for (const proposal of state.proposals) for (const listener of listeners) listener(proposal)
  }
  const changed = ({ id, state: stands, voices, report }: WatchedProposal): boolean => {
    const mark = [stands, voices, report.tallySha256, report.isFinal].join(' ')
    if (told.get(id) === mark) return false
    told.set(id, mark)
    return true
  }
  state.proposals.forEach(changed)

  let waiting: SignedRecord[] = []
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    try {
      const come = waiting
      waiting = []
      const now = await dao.state()
      const arrived = come.map((record) => arrivedOf(now, record))
      state = recordsArrived(stateOf(now, state), arrived)
      for (const record of arrived) for (const listener of onRecords) listener(record)
      for (const proposal of state.proposals)
        if (changed(proposal)) for (const listener of onProposals) listener(proposal)
    } catch (error) {
      state = { ...state, nowMs: wallMs(), problem: messageOf(error) }
    } finally {
      isLooking = false
    }
    for (const watch of watchers) watch()
  }
  const stop = dao.store.onRecord((record) => {
    waiting.push(record)
    setImmediate(() => void look())
  })
  const timer = setInterval(() => void look(), lookEveryMs)
  return {
    state: () => state,
    subscribe(watch) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
    onProposal(listener) {
      onProposals.add(listener)
      tellProposals([listener])
    },
    onRecord: (listener) => void onRecords.add(listener),
    async [Symbol.asyncDispose]() {
      stop()
      clearInterval(timer)
      watchers.clear()
    },
  }
}

function arrivedOf(state: DaoState, { id, record }: SignedRecord): ArrivedRecord {
  const { name } = named(state, record.author)
  return {
    atMs: record.atMs,
    id,
    kind: record.kind,
    author: name === '' ? record.author.slice(0, 10) : name,
    proposal: 'proposal' in record.body ? record.body.proposal : null,
  }
}
