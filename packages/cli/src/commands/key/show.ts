import type { Command } from 'commander'
import { hasCode } from '@x0t/core'
import type { OpenedKeyFile } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { keySummaryView, type KeyDescription } from '../../views/key.ts'
import { addUnlockOptions, unlock, type UnlockOptions } from './protection-options.ts'

/** `x0t key show`, `x0t key id`. */
export function registerShow(key: Command, context: CommandContext): void {
  addUnlockOptions(
    key
      .command('show')
      .description('tell what a file is: kind, algorithm, id, epoch, encryption; never the secret')
      .argument('<file>'),
  ).action(async (file: string, options: UnlockOptions) => {
    const { inspectKeyFile } = await import('@x0t/keys')
    const summary = await inspectKeyFile(file)
    const description: KeyDescription =
      summary.kind === 'encrypted-file'
        ? await lookInside(file, summary.protection, options, context)
        : summary
    context.output().result(description, keySummaryView)
  })
  addUnlockOptions(
    key
      .command('id')
      .description('print the node id of an identity, or the key id of a single key')
      .argument('<file>'),
  ).action(async (file: string, options: UnlockOptions) => {
    const { openKeyFile } = await import('@x0t/keys')
    const id = await idOf(await openKeyFile(file, await unlock(options, context)))
    context.output().result({ id }, (value) => value.id)
  })
}

/** The ids inside an encrypted identity where it can be opened, the bare fact that it is encrypted where not. */
async function lookInside(
  file: string,
  protection: 'passphrase' | 'recipients',
  options: UnlockOptions,
  context: CommandContext,
): Promise<KeyDescription> {
  const { readIdentityFile } = await import('@x0t/keys')
  try {
    const { identity, name, epoch, createdMs, masterSeed } = await readIdentityFile(
      file,
      await unlock(options, context),
    )
    masterSeed.fill(0)
    return { kind: 'identity', nodeId: identity.nodeId, name, epoch, createdMs, encrypted: true, protection }
  } catch (error) {
    const unopened = hasCode(error, 'KEY_PASSPHRASE_NEEDED') || hasCode(error, 'KEY_RECIPIENT_MISMATCH')
    const asked = options.passphraseFile ?? options.passphraseFd ?? options.ageIdentity
    if (!unopened || asked !== undefined) throw error
    context.output().note('the ids are inside: give the passphrase to see them')
    return { kind: 'encrypted-file', encrypted: true, protection }
  }
}

async function idOf(opened: OpenedKeyFile): Promise<string> {
  const { keyIdOf, nativeBackend } = await import('@x0t/keys')
  if (opened.kind === 'identity') return opened.stored.identity.nodeId
  if (opened.kind === 'public-identity') return opened.publicIdentity.nodeId
  if (opened.kind === 'public-key') return keyIdOf(opened.key)
  const { algorithm, seed } = opened.key
  return keyIdOf({ algorithm, raw: nativeBackend[algorithm].publicKey(seed) })
}
