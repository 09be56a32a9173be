import { createHash } from 'node:crypto'
import { nodeIdOfKeys } from '@x0t/keys'
import { resolveDelegations } from './delegation.ts'
import type { LaneNode } from './member-lane.ts'
import type {
  Constitution,
  Elector,
  MemberEntry,
  MemberId,
  MemberKeys,
  RecordBodies,
  RecordOf,
} from './record.ts'

/** A change of one member's entry that registrars have signed. */
export interface RegistryChange {
  readonly member: MemberId
  /** From 1; it builds on the one before. */
  readonly change: number
  readonly kind: 'member.add' | 'member.remove' | 'member.balance'
  /** The entry after it; null: no member. */
  readonly entry: MemberEntry | null
  readonly registrars: readonly MemberId[]
  /** Why, as the first of them wrote it. */
  readonly reason: string
  /** When the last of them signed, by its own clock, ms since 1970. */
  readonly atMs: number
}

/** The members, as some records of the registry tell. */
export interface Registry {
  readonly members: ReadonlyMap<MemberId, Elector>
  /** How many changes each member that ever was one has seen. */
  readonly changes: ReadonlyMap<MemberId, number>
  /** Changes that took effect, by member and number. */
  readonly applied: readonly RegistryChange[]
  /** Changes that too few registrars have signed so far. */
  readonly pending: readonly RegistryChange[]
  /** Different changes with the same number, each signed by enough registrars; the first of them took effect. */
  readonly conflicts: readonly (readonly RegistryChange[])[]
  /** Left out: their keys, or one of the two, are those of another member. */
  readonly sharingKeys: readonly MemberId[]
  /** Delegations that run in a circle are void. */
  readonly delegationCycles: readonly MemberId[]
}

/**
 * The registry as a function of records, whatever their order: the founding members, what registrars changed, and what
 * each member says of itself in its lane (keys, delegate).
 *
 * Changes of one member are numbered. A change takes effect once `registrarsNeeded` registrars have signed the same one
 * and the one before it has taken effect. Should different ones reach that with the same number, the most careful
 * counts: removal, then the lower balance, then the name. A registrar's right comes from the constitution: it cannot be
 * removed, only its balance changed.
 *
 * Keys belong to one member. Where two claim the same, founding members come first, then the lower id; the other is
 * left out, as a member and as an elector.
 * @param paths records of each author's lane `member` to be taken in, in their order
 */
export function registryOf(
  { constitution, members }: RecordOf<'genesis'>['body'],
  paths: ReadonlyMap<MemberId, readonly LaneNode[]>,
): Registry {
  const founders = new Map(members.map((member) => [member.id, member]))
  const entries = new Map<MemberId, MemberEntry>(founders)
  const changes = new Map<MemberId, number>(members.map(({ id }) => [id, 0]))
  const effective: RegistryChange[] = []
  const pending: RegistryChange[] = []
  const conflicts: RegistryChange[][] = []
  const proposed = changesIn(constitution, paths)
  for (const [member, numbered] of proposed) {
    let entry = entries.get(member) ?? null
    let number = changes.get(member) ?? 0
    for (;;) {
      const fitting = (numbered.get(number + 1) ?? [])
        .map((change) => applied(change, entry))
        .filter((change) => change !== null)
      const enough = fitting.filter(({ registrars }) => registrars.length >= constitution.registrarsNeeded)
      const [first] = enough.toSorted(mostCareful)
      if (first === undefined) {
        pending.push(...fitting)
        break
      }
      if (enough.length > 1) conflicts.push(enough.toSorted(mostCareful))
      effective.push(first)
      entry = first.entry
      number += 1
    }
    changes.set(member, number)
    if (entry === null) entries.delete(member)
    else entries.set(member, entry)
  }
  const current = [...entries.values()].map((entry) => ({
    ...entry,
    ...ownWords(entry, paths.get(entry.id)),
  }))
  const sharingKeys = membersSharingKeys(current, founders, paths)
  for (const id of sharingKeys) entries.delete(id)
  const { delegates, cycles } = resolveDelegations(current.filter(({ id }) => entries.has(id)))
  return {
    members: new Map(
      current
        .filter(({ id }) => entries.has(id))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map((member) => [member.id, electorOf(member, delegates.get(member.id) ?? null)]),
    ),
    changes,
    applied: effective.toSorted((a, b) =>
      a.member === b.member ? a.change - b.change : a.member < b.member ? -1 : 1,
    ),
    pending: pending.toSorted((a, b) =>
      a.member < b.member ? -1 : a.member > b.member ? 1 : mostCareful(a, b),
    ),
    conflicts,
    sharingKeys,
    delegationCycles: cycles,
  }
}

const knownElectors = new WeakMap<MemberKeys, Map<string, Elector>>()

/** The same object for the same member in every registry: what was made of it once need not be made again. */
function electorOf({ id, name, keys, balance }: MemberEntry, delegate: MemberId | null): Elector {
  const known = knownElectors.get(keys) ?? new Map<string, Elector>()
  knownElectors.set(keys, known)
  return getOrSet(known, `${id} ${balance} ${delegate} ${name}`, () => ({
    id,
    name,
    keys,
    balance,
    delegate,
  }))
}

