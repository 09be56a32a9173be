import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerMemberCard } from './member-card.ts'
import { registerMemberChange } from './member-change.ts'
import { registerMemberImport } from './member-import.ts'
import { registerMemberList } from './member-list.ts'
import { registerMemberRotate } from './member-rotate.ts'

/** `x0t dao member …`: the registry. */
export function registerMember(dao: Command, context: CommandContext): void {
  const member = dao
    .command('member')
    .description('the members: who they are, what they hold, whom they trust')
  registerMemberCard(member, context)
  registerMemberList(member, context)
  registerMemberChange(member, context)
  registerMemberImport(member, context)
  registerMemberRotate(member, context)
}
