import { Entry, type OrbitDatabase, type OrbitDB, type OrbitEntry, type OrbitIdentity } from '@orbitdb/core'
import { X0tError } from '@x0t/core'
import type { MemberId, RecordId, SignedRecord } from '@x0t/dao'
import type { CarrierFile } from './carrier-file.ts'
import { invalid, packRecords, readEntry, recordsOf } from './entry-check.ts'
import type { IdentityBook } from './orbit-identity.ts'
import type { OrbitLimits } from './limits.ts'
import type { RecordCheck, Verdict } from './ports.ts'

/** Gives an entry that is not here: from the neighbour that told of its descendant. @throws X0tError ORBIT_BLOCK_MISSING */
export type FetchEntry = (hash: string, heads: readonly string[]) => Promise<Uint8Array>

export interface MemberLogOptions {
  readonly orbitdb: OrbitDB
  readonly dao: RecordId
  /** Whose log it is: only entries under an identity that this member signed belong to it. */
  readonly writer: MemberId
  /** The identity that this node appends with; undefined in logs of others. */
  readonly own: OrbitIdentity | undefined
  readonly file: CarrierFile
  readonly book: IdentityBook
  readonly check: RecordCheck
  readonly limits: OrbitLimits
  /** Records that came with an entry, once; those whose signatures hold. */
  readonly onRecords: (records: readonly SignedRecord[]) => void
  readonly onDoubtful: (writer: MemberId, records: number) => void
}

/**
 * The log of one member: an OrbitDB database of its own, so that whatever a member does to its log is done to that
 * log alone. Several of one DAO's members may carry the same record; it is kept once.
 */
export interface MemberLog {
  readonly address: string
  readonly writer: MemberId
  heads(): Promise<readonly string[]>
  has(hash: string): Promise<boolean>
  append(records: readonly SignedRecord[]): Promise<string>
  /**
   * Takes an entry of a neighbour and what it follows; true if it was new. Identities must be in the book.
   * @throws X0tError ORBIT_ENTRY_INVALID, ORBIT_LOG_FULL, ORBIT_BLOCK_MISSING
   */
  join(entry: OrbitEntry, fetch: FetchEntry): Promise<boolean>
}

/** The name that the address of a member's log comes from, with the DAO and the member in it. */
export function logName(dao: RecordId, writer: MemberId): string {
  return `x0t-dao/${dao}/${writer}`
}

export async function openMemberLog(options: MemberLogOptions): Promise<MemberLog> {
  const { orbitdb, dao, writer, own, file, book, check, limits } = options
  const name = logName(dao, writer)
  const state: {
    fetch: FetchEntry
    heads: readonly string[]
    appended: readonly SignedRecord[]
    doubtful: number
  } = {
    doubtful: 0,
    fetch: nothing,
    heads: [],
    appended: [],
  }
  const access = { type: 'x0t', address: `/x0t/${writer}`, canAppend }
  const entries = file.storage(`${name}/entries`)
  const database: OrbitDatabase = await orbitdb.open(name, {
    type: 'events',
    sync: false,
    AccessController: async () => access,
    referencesCount: 0,
    headsStorage: file.storage(`${name}/heads`),
    indexStorage: file.storage(`${name}/index`),
    entryStorage: {
      ...entries,
      async put(hash, bytes) {
        // Those of others were kept when they were checked.
        const records = state.appended.map(({ id, record }) => ({ id, author: record.author, isGood: true }))
        file.keepEntry({ hash, log: database.address, bytes: bytes as Uint8Array, records })
      },
      async get(hash) {
        const kept = file.entry(hash)
        if (kept !== undefined) return kept
        const bytes = await state.fetch(hash, state.heads)
        await readEntry(hash, bytes, limits)
        return bytes
      },
    },
  })
  const { log } = database
  file.addLog(database.address, writer)

  /** OrbitDB asks this of every entry, of its own ones before they have a hash. */
  async function canAppend(entry: OrbitEntry): Promise<boolean> {
    if (entry.hash === undefined) return own !== undefined && entry.identity === own.hash
    if (file.entry(entry.hash) !== undefined) return true
    const identity = await book.get(entry.identity)
    if (identity === undefined) throw invalid(`${entry.hash} is of nobody known`)
    if (identity.id !== writer || identity.publicKey !== entry.key)
      throw invalid(`${entry.hash} is not of ${writer}`)
    if (!(await Entry.verify(book.identities, entry)))
      throw invalid(`the signature of entry ${entry.hash} does not hold`)
    const records = recordsOf(entry, dao, limits)
    const verdicts = await check.verify(records)
    const bad = records.find((_, index) => verdicts[index] === 'bad')
    if (bad !== undefined) throw invalid(`the signatures of record ${bad.id} do not hold`)
    const doubtful = verdicts.filter((verdict) => verdict === 'doubtful').length
    if (state.doubtful + doubtful > limits.doubtfulPerLog)
      throw invalid(`no known key made the signatures of ${state.doubtful + doubtful} records`)
    const { hash, bytes } = await Entry.encode(entry)
    if (file.bytesOfLog(database.address) + bytes.length > limits.logBytes)
      throw new X0tError('ORBIT_LOG_FULL', `the log of ${writer} has more than ${limits.logBytes} bytes`)
    const isGood = (index: number): boolean => verdicts[index] === ('good' satisfies Verdict)
    const isNew = records.map(({ id }, index) => isGood(index) && file.find(id) === undefined)
    state.doubtful += doubtful
    if (doubtful > 0) options.onDoubtful(writer, doubtful)
    file.keepEntry({
      hash,
      log: database.address,
      bytes,
      records: records.map(({ id, record }, index) => ({ id, author: record.author, isGood: isGood(index) })),
    })
    options.onRecords(records.filter((_, index) => isNew[index]))
    return true
  }

  // Appending and joining both read the heads and write them.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
  const heads = async (): Promise<string[]> => (await log.heads()).flatMap(({ hash }) => hash ?? [])
  return {
    address: database.address,
    writer,
    heads: () => inTurn(heads),
    has: (hash) => log.has(hash),
    append: (records) =>
      inTurn(async () => {
        state.appended = records
        try {
          return (await log.append(packRecords(records), { referencesCount: 0 })).hash
        } finally {
          state.appended = []
        }
      }),
    join: (entry, fetch) =>
      inTurn(async () => {
        state.fetch = fetch
        state.heads = await heads()
        try {
          return await log.joinEntry(entry)
        } finally {
          state.fetch = nothing
        }
      }),
  }
}

async function nothing(hash: string): Promise<never> {
  throw new X0tError('ORBIT_BLOCK_MISSING', `entry ${hash} is not here`)
}
