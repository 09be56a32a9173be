import type { Command } from 'commander'
import { exitCodes, type CommandContext } from '../../main.ts'
import { selfTestView } from '../../views/key.ts'

/** `x0t key check`. */
export function registerCheck(key: Command, context: CommandContext): void {
  key
    .command('check')
    .description('known answers and cross-checks of both cryptographic back ends on this machine')
    .action(async () => {
      const { runSelfTest } = await import('@x0t/keys')
      const results = await runSelfTest()
      const ok = results.every((result) => result.ok)
      const { node, openssl } = process.versions
      context.output().result({ ok, node, openssl, results }, selfTestView)
      if (!ok) context.exitCode(exitCodes.wanting)
    })
}
