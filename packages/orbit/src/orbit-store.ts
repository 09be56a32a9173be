// Over 300 lines, and one piece: the store and the logs behind it, which come and go together.
import { createOrbitDB, Entry, type OrbitEntry } from '@orbitdb/core'
import {
  hasCode,
  messageOf,
  silentCounters,
  silentLog,
  systemClock,
  X0tError,
  type Clock,
  type Counters,
  type Log,
  type NodeId,
} from '@x0t/core'
import type { MemberId, RecordId, RecordStore, SignedRecord } from '@x0t/dao'
import { openCarrierFile } from './carrier-file.ts'
import { invalid, readEntry, recordsOf } from './entry-check.ts'
import { entryClient } from './entry-client.ts'
import { serveEntries } from './entry-server.ts'
import { Exchange } from './exchange.ts'
import { defaultLimits, type OrbitLimits } from './limits.ts'
import { openMemberLog, type MemberLog } from './member-log.ts'
import { NeighbourBook } from './neighbour-book.ts'
import { openIdentityBook } from './orbit-identity.ts'
import type { OrbitEvent, OrbitNetwork, OrbitStatus, RecordCheck, Writer } from './ports.ts'
import { Puller } from './puller.ts'
import { RecordQueue } from './record-queue.ts'
import { entriesProtocol } from './wire.ts'

export interface OrbitStoreOptions {
  /** The DAO: id of its genesis record. Neighbours with another are refused by name. */
  readonly dao: RecordId
  /** The file that carries it, or `:memory:`. */
  readonly path: string
  readonly network: OrbitNetwork
  readonly check: RecordCheck
  /** Who writes here; without, the node carries what others write. */
  readonly writer?: Writer
  readonly limits?: Partial<OrbitLimits>
  readonly onEvent?: (event: OrbitEvent) => void
  readonly clock?: Clock
  readonly log?: Log
  readonly counters?: Counters
}

/** Records in OrbitDB's logs, one log a member, the same on all neighbours after a while. */
export interface OrbitStore extends RecordStore {
  /** A neighbour has come: heads are compared with it. */
  neighbourUp(nodeId: NodeId): void
  /** Members have changed: looks again at what waited for its author, and at logs of new members. */
  membersChanged(): Promise<void>
  /** Compares with all neighbours now. */
  sync(): void
  status(): OrbitStatus
}

const pageRows = 256

/**
 * Opens the store and begins to exchange with neighbours.
 * @throws X0tError ORBIT_FILE_DAMAGED, ORBIT_OTHER_DAO
 */
