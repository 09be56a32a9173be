import { messageOf, X0tError, type Clock, type Log, type LogFields, type NodeId } from '@x0t/core'
import type { DaoState, MemberId, OwnRecordStore, RecordId, SignedRecord } from '@x0t/dao'
import type { Identity } from '@x0t/keys'
import type { OrbitEvent, OrbitNetwork, OrbitStore } from '@x0t/orbit'
import type { Metrics } from '../metrics.ts'
import { every } from '../repeat.ts'
import { createBallotClock } from './effective-end.ts'
import { createExecutor } from './execution/executor.ts'
import type { DaoPort, ExecutionTargets, Executor } from './execution/ports.ts'
import { createKeyBook } from './key-book.ts'
import { watchProposals } from './proposal-watch.ts'
import { startRecordFeed, type RecordFeed } from './record-feed.ts'
import { followRecords } from './running-state.ts'
import { startWitnessDriver, type WitnessDriver } from './witness-driver.ts'

export interface RunningDaoOptions {
  readonly self: NodeId
  readonly identity: Pick<Identity, 'ed25519' | 'mldsa65'>
  readonly store: OwnRecordStore
  /** File of the logs that carry the records. */
  readonly carrierFile: string
  readonly network: OrbitNetwork
  /** What decisions change on this node. */
  readonly targets: ExecutionTargets
  readonly emit: (event: string, fields?: LogFields) => void
  readonly counters: Pick<Metrics, 'count'>
  readonly clock: Clock
  readonly log: Log
  readonly feedDelayMs?: number
  readonly witnessTimeoutMs?: number
}

/** The DAO of a home while the node runs: followed, carried, witnessed, carried out. */
export interface RunningDao extends AsyncDisposable {
  readonly dao: RecordId
  readonly executor: Executor
  state(): DaoState
  /** The member that this node signs as; undefined for a node of no member. */
  member(): MemberId | undefined
  carrier(): OrbitStore | undefined
  proposalCounts(): Readonly<Record<string, number>>
  /** Another process wrote: takes what the store holds now. */
  look(): Promise<void>
  neighbourUp(nodeId: NodeId): void
}

const lookMs = 2000
const feedDelayMs = 5000
const witnessTimeoutMs = 2000

/**
 * Follows the DAO whose genesis lies in the store.
 * @throws X0tError DAO_GENESIS_MISSING, DAO_GENESIS_AMBIGUOUS, DAO_GENESIS_INVALID
 */
