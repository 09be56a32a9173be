import { createIdentity, type Identity } from '@x0t/keys'
import {
  createGenesis,
  createReplay,
  defaultRules,
  laneOf,
  memberKeysOf,
  signRecord,
  type Constitution,
  type DaoState,
  type MemberId,
  type RecordBodies,
  type RecordId,
  type RecordKind,
  type SignedRecord,
  type UnsignedRecord,
} from '@x0t/dao'

/** When the tests take place, ms since 1970. */
export const startMs = 1_750_000_000_000
export const hourMs = 3_600_000

/** A member of a test's DAO, with its keys. */
export interface TestMember {
  readonly id: MemberId
  readonly identity: Identity
}

const made = new Map<string, TestMember>()

/** The member with this number, always the same. */
export function testMember(number: number, epoch = 0): TestMember {
  const name = `${number} ${epoch}`
  let member = made.get(name)
  if (member === undefined) {
    const seed = new Uint8Array(32).fill(number & 255)
    seed[1] = number >> 8
    const identity = createIdentity(seed, epoch)
    made.set(name, (member = { id: identity.nodeId, identity }))
  }
  return member
}

export function entryOf({ id, identity }: TestMember, balance: string, name = `m-${id.slice(0, 6)}`) {
  return { id, name, keys: memberKeysOf(identity), balance }
}

/** A DAO of some members with these balances, and a pen for each of them that counts its lanes. */
export class TestDao {
  readonly members: readonly TestMember[]
  readonly records: SignedRecord[] = []
  readonly #heads = new Map<string, { readonly seq: number; readonly id: RecordId }>()
  readonly #identities = new Map<MemberId, Identity>()
  readonly dao: RecordId

  constructor(balances: readonly string[], changes: Partial<Constitution> = {}) {
    this.members = balances.map((_, index) => testMember(index + 1))
    for (const { id, identity } of this.members) this.#identities.set(id, identity)
    const [founder] = this.members
    const { kind, body } = createGenesis(
      {
        name: 'Test',
        symbol: 'T',
        tokenDecimals: 0,
        registrars: [founder!.id],
        registrarsNeeded: 1,
        witnesses: 'members',
        guardians: [],
        rules: defaultRules,
        votingMs: hourMs,
        graceMs: 60_000,
        timelockMs: hourMs,
        expiresMs: 24 * hourMs,
        maxOpenProposals: 8,
        ...changes,
      },
      this.members.map((member, index) => entryOf(member, balances[index]!)),
      { nonce: new Uint8Array(32).fill(9) },
    )
    this.dao = this.sign(founder!, kind, body).id
  }

  /** The next record of a member's lane, signed and kept. */
  sign<Kind extends RecordKind>(
    { id: author, identity }: TestMember,
    kind: Kind,
    body: RecordBodies[Kind],
    { atMs = startMs, at }: { atMs?: number; at?: { seq: number; prev: RecordId | null } } = {},
  ): SignedRecord {
    const lane = laneOf(kind, body)
    const head = this.#heads.get(`${author} ${lane}`)
    const place = at ?? { seq: (head?.seq ?? -1) + 1, prev: head?.id ?? null }
    const keys = this.#identities.get(author) ?? identity
    const dao = kind === 'genesis' ? null : this.dao
    const signed = signRecord(keys, { dao, author, lane, atMs, ...place }, kind, body)
    if (at === undefined) this.#heads.set(`${author} ${lane}`, { seq: place.seq, id: signed.id })
    this.records.push(signed)
    return signed
  }

  /** As {@link sign}, of what a builder made. */
  put<Kind extends RecordKind>(member: TestMember, { kind, body }: UnsignedRecord<Kind>): SignedRecord {
    return this.sign(member, kind, body)
  }

  /** Where the member's lane stands: for a second record with the same number. */
  placeOf({ id }: TestMember, lane: string): { seq: number; prev: RecordId | null } {
    const head = this.#heads.get(`${id} ${lane}`)
    const record = this.records.find((one) => one.id === head?.id)?.record
    return { seq: record?.seq ?? 0, prev: record?.prev ?? null }
  }

  /** From here on the member signs with these keys. */
  useKeys({ id }: TestMember, identity: Identity): void {
    this.#identities.set(id, identity)
  }

  state(): DaoState {
    const running = createReplay(this.records[0]!)
    for (const record of this.records) running.add(record)
    return running.state()
  }
}

/** All of a state that is plain data, to be compared. */
export function shownState(state: DaoState): unknown {
  return JSON.parse(
    JSON.stringify(state, (_, value: unknown) => {
      if (value instanceof Map) return [...value]
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').slice(0, 64)
      return typeof value === 'bigint' ? value.toString() : value
    }),
  )
}
