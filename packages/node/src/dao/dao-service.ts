import { statSync } from 'node:fs'
import { hasCode, messageOf, X0tError, type Clock, type Log, type LogFields, type NodeId } from '@x0t/core'
import type { Identity } from '@x0t/keys'
import type { OrbitNetwork } from '@x0t/orbit'
import type { Metrics } from '../metrics.ts'
import { every } from '../repeat.ts'
import type { ExecutionTargets } from './execution/ports.ts'
import type { RunningDao } from './running-dao.ts'

export interface DaoServiceOptions {
  readonly self: NodeId
  readonly identity: Pick<Identity, 'ed25519' | 'mldsa65'>
  /** The store of record of the home, `dao.sqlite`; the home has a DAO once it holds a genesis. */
  readonly storeFile: string
  readonly carrierFile: string
  readonly network: OrbitNetwork
  /** What decisions change on this node. */
  readonly targets: ExecutionTargets
  readonly emit: (event: string, fields?: LogFields) => void
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
  /** For tests, which cannot wait. */
  readonly times?: {
    readonly lookMs?: number
    readonly feedDelayMs?: number
    readonly witnessTimeoutMs?: number
  }
}

/** Where a home without a DAO is looked at again for one. */
const lookMs = 2000

/** The DAO of a node: nothing of it is loaded before the home has one, which may come while the node runs. */
export interface DaoService extends AsyncDisposable {
  /** Undefined while the home has no DAO. */
  running(): RunningDao | undefined
  /** Why a DAO that is there does not run. */
  problem(): X0tError | undefined
  /** Looks at the files now, as after another process wrote to them. */
  look(): Promise<void>
  neighbourUp(nodeId: NodeId): void
}

export function startDaoService(options: DaoServiceOptions): DaoService {
  const { storeFile, emit, metrics, clock, log, times = {} } = options
  let running: RunningDao | undefined
  let problem: X0tError | undefined
  let lookedAt = ''
  let isOver = false
  let last: Promise<void> = Promise.resolve()
  let resources = new AsyncDisposableStack()

  const open = async (): Promise<void> => {
    await using stack = new AsyncDisposableStack()
    const { openRecordStore } = await import('@x0t/dao')
    const { openRunningDao } = await import('./running-dao.ts')
    const store = stack.use(await openRecordStore(storeFile, { log }))
    const opened = stack.use(
      await openRunningDao({
        ...options,
        store,
        counters: metrics,
        ...(times.feedDelayMs === undefined ? {} : { feedDelayMs: times.feedDelayMs }),
        ...(times.witnessTimeoutMs === undefined ? {} : { witnessTimeoutMs: times.witnessTimeoutMs }),
      }),
    )
    resources = stack.move()
    running = opened
    const { name } = opened.state().constitution
    log.info('dao-open', { dao: opened.dao, name, member: opened.member() ?? 'none' })
    emit('dao.open', { dao: opened.dao, name, member: opened.member() ?? 'none' })
  }
  const lookOnce = async (isAsked: boolean): Promise<void> => {
    if (isOver) return
    if (running !== undefined) return isAsked ? running.look() : undefined
    const mark = markOf(storeFile)
    // Nothing, or what could not be opened before and has not changed since.
    if (mark === undefined || (mark === lookedAt && !isAsked)) return
    lookedAt = mark
    try {
      await open()
      problem = undefined
    } catch (error) {
      if (hasCode(error, 'DAO_GENESIS_MISSING')) return
      const known =
        error instanceof X0tError ? error : new X0tError('DAO_FAILED', messageOf(error), { cause: error })
      if (known.code !== problem?.code) {
        log.error('dao-not-open', { code: known.code, reason: known.message })
        emit('dao.failed', { code: known.code, reason: known.message })
      }
      problem = known
    }
  }
  const look = (isAsked: boolean): Promise<void> => (last = last.then(() => lookOnce(isAsked)))
  const stop = every(clock, times.lookMs ?? lookMs, () => void look(false))
  void look(false)

  metrics.addGauge({
    name: 'x0t_dao_proposals',
    help: 'Proposals of the DAO by state',
    labels: ['state'],
    read: () =>
      running &&
      Object.entries(running.proposalCounts()).map(([state, value]) => ({ labels: { state }, value })),
  })
  const gauge = (name: string, help: string, read: (dao: RunningDao) => number | undefined): void =>
    metrics.addGauge({ name: `x0t_dao_${name}`, help, read: () => running && read(running) })
  gauge('members', 'Members of the DAO', (dao) => dao.state().members.size)
  gauge('records', 'Records of the DAO that hold', (dao) => dao.state().recordCount)
  gauge(
    'replication_peers',
    'Neighbours with which records of the DAO are exchanged',
    (dao) => dao.carrier()?.status().neighbours.length,
  )
  gauge('carried_records', 'Records in the logs that are carried', (dao) => dao.carrier()?.status().records)
  gauge(
    'waiting_records',
    'Records that wait for their author to be known',
    (dao) => dao.carrier()?.status().waiting,
  )
  gauge('carried_bytes', 'Bytes of the logs that are carried', (dao) => dao.carrier()?.status().bytes)

  return {
    running: () => running,
    problem: () => problem,
    look: () => look(true),
    neighbourUp: (nodeId) => running?.neighbourUp(nodeId),
    async [Symbol.asyncDispose]() {
      stop()
      isOver = true
      await last
      running = undefined
      await resources.disposeAsync()
    },
  }
}

/** What changes when somebody writes to a SQLite file in WAL mode; undefined where there is none. */
function markOf(path: string): string | undefined {
  const marks = [path, `${path}-wal`].map((each) => {
    const stats = statSync(each, { throwIfNoEntry: false })
    return stats && `${stats.mtimeMs} ${stats.size}`
  })
  return marks[0] === undefined ? undefined : marks.join(' ')
}