export async function openOrbitStore(options: OrbitStoreOptions): Promise<OrbitStore> {
  const {
    dao,
    network,
    check,
    writer,
    clock = systemClock,
    log = silentLog,
    counters = silentCounters,
  } = options
  const { onEvent = () => {} } = options
  const limits: OrbitLimits = { ...defaultLimits, ...options.limits }
  await using stack = new AsyncDisposableStack()
  const aborter = new AbortController()
  const { signal } = aborter
  const file = stack.use(openCarrierFile(options.path, dao))
  const book = await openIdentityBook(file)
  const own = await book.own(writer ?? nobody(dao))
  // All that OrbitDB uses of IPFS: manifests, which are made anew at each start. Entries go through our own storages.
  const ipfs = { libp2p: { peerId: own.id, services: {} }, blockstore: noBlocks, pins: noPins }
  const orbitdb = await createOrbitDB({ ipfs, identities: book.identities, identity: own, directory: '' })
  stack.defer(() => orbitdb.stop())

  const listeners = new Set<(record: SignedRecord) => void>()
  const emit = (records: readonly SignedRecord[]): void => {
    counters.count('dao_records_total', { from: 'mesh' }, records.length)
    for (const record of records) for (const listener of listeners) listener(record)
  }

  const logs = new Map<MemberId, Promise<MemberLog>>()
  const mutedWriters = new Map<MemberId, number>()
  const logOf = (member: MemberId): Promise<MemberLog> => {
    const known = logs.get(member)
    if (known !== undefined) return known
    if (logs.size >= limits.logs)
      throw new X0tError('ORBIT_LOG_FULL', `no more than ${limits.logs} logs are carried`)
    const opened = openMemberLog({
      orbitdb,
      dao,
      writer: member,
      own: writer?.member === member ? own : undefined,
      file,
      book,
      check,
      limits,
      onRecords: emit,
      onDoubtful(from, records) {
        counters.count('dao_records_refused_total', { reason: 'signature' }, records)
        log.warn('dao-signature-unproven', { writer: from, records })
      },
    })
    logs.set(member, opened)
    return opened
  }
  for (const { writer: member } of file.logs()) await logOf(member as MemberId)
  if (writer !== undefined) await logOf(writer.member)
  const allHeads = async (): Promise<string[]> => {
    const opened = await Promise.all(logs.values())
    return (await Promise.all(opened.map((each) => each.heads()))).flat()
  }
  const has = async (hash: string): Promise<boolean> => {
    const address = file.logOf(hash)
    if (address === undefined) return false
    const opened = await Promise.all(logs.values())
    return (await opened.find((each) => each.address === address)?.has(hash)) === true
  }

  // What neighbours have.
  const neighbours = new NeighbourBook(limits, clock)
  /** Of members that are not known here: looked at again when members have changed. */
  const strange = new Map<string, NodeId>()

  const muteWriter = (member: MemberId, reason: string, detail: string): void => {
    mutedWriters.set(member, clock.monotonicMs() + limits.muteMs)
    log.warn('dao-writer-muted', { writer: member, reason, detail, forMs: limits.muteMs })
    onEvent({ kind: 'writer-muted', writer: member, reason })
  }
  /** The member that signed an entry; undefined for one that is not known here. */
  const writerOf = async (
    entry: OrbitEntry,
    given: (hash: string) => Uint8Array | undefined,
  ): Promise<MemberId | undefined> => {
    const known = await book.get(entry.identity)
    if (known !== undefined) return known.id as MemberId
    const bytes = given(entry.identity)
    const identity = bytes && (await book.read(entry.identity, bytes))
    if (identity === undefined) throw invalid(`the identity of entry ${entry.hash} was not given`)
    const member = identity.id as MemberId
    const keys = check.keysOf(member)
    if (keys.length === 0) return undefined
    if (!(await book.speaksFor(identity, keys))) throw invalid(`${member} has not signed its identity`)
    await book.keep(identity)
    return member
  }
  const puller = new Puller({
    limits,
    has,
    signal,
    async pull(from, head) {
      if (neighbours.isMuted(from)) return
      const client = entryClient({ network, neighbour: from, dao, limits, signal })
      const entry = await readEntry(head, await client.entry(head, []), limits)
      // What is malformed in itself no honest neighbour hands on.
      recordsOf(entry, dao, limits)
      const member = await writerOf(entry, client.identity)
      if (member === undefined) {
        if (strange.size < limits.heads) strange.set(head, from)
        return
      }
      if ((mutedWriters.get(member) ?? 0) > clock.monotonicMs()) return
      try {
        const memberLog = await logOf(member)
        const fetch = async (hash: string, have: readonly string[]): Promise<Uint8Array> => {
          const bytes = await client.entry(hash, have)
          await writerOf(await readEntry(hash, bytes, limits), client.identity)
          return bytes
        }
        if (await memberLog.join(entry, fetch)) exchange.news([head], from)
      } catch (error) {
        const isFull = hasCode(error, 'ORBIT_LOG_FULL')
        if (!isFull && !hasCode(error, 'ORBIT_ENTRY_INVALID')) throw error
        counters.count('dao_records_refused_total', { reason: isFull ? 'log-full' : 'entry-invalid' })
        muteWriter(member, isFull ? 'log-full' : 'entry-invalid', messageOf(error))
      }
    },
    onFailure(from, error) {
      if (hasCode(error, 'ORBIT_ENTRY_INVALID'))
        return exchange.strike(from, 'entry-invalid', messageOf(error))
      if (hasCode(error, 'ORBIT_MESSAGE_INVALID'))
        return exchange.strike(from, 'message-invalid', messageOf(error))
      log.debug('dao-pull-failed', { peer: from, reason: messageOf(error) })
    },
  })
  const exchange = new Exchange({
    network,
    dao,
    neighbours,
    limits,
    heads: allHeads,
    onHeads: (from, heads) => puller.want(from, heads),
    onEvent,
    clock,
    log,
    counters,
    signal,
  })
  const serving = await network.answer(
    entriesProtocol,
    (nodeId, stream) => {
      const refuse = (error: unknown): void => {
        stream.abort(new Error('refused', { cause: error }))
        if (hasCode(error, 'ORBIT_MESSAGE_INVALID'))
          exchange.strike(nodeId, 'message-invalid', messageOf(error))
      }
      if (neighbours.isMuted(nodeId) || !neighbours.admit(nodeId)) return refuse(undefined)
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.exchangeMs)])
      serveEntries(stream, { dao, file, book, limits, signal: deadline }).catch(refuse)
    },
    { perNeighbour: 8 },
  )
  stack.use(serving)

  // What this node writes.
  const queue = new RecordQueue(limits, async (records) => {
    if (writer === undefined) throw new X0tError('ORBIT_NO_WRITER', 'this node writes no log of the DAO')
    const head = await (await logOf(writer.member)).append(records)
    exchange.news([head])
    for (const record of records) for (const listener of listeners) listener(record)
  })
  stack.defer(async () => {
    await Promise.all([puller.idle(), queue.idle(), ...logs.values()])
  })
  stack.defer(() => aborter.abort())
  stack.defer(() => exchange.stop())
  await exchange.start()

  const load = async ({
    entry: hash,
    position,
  }: {
    readonly entry: string
    readonly position: number
  }): Promise<SignedRecord> => {
    const bytes = file.entry(hash)
    const entry = bytes && (await Entry.decode(bytes))
    const record = entry && recordsOf(entry, dao, limits)[position]
    if (record === undefined) throw new X0tError('ORBIT_FILE_DAMAGED', `entry ${hash} is lost`)
    return record
  }
  const resources = stack.move()
  return {
    async put(record) {
      if (file.find(record.id) !== undefined) return false
      refuseLarge(record, limits)
      refuseMany(record, file.countOf(record.record.author) + queue.countOf(record.record.author), limits)
      const [verdict] = await check.verify([record])
      if (verdict !== 'good')
        throw new X0tError(
          'ORBIT_RECORD_UNVERIFIED',
          verdict === 'unknown'
            ? `the author of ${record.id} is not known`
            : `the signatures of ${record.id} do not hold`,
        )
      return queue.put(record)
    },
    has: async (id) => file.find(id) !== undefined,
    async get(id) {
      const place = file.find(id)
      return place === undefined ? undefined : load(place)
    },
    async *all() {
      const seen = new Set<RecordId>()
      let row = 0
      for (;;) {
        const page = file.page(true, row, pageRows)
        if (page.length === 0) return
        for (const place of page) {
          row = place.row
          if (seen.has(place.id)) continue
          seen.add(place.id)
          yield await load(place)
        }
      }
    },
    onRecord(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    neighbourUp: (nodeId) => exchange.neighbourUp(nodeId),
    async membersChanged() {
      let row = 0
      for (;;) {
        const page = file.page(false, row, pageRows)
        if (page.length === 0) break
        const records = await Promise.all(page.map(load))
        const verdicts = await check.verify(records)
        for (const [index, place] of page.entries()) {
          row = place.row
          const isKnown = file.find(place.id) !== undefined
          if (verdicts[index] === 'bad') file.forget(place.row)
          if (verdicts[index] !== 'good') continue
          file.markGood(place.row)
          if (!isKnown) emit([records[index]!])
        }
      }
      const again = [...strange]
      strange.clear()
      for (const [head, from] of again) puller.want(from, [head])
    },
    sync: () => exchange.compare(),
    status: () => ({
      neighbours: neighbours.withSpeech('same').map(({ neighbour }) => neighbour),
      strangers: neighbours
        .withSpeech('other')
        .flatMap(({ neighbour, dao: theirs }) => (theirs === undefined ? [] : [{ neighbour, dao: theirs }])),
      logs: logs.size,
      ...file.totals(),
    }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** @throws X0tError DAO_RECORD_TOO_LARGE */
function refuseLarge({ id, bytes }: SignedRecord, { recordBytes }: OrbitLimits): void {
  if (bytes.length <= recordBytes) return
  throw new X0tError(
    'DAO_RECORD_TOO_LARGE',
    `record ${id} has ${bytes.length} bytes; at most ${recordBytes} are carried`,
  )
}

/** @throws X0tError DAO_TOO_MANY_RECORDS */
function refuseMany({ record }: SignedRecord, carried: number, { recordsPerAuthor }: OrbitLimits): void {
  if (carried < recordsPerAuthor) return
  throw new X0tError(
    'DAO_TOO_MANY_RECORDS',
    `member ${record.author} has ${carried} records; at most ${recordsPerAuthor} of one member are carried`,
  )
}

/** OrbitDB wants an identity, also where nothing is written: one that no member has signed. */
function nobody(dao: RecordId): Writer {
  return { member: `reader-of-${dao}` as MemberId, sign: () => Uint8Array.of(0) }
}

const noBlocks = { put: async () => {}, async *get(): AsyncGenerator<Uint8Array> {} }
const noPins = { isPinned: async () => true, async *add(): AsyncGenerator<never> {} }
