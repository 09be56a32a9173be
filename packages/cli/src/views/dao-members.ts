import type { MemberId, RecordId } from '@x0t/dao'
import { formatTokens } from '../commands/dao/token-amount.ts'
import type { NamedMember } from './dao-tally.ts'
import { count } from './dao-words.ts'
import { nameOf } from './dao.ts'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'

/** Result of `dao member list`. */
export interface MemberList {
  readonly dao: RecordId
  readonly name: string
  readonly token: { readonly decimals: number; readonly symbol: string }
  readonly members: readonly (NamedMember & {
    /** Base units. */
    readonly balance: string
    /** The square root, published precision. */
    readonly weight: string
    readonly delegate: NamedMember | null
    readonly isRegistrar: boolean
    readonly isWitness: boolean
    readonly isGuardian: boolean
    /** True for the member that this home signs as. */
    readonly isOwn: boolean
  })[]
}

export function memberListView({ members, token }: MemberList): string {
  if (members.length === 0) return 'no members'
  const total = members.reduce((sum, { balance }) => sum + BigInt(balance), 0n)
  const table = columns(
    ['', 'NAME', 'MEMBER', 'BALANCE', 'WEIGHT', 'DELEGATE', 'ROLES'],
    members.map((member) => [
      member.isOwn ? '>' : ' ',
      safe(member.name) || '-',
      member.id.slice(0, 10),
      formatTokens(member.balance, token.decimals, token.symbol),
      member.weight,
      member.delegate === null ? '-' : nameOf(member.delegate),
      [
        ...(member.isRegistrar ? ['registrar'] : []),
        ...(member.isWitness ? ['witness'] : []),
        ...(member.isGuardian ? ['guardian'] : []),
      ].join(', ') || '-',
    ]),
  )
  return `${table}\n\n${count(members.length, 'member')}, ${formatTokens(String(total), token.decimals, token.symbol || 'tokens')}`
}

/** Result of a change of the registry. */
export interface MemberChange {
  readonly change: 'add' | 'remove' | 'rotate' | 'balance'
  readonly member: NamedMember
  readonly record: RecordId
  /** False while further registrars have to sign the same. */
  readonly isInForce: boolean
  readonly balance?: string
}

export function memberChangesView({ changes }: { readonly changes: readonly MemberChange[] }): string {
  const verbs = { add: 'added', remove: 'removed', rotate: 'new keys of', balance: 'balance of' } as const
  return columns(
    ['CHANGE', 'NAME', 'MEMBER', 'IN FORCE'],
    changes.map(({ change, member, isInForce }) => [
      verbs[change],
      safe(member.name) || '-',
      member.id.slice(0, 10),
      isInForce ? 'yes' : 'NO: more registrars have to sign the same',
    ]),
  )
}

/** Result of `dao member card`. */
export interface MemberCard {
  readonly id: MemberId
  readonly name: string
  readonly file: string | null
  readonly madeKeys: boolean
  /** The public identity file. */
  readonly card: string
}

export function memberCardView({ id, name, file, card }: MemberCard): string {
  if (file === null) return card
  return facts([
    ['member', id],
    ['name', safe(name)],
    ['card', file],
  ])
}

/** Result of `dao delegate`. */
export interface Delegation {
  readonly member: NamedMember
  readonly delegate: NamedMember | null
  readonly record: RecordId
}

export function delegationView({ member, delegate }: Delegation): string {
  if (delegate === null) return `nobody votes for ${nameOf(member)} on proposals made from now on`
  return `${nameOf(delegate)} votes for ${nameOf(member)} on proposals made from now on, unless ${nameOf(member)} does`
}
