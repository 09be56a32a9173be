import { decode, encode } from '@ipld/dag-cbor'
import { bytesOfNodeId, nodeIdFromBytes, type Counters, type Log, type NodeId } from '@x0t/core'

/** A member as its record says, verified. */
export interface Member {
  readonly nodeId: NodeId
  readonly name: string
  readonly notAfterMs: number
  readonly ed25519PublicRaw: Uint8Array
  /** The record as it travels. */
  readonly record: Uint8Array
}

/** A ban (or its lifting), verified. The highest serial per node holds. */
export interface BanEntry {
  readonly nodeId: NodeId
  readonly serial: number
  readonly lifted: boolean
  readonly record: Uint8Array
}

export interface MembershipOptions {
  readonly self: NodeId
  /** Verifies a member record against the bundle and the bans; throws if it does not hold. */
  verifyMember(record: Uint8Array): Member
  /** Verifies a ban record against the bundle; throws if it does not hold. */
  verifyBan(record: Uint8Array): BanEntry
  isBanned(id: NodeId): boolean
  send(to: NodeId, message: Uint8Array): void
  onMember(member: Member): void
  onMemberGone(id: NodeId, reason: 'expired' | 'banned'): void
  onBan(ban: BanEntry): void
  readonly log: Log
  readonly counters: Counters
}

/** What members know of one another: who belongs, who is banned. Records flood; neighbours reconcile when they meet. */
export interface Membership {
  /** A neighbour came up: tell it what is known here. */
  neighbourUp(id: NodeId): void
  neighbourDown(id: NodeId): void
  /** A message of a neighbour on the records channel. */
  receive(from: NodeId, message: Uint8Array): void
  /** Takes a record of our own (or of the store) in, and floods it. */
  addMember(record: Uint8Array): void
  addBan(record: Uint8Array): void
  /** Drops what has expired. */
  expire(nowMs: number): void
  member(id: NodeId): Member | undefined
  members(): readonly Member[]
  bans(): readonly BanEntry[]
}

/** Largest message on the records channel, bytes. */
export const maxRecordsMessageBytes = 60_000
/** Most members and bans a node remembers. */
export const maxMembers = 2048
const summaryEntries = 500