/** What a member says of itself: its latest keys and delegate. */
function ownWords(
  { keys }: MemberEntry,
  path: readonly LaneNode[] = [],
): { readonly keys: MemberKeys; readonly delegate: MemberId | null } {
  let delegate: MemberId | null = null
  for (const { signed } of path) if (signed.record.kind === 'delegate') delegate = signed.record.body.to
  const last = path.at(-1)
  return { keys: last === undefined ? keys : last.step.keys, delegate }
}

type ProposedChange = Omit<RegistryChange, 'entry'> & { readonly body: RegistryBody }
type RegistryBody =
  | RecordBodies['member.add']
  | RecordBodies['member.remove']
  | RecordBodies['member.balance']

/** By member and number, what registrars have signed; those who signed the same stand together. */
function changesIn(
  { registrars }: Constitution,
  paths: ReadonlyMap<MemberId, readonly LaneNode[]>,
): Map<MemberId, Map<number, ProposedChange[]>> {
  type Open = ProposedChange & { registrars: MemberId[]; atMs: number }
  const found = new Map<MemberId, Map<number, Map<string, Open>>>()
  for (const registrar of registrars) {
    for (const { signed } of paths.get(registrar) ?? []) {
      const { record } = signed
      if (record.kind !== 'member.add' && record.kind !== 'member.remove' && record.kind !== 'member.balance')
        continue
      const { body, kind } = record
      const member = 'member' in body ? body.member.id : body.id
      if (kind === 'member.remove' && registrars.includes(member)) continue
      if ('member' in body && !isOwnId(body.member)) continue
      const numbered = getOrSet(found, member, () => new Map<number, Map<string, Open>>())
      const same = getOrSet(numbered, body.change, () => new Map<string, Open>())
      const change = getOrSet(same, `${kind} ${contentOf(body)}`, () => ({
        member,
        change: body.change,
        kind,
        body,
        registrars: [],
        reason: 'reason' in body ? body.reason : '',
        atMs: record.atMs,
      }))
      if (change.registrars.includes(registrar)) continue
      change.registrars.push(registrar)
      change.atMs = Math.max(change.atMs, record.atMs)
    }
  }
  return new Map(
    [...found].map(([member, numbered]) => [
      member,
      new Map([...numbered].map(([number, same]) => [number, [...same.values()]])),
    ]),
  )
}

/** What must be the same for two registrars to have signed the same; their reasons may differ. */
function contentOf(body: RegistryBody): string {
  if ('member' in body) return `${body.member.balance} ${body.member.name}`
  return 'balance' in body ? body.balance : ''
}

/** True if the entry's id is that of its keys. */
export function isOwnId({ id, keys }: MemberEntry): boolean {
  return nodeIdOfKeys(keys.ed25519, keys.mldsa65) === id
}

/** The change with the entry that it leaves; null if it does not fit the one before. */
function applied({ body, ...change }: ProposedChange, entry: MemberEntry | null): RegistryChange | null {
  if ('member' in body) return entry === null ? { ...change, entry: body.member } : null
  if (entry === null) return null
  return { ...change, entry: 'balance' in body ? { ...entry, balance: body.balance } : null }
}

function mostCareful(a: RegistryChange, b: RegistryChange): number {
  if ((a.entry === null) !== (b.entry === null)) return a.entry === null ? -1 : 1
  const [balanceA, balanceB] = [BigInt(a.entry?.balance ?? 0), BigInt(b.entry?.balance ?? 0)]
  if (balanceA !== balanceB) return balanceA < balanceB ? -1 : 1
  const [nameA, nameB] = [a.entry?.name ?? '', b.entry?.name ?? '']
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0
}

/** Members that hold, or held, a key of another that comes before them. */
function membersSharingKeys(
  members: readonly MemberEntry[],
  founders: ReadonlyMap<MemberId, MemberEntry>,
  paths: ReadonlyMap<MemberId, readonly LaneNode[]>,
): MemberId[] {
  const inOrder = members.toSorted(
    (a, b) => Number(founders.has(b.id)) - Number(founders.has(a.id)) || (a.id < b.id ? -1 : 1),
  )
  const owners = new Map<string, MemberId>()
  const sharing: MemberId[] = []
  for (const member of inOrder) {
    const halves = [member.keys, ...(paths.get(member.id) ?? []).map(({ step }) => step.keys)].flatMap(
      halvesOf,
    )
    if (halves.some((half) => (owners.get(half) ?? member.id) !== member.id)) sharing.push(member.id)
    else for (const half of halves) owners.set(half, member.id)
  }
  return sharing.toSorted()
}

const knownHalves = new WeakMap<MemberKeys, readonly string[]>()

/** A short name for each of the two keys. */
function halvesOf(keys: MemberKeys): readonly string[] {
  let halves = knownHalves.get(keys)
  if (halves === undefined) {
    const digest = createHash('sha256').update(keys.mldsa65).digest('base64')
    halves = [Buffer.from(keys.ed25519).toString('base64'), `mldsa65 ${digest}`]
    knownHalves.set(keys, halves)
  }
  return halves
}

function getOrSet<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
