import type { Command } from 'commander'
import type { MemberId } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { openDao } from './open-dao.ts'
import { ownMemberIfOpen } from './own-keys.ts'
import { named, tokenOf } from './proposal-report.ts'

/** Decimals of the weights in a list. */
const shownDecimals = 3

export function registerMemberList(member: Command, context: CommandContext): void {
  withHome(
    member.command('list').description('list the members with balance, weight, delegate and roles'),
  ).action(async (options: HomeOption) => {
    await using dao = await openDao(options, context)
    const state = await dao.state()
    const own = await ownMemberIfOpen(dao.home, state)
    const { publishedRoot } = await import('./published-root.ts')
    const { registrars, witnesses, guardians, name } = state.constitution
    const has = (list: readonly MemberId[], id: MemberId): boolean => list.includes(id)
    const { memberListView } = await import('../../views/dao-members.ts')
    const members = [...state.members.values()].map((one) => ({
      ...named(state, one.id),
      balance: one.balance,
      weight: publishedRoot(BigInt(one.balance), shownDecimals),
      delegate: one.delegate === null ? null : named(state, one.delegate),
      isRegistrar: has(registrars, one.id),
      isWitness: witnesses === 'members' || has(witnesses, one.id),
      isGuardian: has(guardians, one.id),
      isOwn: one.id === own,
    }))
    members.sort((one, other) => one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1))
    context.output().result({ dao: state.dao, name, token: tokenOf(state), members }, memberListView)
  })
}