/** Members are known by their latest record; bans by their highest serial. */
export function createMembership(options: MembershipOptions): Membership {
  const members = new Map<NodeId, Member>()
  const bans = new Map<NodeId, BanEntry>()
  const neighbours = new Set<NodeId>()
  const { log, counters } = options

  const flood = (message: Uint8Array, except?: NodeId): void => {
    for (const id of neighbours) if (id !== except) options.send(id, message)
  }

  const takeMember = (record: Uint8Array, from?: NodeId): void => {
    const member = options.verifyMember(record)
    const known = members.get(member.nodeId)
    if (known !== undefined && known.notAfterMs >= member.notAfterMs) return
    if (known === undefined && members.size >= maxMembers) {
      counters.count('records_refused_total', { reason: 'too-many-members' })
      return
    }
    members.set(member.nodeId, member)
    flood(encode({ t: 'member', r: record }), from)
    options.onMember(member)
  }

  const takeBan = (record: Uint8Array, from?: NodeId): void => {
    const ban = options.verifyBan(record)
    const known = bans.get(ban.nodeId)
    if (known !== undefined && known.serial >= ban.serial) return
    if (known === undefined && bans.size >= maxMembers) {
      counters.count('records_refused_total', { reason: 'too-many-bans' })
      return
    }
    bans.set(ban.nodeId, ban)
    flood(encode({ t: 'ban', r: record }), from)
    options.onBan(ban)
    if (!ban.lifted && members.delete(ban.nodeId)) options.onMemberGone(ban.nodeId, 'banned')
  }

  const summarise = (to: NodeId): void => {
    const known = [...members.values()].map((m) => [bytesOfNodeId(m.nodeId), m.notAfterMs] as const)
    const banned = [...bans.values()].map((b) => [bytesOfNodeId(b.nodeId), b.serial] as const)
    for (let i = 0; i === 0 || i < Math.max(known.length, banned.length); i += summaryEntries) {
      options.send(
        to,
        encode({ t: 'have', m: known.slice(i, i + summaryEntries), b: banned.slice(i, i + summaryEntries) }),
      )
    }
  }

  const answerSummary = (from: NodeId, message: Summary): void => {
    const wantMembers = message.m.filter(([id, notAfterMs]) => {
      const known = members.get(id)
      return (
        !options.isBanned(id) && id !== options.self && (known === undefined || known.notAfterMs < notAfterMs)
      )
    })
    const wantBans = message.b.filter(([id, serial]) => (bans.get(id)?.serial ?? -1) < serial)
    if (wantMembers.length + wantBans.length === 0) return
    const ids = (list: readonly (readonly [NodeId, number])[]): Uint8Array[] =>
      list.map(([id]) => bytesOfNodeId(id))
    options.send(from, encode({ t: 'want', m: ids(wantMembers), b: ids(wantBans) }))
  }

  const answerWant = (from: NodeId, message: Want): void => {
    // Bans first: who is banned must not be taken in by the record that follows.
    for (const id of message.b) {
      const ban = bans.get(id)
      if (ban !== undefined) options.send(from, encode({ t: 'ban', r: ban.record }))
    }
    for (const id of message.m) {
      const member = members.get(id)
      if (member !== undefined) options.send(from, encode({ t: 'member', r: member.record }))
    }
  }

  return {
    neighbourUp(id) {
      neighbours.add(id)
      summarise(id)
    },
    neighbourDown: (id) => void neighbours.delete(id),
    receive(from, bytes) {
      try {
        const message = decodeRecordsMessage(bytes)
        if (message.t === 'have') answerSummary(from, message)
        else if (message.t === 'want') answerWant(from, message)
        else if (message.t === 'ban') takeBan(message.r, from)
        else takeMember(message.r, from)
      } catch (error) {
        counters.count('records_refused_total', { reason: codeOf(error) })
        log.warn('record-refused', { from, reason: codeOf(error) })
      }
    },
    addMember: (record) => takeMember(record),
    addBan: (record) => takeBan(record),
    expire(nowMs) {
      for (const [id, member] of members) {
        if (member.notAfterMs > nowMs) continue
        members.delete(id)
        options.onMemberGone(id, 'expired')
      }
    },
    member: (id) => members.get(id),
    members: () => [...members.values()],
    bans: () => [...bans.values()],
  }
}

type Entry = readonly [NodeId, number]
type Summary = { readonly t: 'have'; readonly m: readonly Entry[]; readonly b: readonly Entry[] }
type Want = { readonly t: 'want'; readonly m: readonly NodeId[]; readonly b: readonly NodeId[] }
type RecordMessage = { readonly t: 'member' | 'ban'; readonly r: Uint8Array }

/** @throws TypeError or an error of dag-cbor if `bytes` are not a message of the records channel */
export function decodeRecordsMessage(bytes: Uint8Array): Summary | Want | RecordMessage {
  if (bytes.length > maxRecordsMessageBytes) throw malformed('too long')
  const value: unknown = decode(bytes)
  if (typeof value !== 'object' || value === null || !('t' in value)) throw malformed('no type')
  switch (value.t) {
    case 'member':
    case 'ban': {
      if (!('r' in value) || !(value.r instanceof Uint8Array)) throw malformed('no record')
      return { t: value.t, r: value.r }
    }
    case 'have':
      return { t: 'have', m: listOf(value, 'm', entryOf), b: listOf(value, 'b', entryOf) }
    case 'want':
      return { t: 'want', m: listOf(value, 'm', idOf), b: listOf(value, 'b', idOf) }
    default:
      throw malformed('unknown type')
  }
}

function listOf<T>(value: object, key: string, parse: (item: unknown) => T): T[] {
  const list: unknown = Reflect.get(value, key)
  if (!Array.isArray(list) || list.length > summaryEntries) throw malformed(`bad list ${key}`)
  return list.map(parse)
}

function entryOf(item: unknown): Entry {
  if (!Array.isArray(item) || item.length !== 2) throw malformed('bad entry')
  const number: unknown = item[1]
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw malformed('bad number')
  return [idOf(item[0]), number]
}

function idOf(item: unknown): NodeId {
  if (!(item instanceof Uint8Array) || item.length !== 32) throw malformed('bad id')
  return nodeIdFromBytes(item)
}

function malformed(why: string): TypeError & { code: string } {
  return Object.assign(new TypeError(`malformed records message: ${why}`), { code: 'RECORD_MALFORMED' })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'RECORD_MALFORMED'
}
