import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { AgeKeys } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { passphraseSource } from '../../passphrase.ts'
import { writtenFilesView } from '../../views/key.ts'
import { addUnlockOptions, resolveRecipients, unlock, type UnlockOptions } from './protection-options.ts'

interface EncryptOptions {
  readonly recipient: readonly string[]
  readonly out?: string
  readonly force?: true
}

interface DecryptOptions extends UnlockOptions {
  readonly identity?: string
  readonly out?: string
  readonly force?: true
}

/** `x0t key encrypt`, `x0t key decrypt`. */
export function registerEncrypt(key: Command, context: CommandContext): void {
  key
    .command('encrypt')
    .description('encrypt a file for others in the age format, post-quantum (age 1.3 opens it)')
    .argument('<file>')
    .requiredOption(
      '--recipient <recipient...>',
      'age recipients (age1pq1…) or .pub files; age1… is classical only',
    )
    .option('--out <file>', 'where to write; FILE.age by default')
    .option('--force', 'replace an existing file')
    .action(async (file: string, options: EncryptOptions) => {
      const { encryptFile } = await import('@x0t/keys')
      const recipients = await resolveRecipients(options.recipient)
      const output = context.output()
      if (recipients.some((recipient) => !/^age1(pq|tagpq)1/.test(recipient)))
        output.warn('a recipient is classical: a quantum computer could open this file later')
      const path = options.out ?? `${file}.age`
      await encryptFile(file, path, recipients, { force: options.force === true, signal: context.signal })
      output.result({ files: [path] }, writtenFilesView)
    })
  addUnlockOptions(
    key
      .command('decrypt')
      .description('decrypt an age file with an identity, age identities or a passphrase')
      .argument('<file>')
      .option('--identity <file>', 'the identity file that it was encrypted for')
      .option('--out <file>', 'where to write; FILE without .age by default')
      .option('--force', 'replace an existing file'),
  ).action(async (file: string, options: DecryptOptions) => {
    const { decryptFile } = await import('@x0t/keys')
    const path = options.out ?? (file.endsWith('.age') ? file.slice(0, -'.age'.length) : undefined)
    if (path === undefined)
      throw new X0tError('USAGE', 'the file does not end in .age: say --out', { exitCode: 2 })
    const keys = await decryptionKeys(file, options, context)
    await decryptFile(file, path, keys, { force: options.force === true, signal: context.signal })
    context.output().result({ files: [path] }, writtenFilesView)
  })
}

async function decryptionKeys(
  file: string,
  options: DecryptOptions,
  context: CommandContext,
): Promise<AgeKeys> {
  const { ageIdentityOf, protectionOfFile, readIdentityFile } = await import('@x0t/keys')
  const opening = await unlock(options, context)
  if ((await protectionOfFile(file)) === 'passphrase')
    return { passphrase: await passphraseSource(options, context.streams)() }
  const ageIdentities = [...(opening.ageIdentities ?? [])]
  if (options.identity !== undefined) {
    const { masterSeed, epoch } = await readIdentityFile(options.identity, opening)
    // What was encrypted before a rotation is still opened.
    for (let past = epoch; past >= Math.max(0, epoch - 31); past--)
      ageIdentities.push(ageIdentityOf(masterSeed, past))
    masterSeed.fill(0)
  }
  if (ageIdentities.length === 0)
    throw new X0tError('USAGE', 'say what opens the file: --identity FILE or --age-identity FILE', {
      exitCode: 2,
    })
  return { ageIdentities }
}
