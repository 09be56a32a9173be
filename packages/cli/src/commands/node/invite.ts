import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'
import { parseOption } from './parse-option.ts'
import { repeatable } from '../repeatable.ts'

interface InviteOptions extends HomeOption {
  readonly expires: string
  readonly name?: string
  readonly address?: readonly string[]
}

export function registerInvite(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('invite')
      .description('make a join token that lets one machine in, once')
      .option('--expires <duration>', 'how long it is valid, like 30m or 7d', '1h')
      .option('--name <name>', 'name that the new node shall have')
      .option('--address <host:port>', 'where the new node reaches the mesh; repeatable', repeatable),
  ).action(async (options: InviteOptions) => {
    const { parseDurationMs, parseEndpoint } = await import('@x0t/node/config')
    const ttlMs = parseOption('--expires', options.expires, parseDurationMs)
    for (const address of options.address ?? []) parseOption('--address', address, parseEndpoint)
    const daemon = await openDaemon(options, context)
    const invitation = await daemon.invite(
      {
        ttlMs,
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.address === undefined ? {} : { addresses: [...options.address] }),
      },
      { signal: context.signal },
    )
    const { shortDuration } = await import('../../views/units.ts')
    const valid = shortDuration(Math.max(0, Math.round((invitation.expiresAtMs - Date.now()) / 1000) * 1000))
    const output = context.output()
    if (!output.json) {
      output.note(`This token lets one machine join, for the next ${valid}. On that machine:`)
      output.note('  x0t node join <token>')
      output.note(`To withdraw it: x0t node tokens revoke ${invitation.id}`)
    }
    output.result(invitation, (value) => value.token)
  })
}
