import { decimalOf } from './exact/decimal.ts'
import { integerRoot } from './exact/integer-root.ts'
import { missingWitnesses } from './proposal-result.ts'
import type { DaoState, Equivocation } from './dao-state.ts'
import type { MemberId, RecordId } from './record.ts'
import type { RegistryChange } from './registry.ts'

/** What one member weighs, and what it would if its balance were spread over several accounts of its own. */
export interface MemberWeight {
  readonly member: MemberId
  readonly balance: string
  /** Root of the balance, three decimals. */
  readonly weight: string
  /** Share of all weight, percent with two places. */
  readonly percent: string
  /** The same if the balance lay in equal parts on 2 and on 10 accounts: k accounts weigh √k times as much. */
  readonly percentIfSplit: { readonly over2: string; readonly over10: string }
}

/** How much lies with how few, by tokens and by weight. */
export interface Concentration {
  /** Share of the largest member, percent with two places. */
  readonly largestPercent: string
  /** The fewest members that have more than half together (Nakamoto coefficient). */
  readonly membersForHalf: number
}

/** What the records of a DAO show that its members should know. */
export interface Audit {
  readonly equivocations: readonly Equivocation[]
  /** Proposals whose time has passed, without the declarations of these witnesses. */
  readonly missingWitnesses: readonly {
    readonly proposal: RecordId
    readonly witnesses: readonly MemberId[]
  }[]
  /** Proposals whose electorate lacks older changes of the registry. */
  readonly leftOut: readonly { readonly proposal: RecordId; readonly changes: readonly RegistryChange[] }[]
  /** The heaviest first. */
  readonly weights: readonly MemberWeight[]
  readonly tokens: Concentration
  readonly weight: Concentration
}

const guardDecimals = 18
const shownDecimals = 3

/** Looks through a DAO: who spoke with two tongues, who is missing, who weighs how much. `nowMs` is somebody's clock. */
export function auditOf(state: DaoState, nowMs: number): Audit {
  const views = [...state.proposals.values()]
  const members = [...state.members.values()]
    .map(({ id, balance }) => ({ id, balance: BigInt(balance), weight: rootOf(BigInt(balance)) }))
    .toSorted((a, b) => (a.balance === b.balance ? (a.id < b.id ? -1 : 1) : a.balance > b.balance ? -1 : 1))
  const all = members.reduce((sum, { weight }) => sum + weight, 0n)
  return {
    equivocations: state.equivocations,
    missingWitnesses: views
      .filter(({ certificate }) => certificate === null)
      .map((view) => ({ proposal: view.id, witnesses: missingWitnesses(view, nowMs) }))
      .filter(({ witnesses }) => witnesses.length > 0),
    leftOut: views
      .map(({ id, leftOut }) => ({ proposal: id, changes: leftOut }))
      .filter(({ changes }) => changes.length > 0),
    weights: members.map(({ id, balance, weight }) => {
      // k parts of b/k weigh k·√(b/k) = √(k·b).
      const split = (parts: bigint): string => {
        const gained = rootOf(balance * parts)
        return percentOf(gained, all - weight + gained)
      }
      return {
        member: id,
        balance: balance.toString(),
        weight: decimalOf(weight / 10n ** BigInt(guardDecimals - shownDecimals), shownDecimals),
        percent: percentOf(weight, all),
        percentIfSplit: { over2: split(2n), over10: split(10n) },
      }
    }),
    tokens: concentrationOf(members.map(({ balance }) => balance)),
    weight: concentrationOf(members.map(({ weight }) => weight)),
  }
}

/** Root in units of 10^−18, rounded down. */
function rootOf(balance: bigint): bigint {
  return integerRoot(balance * 10n ** BigInt(2 * guardDecimals))
}

/** @param amounts the largest first */
function concentrationOf(amounts: readonly bigint[]): Concentration {
  const all = amounts.reduce((sum, amount) => sum + amount, 0n)
  let sum = 0n
  let membersForHalf = 0
  while (membersForHalf < amounts.length && sum * 2n <= all) sum += amounts[membersForHalf++]!
  return { largestPercent: percentOf(amounts[0] ?? 0n, all), membersForHalf }
}

function percentOf(part: bigint, whole: bigint): string {
  return decimalOf(whole === 0n ? 0n : (part * 10_000n) / whole, 2)
}