export async function openRunningDao(options: RunningDaoOptions): Promise<RunningDao> {
  const { identity, store, network, emit, counters, clock, log } = options
  const [library, { openOrbitStore }, { hybridSign }] = await Promise.all([
    import('@x0t/dao'),
    import('@x0t/orbit'),
    import('@x0t/keys'),
  ])
  await using stack = new AsyncDisposableStack()
  const genesis = library.findGenesis(await genesesIn(store))
  const dao = genesis.id
  const replay = library.createReplay(genesis)
  // One thread, and only where much comes at once: a node has other things to do.
  const verifier = stack.use(library.createVerifier({ threads: 1 }))
  const keys = createKeyBook(dao, verifier)
  keys.learn(genesis.record)
  const ballotClock = createBallotClock(library)
  const proposals = watchProposals({ resultOf: library.resultOf, emit, log })
  const ownKeys = library.memberKeysOf(identity)
  let areKeysNew = false
  let isOpen = false

  const sign = async (lane: `node:${string}`, body: Parameters<DaoPort['report']>[0]): Promise<void> => {
    const author = member ?? options.self
    await store.append(author, lane, (seq, prev) =>
      library.signRecord(identity, { dao, author, lane, seq, prev, atMs: clock.wallMs() }, 'execution', body),
    )
  }
  const running = stack.use(
    await followRecords({
      store,
      replay,
      verifier,
      onRecords(records) {
        for (const { id, record } of records) {
          if (record.kind === 'vote' && isOpen) ballotClock.seen(id, clock.wallMs())
          if (replay.has(id)) areKeysNew = keys.learn(record) || areKeysNew
        }
      },
      onState: () => isOpen && stateChanged(),
      clock,
      log,
    }),
  )
  const executor = stack.use(
    createExecutor({
      self: options.self,
      targets: options.targets,
      events: { emit },
      clock,
      log,
      dao: {
        state: () => running.state(),
        resultOf: (proposal, nowMs) => library.resultOf(running.state(), proposal, nowMs),
        records: () => store.all(),
        report: (body) => sign(`node:${body.proposal}`, body),
        member: () => member,
      },
    }),
  )

  // What depends on who this node is in the DAO: opened anew when that changes.
  let member: MemberId | undefined
  let parts:
    | {
        readonly carrier: OrbitStore
        readonly feed: RecordFeed
        readonly witness?: WitnessDriver
        readonly end: () => Promise<void>
      }
    | undefined
  const openParts = async (): Promise<void> => {
    await parts?.end()
    parts = undefined
    await using own = new AsyncDisposableStack()
    const author = memberOf(library, running.state(), ownKeys)
    member = author
    const carrier = own.use(
      await openOrbitStore({
        dao,
        path: options.carrierFile,
        network,
        check: keys,
        ...(author === undefined
          ? {}
          : {
              writer: {
                member: author,
                sign: (bytes: Uint8Array, context: string) => hybridSign(identity, bytes, context),
              },
            }),
        onEvent: (event) => emit(`dao.${event.kind}`, fieldsOf(event)),
        clock,
        log,
        counters,
      }),
    )
    const feed = own.use(
      startRecordFeed({
        store,
        carrier,
        dao,
        isWriter: author !== undefined,
        delayMs: options.feedDelayMs ?? feedDelayMs,
        clock,
        log,
        counters,
      }),
    )
    const witness =
      author === undefined
        ? undefined
        : own.use(
            startWitnessDriver({
              self: author,
              store,
              createWitness: library.createWitness,
              state: () => running.state(),
              holds: (id) => replay.has(id),
              endMs: (view) => ballotClock.endMs(view),
              sign: (body, seq, prev) =>
                library.signRecord(
                  identity,
                  { dao, author, lane: `witness:${body.proposal}`, seq, prev, atMs: clock.wallMs() },
                  'seal',
                  body,
                ),
              onSigned(proposal, body) {
                counters.count('dao_seals_total', { step: body.step })
                log.info('dao-seal', { proposal, step: body.step, round: 'round' in body ? body.round : 0 })
              },
              timeoutMs: options.witnessTimeoutMs ?? witnessTimeoutMs,
              clock,
              log,
            }),
          )
    const resources = own.move()
    parts = {
      carrier,
      feed,
      ...(witness === undefined ? {} : { witness }),
      end: () => resources.disposeAsync(),
    }
  }
  let last: Promise<void> = Promise.resolve()
  let isOver = false
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    last = last
      .then(() => (isOver ? undefined : work()))
      .catch((error: unknown) => {
        const code = error instanceof X0tError ? error.code : 'unexpected'
        log.error('dao-failed', { code, reason: messageOf(error) })
        emit('dao.failed', { code, reason: messageOf(error) })
      })
    return last
  }
  const stateChanged = (): void => {
    proposals.look(running.state(), clock.wallMs())
    executor.recordsChanged()
    parts?.witness?.stateChanged()
    const areMembersNew = areKeysNew
    areKeysNew = false
    if (memberOf(library, running.state(), ownKeys) !== member) void inTurn(openParts)
    else if (areMembersNew)
      void inTurn(async () => {
        await parts?.carrier.membersChanged()
        await parts?.feed.compare()
      })
  }
  stack.defer(async () => {
    isOver = true
    await last
    await parts?.end()
  })
  await inTurn(openParts)
  isOpen = true
  proposals.look(running.state(), clock.wallMs())
  executor.recordsChanged()
  // States change with the clock too.
  stack.defer(every(clock, lookMs, () => proposals.look(running.state(), clock.wallMs())))

  const resources = stack.move()
  return {
    dao,
    executor,
    state: () => running.state(),
    member: () => member,
    carrier: () => parts?.carrier,
    proposalCounts: () => proposals.counts(),
    look: () => running.look(),
    neighbourUp: (nodeId) => parts?.carrier.neighbourUp(nodeId),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function genesesIn(store: OwnRecordStore): Promise<SignedRecord[]> {
  const found: SignedRecord[] = []
  for await (const signed of store.all()) if (signed.record.kind === 'genesis') found.push(signed)
  return found
}

function memberOf(
  { memberWithKeys }: typeof import('@x0t/dao'),
  state: DaoState,
  keys: ReturnType<typeof import('@x0t/dao').memberKeysOf>,
): MemberId | undefined {
  try {
    return memberWithKeys(state, keys)
  } catch (error) {
    if (error instanceof X0tError) return undefined
    throw error
  }
}

function fieldsOf(event: OrbitEvent): LogFields {
  const fields: Record<string, unknown> = { ...event }
  delete fields['kind']
  return fields
}
