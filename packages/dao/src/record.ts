import type { NodeId } from '@x0t/core'
import type { Action } from './action.ts'
import type { Amount, Ballot, Choice, Rules } from './rules.ts'

/** Id of a record: its CID (version 1, dag-cbor, SHA-256) in base32. */
export type RecordId = string & { readonly brand: 'RecordId' }

/** Who a member is: the id of the keys it was admitted with; it keeps it when its keys are rotated. */
export type MemberId = NodeId

/** The public keys of a member, raw. */
export interface MemberKeys {
  readonly ed25519: Uint8Array
  readonly mldsa65: Uint8Array
}

/**
 * A chain of one author's records. Two records of one author with the same lane and number are an equivocation: both
 * prove it, and the author's records of this lane are void from that number on. Ballots have a lane for each proposal
 * (`vote:<proposal>`), witnesses another (`witness:<proposal>`), a node's reports a third (`node:<proposal>`), pieces
 * of a file a fourth (`artifact:<digest>`), all else `member`: what is signed on an offline machine never collides
 * with what the daemon signs.
 */
export type Lane = 'member' | `vote:${string}` | `witness:${string}` | `node:${string}` | `artifact:${string}`

/** What every record says, whatever its kind. */
export interface RecordHead {
  readonly v: 1
  /** The genesis record of the DAO; null in that record itself. */
  readonly dao: RecordId | null
  readonly author: MemberId
  readonly lane: Lane
  /** Counts from 0 in its lane. */
  readonly seq: number
  /** The record before it in its lane; null for the first. */
  readonly prev: RecordId | null
  /** The author's wall clock, ms since 1970: advice for people, decides nothing. */
  readonly atMs: number
}

/** How members come and balances change. */
export interface Constitution {
  readonly name: string
  readonly symbol: string
  /** Decimal places of an amount when it is shown, 0 to 36. */
  readonly tokenDecimals: number
  /** Who may add, remove and grant: members named here, this many of them together (an addition needs that many). */
  readonly registrars: readonly MemberId[]
  readonly registrarsNeeded: number
  /** Members that close votes; `members`: all of the snapshot. */
  readonly witnesses: readonly MemberId[] | 'members'
  /** Members that may veto what was passed before it is executed. */
  readonly guardians: readonly MemberId[]
  /** Rules of a proposal that names none. */
  readonly rules: Rules
  /** Least and usual times of a proposal, ms. */
  readonly votingMs: number
  readonly graceMs: number
  readonly timelockMs: number
  /** A passed proposal that was not executed this long after its timelock is expired, ms. */
  readonly expiresMs: number
  /** Open proposals of one member at a time. */
  readonly maxOpenProposals: number
}

export interface MemberEntry {
  readonly id: MemberId
  readonly name: string
  readonly keys: MemberKeys
  readonly balance: Amount
}

/** A member as the electorate of one proposal sees it. */
export interface Elector extends MemberEntry {
  /** Whose ballot counts for this member if it casts none. */
  readonly delegate: MemberId | null
}

/** The bodies of records by kind. No number is a float; amounts are text. */
export interface RecordBodies {
  genesis: {
    readonly constitution: Constitution
    readonly members: readonly MemberEntry[]
    readonly nonce: Uint8Array
  }
  /**
   * What registrars decide on a member counts its changes from 1 (a founding member is change 0): it takes effect once
   * `registrarsNeeded` of them have signed the same change, and only on the one before. So no clock orders them.
   */
  'member.add': { readonly member: MemberEntry; readonly change: number }
  'member.remove': { readonly id: MemberId; readonly change: number; readonly reason: string }
  /** Signed by the old keys; `proof` is the new keys' signature over the DAO's and the member's id. */
  'member.rotate': { readonly keys: MemberKeys; readonly proof: Uint8Array }
  /** A balance set anew by registrars (grant, slash). */
  'member.balance': {
    readonly id: MemberId
    readonly change: number
    readonly balance: Amount
    readonly reason: string
  }
  /** From here on; null: none. */
  delegate: { readonly to: MemberId | null }
  proposal: ProposalBody
  vote: { readonly proposal: RecordId; readonly ballot: Ballot }
  veto: { readonly proposal: RecordId; readonly reason: string }
  cancel: { readonly proposal: RecordId; readonly reason: string }
  /** Messages of the closing protocol. */
  seal: SealBody
  /** What came of one action on one node. */
  execution: {
    readonly proposal: RecordId
    readonly action: number
    readonly outcome: 'executed' | 'failed'
    readonly detail: string
  }
  /** A piece of a published file, 0 first. */
  artifact: {
    readonly digest: string
    readonly index: number
    readonly of: number
    readonly bytes: Uint8Array
  }
}

export interface ProposalBody {
  readonly title: string
  readonly text: string
  readonly choices: readonly Choice[]
  readonly rules: Rules
  readonly actions: readonly Action[]
  /**
   * The electorate: registry records that it was taken from, by author the last number of lane `member`. The proposal's
   * author is not in it: what it signed before the proposal always belongs to it.
   */
  readonly asOf: readonly (readonly [author: MemberId, seq: number, id: RecordId])[]
  /** RFC 6962 root over the electors sorted by id, 32 bytes. Whoever replays `asOf` must find the same. */
  readonly snapshotRoot: Uint8Array
  readonly witnesses: readonly MemberId[]
  readonly opensMs: number
  readonly closesMs: number
  readonly graceMs: number
  readonly timelockMs: number
  readonly expiresMs: number
}

/**
 * One message of the closing protocol of a proposal (docs/model): a witness declares what ballots it has, proposes
 * the set to be counted, and signs it in two steps. n witnesses, f = n − q of them may fail, q = ⌊2n/3⌋ + 1.
 */
export type SealBody = {
  readonly proposal: RecordId
} & (
  | {
      /**
       * What this witness holds when its clock passes the end; it takes no later ballot by itself. One a witness, in
       * `of` records that follow one another in its lane; the last of them names the whole.
       */
      readonly step: 'declare'
      /** From 0 to `of` − 1. */
      readonly part: number
      readonly of: number
      /** Ids of ballots' records, ascending over all parts: at most 512 a part, which all but the last hold. */
      readonly ballots: readonly RecordId[]
    }
  | {
      readonly step: 'propose' | 'prepare' | 'commit'
      readonly round: number
      /** The set: RFC 6962 root over the sorted ids of its records; null: nothing in this round. */
      readonly root: Uint8Array | null
      readonly count: number
      /** `propose`: the declarations it was made of (last parts), ascending; else empty. */
      readonly declarations: readonly RecordId[]
      /** `propose`: the earlier round in which this set was prepared; else null. */
      readonly validRound: number | null
    }
)

export type RecordKind = keyof RecordBodies

/** A record of one kind, decoded. */
export type RecordOf<Kind extends RecordKind> = RecordHead & {
  readonly kind: Kind
  readonly body: RecordBodies[Kind]
}
export type DaoRecord = { [Kind in RecordKind]: RecordOf<Kind> }[RecordKind]

/** A record with what proves it. `bytes` are what was signed and what the id is made of. */
export interface SignedRecord {
  readonly id: RecordId
  readonly record: DaoRecord
  readonly bytes: Uint8Array
  /** Both signatures under context `x0t/dao/<kind>/v1`. */
  readonly signature: Uint8Array
}
