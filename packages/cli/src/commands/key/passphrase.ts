import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { addNewProtectOptions, newProtection, unlock, type NewProtectOptions } from './protection-options.ts'

/** `x0t key passphrase`. */
export function registerPassphrase(key: Command, context: CommandContext): void {
  addNewProtectOptions(
    key
      .command('passphrase')
      .description('change, add or remove the passphrase of an identity file')
      .argument('<file>'),
  ).action(async (file: string, options: NewProtectOptions) => {
    const { readIdentityFile, writeIdentityFile } = await import('@x0t/keys')
    const stored = await readIdentityFile(file, await unlock(options, context))
    try {
      const protection = await newProtection(options, context)
      await writeIdentityFile(file, stored, { protection, expected: stored.fileBytes })
      const now: Protection =
        protection === 'none' ? 'none' : 'passphrase' in protection ? 'passphrase' : 'recipients'
      context
        .output()
        .result({ file, nodeId: stored.identity.nodeId, before: stored.protection, now }, changeView)
    } finally {
      stored.masterSeed.fill(0)
    }
  })
}

type Protection = 'passphrase' | 'recipients' | 'none'

const protectionWords: Readonly<Record<Protection, string>> = {
  passphrase: 'encrypted with a passphrase',
  recipients: 'encrypted to recipients',
  none: 'not encrypted',
}

function changeView(change: { file: string; before: Protection; now: Protection }): string {
  return `${change.file}: ${protectionWords[change.before]} before, ${protectionWords[change.now]} now`
}
