import { Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { KeyAlgorithm, OpenedKeyFile, PublicKeyBytes } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { publicKeysView, type PublicKeys } from '../../views/key.ts'
import { keyNames } from './key-names.ts'
import { addUnlockOptions, unlock, type UnlockOptions } from './protection-options.ts'

interface PublicOptions extends UnlockOptions {
  readonly format: 'pem' | 'jwk' | 'raw' | 'age'
  readonly key?: KeyAlgorithm
  readonly out?: string
  readonly force?: true
}

/** `x0t key public`. */
export function registerPublic(key: Command, context: CommandContext): void {
  addUnlockOptions(
    key
      .command('public')
      .description('print the public half of a key or identity')
      .argument('<file>')
      .addOption(
        new Option('--format <format>', 'pem (SPKI), jwk, raw (base64), age (recipient)')
          .choices(['pem', 'jwk', 'raw', 'age'])
          .default('pem'),
      )
      .addOption(new Option('--key <key>', 'one key of an identity').choices(keyNames))
      .option('--out <file>', 'write it to this file; raw: as bytes, of one key')
      .option('--force', 'replace the file'),
  ).action(async (file: string, options: PublicOptions) => {
    const keys = await import('@x0t/keys')
    const opened = await keys.openKeyFile(file, await unlock(options, context))
    const output = context.output()
    if (options.format === 'age') {
      return await deliver(options, output, {
        format: 'age',
        text: `${recipientOf(opened, keys)}\n`,
        keys: [],
      })
    }
    const selected = publicKeysOf(opened, keys).filter(
      ({ algorithm }) => (options.key ?? algorithm) === algorithm,
    )
    if (selected.length === 0)
      throw new X0tError('KEY_INVALID', `${file} holds no key of ${options.key ?? 'any kind'}`, {
        exitCode: 2,
      })
    if (options.format === 'raw' && options.out !== undefined) {
      if (selected.length !== 1)
        throw new X0tError('KEY_INVALID', 'raw bytes of one key only: say --key', { exitCode: 2 })
      await keys.writeSecretFile(options.out, selected[0]!.raw, {
        force: options.force === true,
        mode: 0o644,
      })
      return output.note(`wrote ${options.out}`)
    }
    const result: PublicKeys = {
      format: options.format,
      text: textOf(opened, selected, options, keys),
      keys: selected.map((selectedKey) => ({
        algorithm: selectedKey.algorithm,
        keyId: keys.keyIdOf(selectedKey),
      })),
    }
    await deliver(options, output, result)
  })
}

type Keys = typeof import('@x0t/keys')

async function deliver(
  options: PublicOptions,
  output: ReturnType<CommandContext['output']>,
  result: PublicKeys,
): Promise<void> {
  if (options.out === undefined) return output.result(result, publicKeysView)
  const { writeSecretFile } = await import('@x0t/keys')
  await writeSecretFile(options.out, result.text, { force: options.force === true, mode: 0o644 })
  output.note(`wrote ${options.out}`)
}

function textOf(
  opened: OpenedKeyFile,
  selected: readonly PublicKeyBytes[],
  { format, key }: PublicOptions,
  keys: Keys,
): string {
  if (format === 'pem') return selected.map(keys.encodePublicKeyPem).join('')
  if (format === 'raw')
    return selected
      .map(({ algorithm, raw }) => `${algorithm} ${Buffer.from(raw).toString('base64')}\n`)
      .join('')
  if (key === undefined && opened.kind === 'identity') return keys.publicIdentityFile(opened.stored)
  if (key === undefined && opened.kind === 'public-identity') return opened.text
  return selected.map((selectedKey) => `${JSON.stringify(keys.encodePublicJwk(selectedKey))}\n`).join('')
}

function publicKeysOf(opened: OpenedKeyFile, keys: Keys): readonly PublicKeyBytes[] {
  if (opened.kind === 'public-key') return [opened.key]
  if (opened.kind === 'private-key') {
    const { algorithm, seed } = opened.key
    return [{ algorithm, raw: keys.nativeBackend[algorithm].publicKey(seed) }]
  }
  const rawOf = (algorithm: KeyAlgorithm): Uint8Array =>
    opened.kind === 'identity'
      ? opened.stored.identity[algorithm].publicRaw
      : opened.publicIdentity.keys[algorithm]
  return keys.keyAlgorithms.map((algorithm) => ({ algorithm, raw: rawOf(algorithm) }))
}

function recipientOf(opened: OpenedKeyFile, keys: Keys): string {
  if (opened.kind === 'public-identity') return opened.publicIdentity.ageRecipient
  if (opened.kind === 'identity') return keys.ageRecipientOf(opened.stored.masterSeed, opened.stored.epoch)
  throw new X0tError('KEY_INVALID', 'only an identity has an age recipient, not a single key', {
    exitCode: 2,
  })
}
