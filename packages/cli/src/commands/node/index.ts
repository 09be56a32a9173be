import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerBan } from './ban.ts'
import { registerDoctor } from './doctor.ts'
import { registerInit } from './init.ts'
import { registerInstall } from './install.ts'
import { registerInvite } from './invite.ts'
import { registerJoin } from './join.ts'
import { registerLogLevel } from './log-level.ts'
import { registerLogs } from './logs.ts'
import { registerPeers } from './peers.ts'
import { registerStart } from './start.ts'
import { registerStatus } from './status.ts'
import { registerStop } from './stop.ts'
import { registerSvid } from './svid.ts'
import { registerTokens } from './tokens.ts'

/** `x0t node …`: the node of this machine. */
export function registerNode(program: Command, context: CommandContext): void {
  const node = program.command('node').description('the mesh node of this machine')
  registerStart(node, context)
  registerStop(node, context)
  registerStatus(node, context)
  registerInvite(node, context)
  registerJoin(node, context)
  registerPeers(node, context)
  registerLogs(node, context)
  registerLogLevel(node, context)
  registerTokens(node, context)
  registerSvid(node, context)
  registerBan(node, context)
  registerInit(node, context)
  registerDoctor(node, context)
  registerInstall(node, context)
}
