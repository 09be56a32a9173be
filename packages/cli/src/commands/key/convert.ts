import { basename, dirname, join } from 'node:path'
import { Option, type Command } from 'commander'
import type { ExportFormat, KeyAlgorithm } from '@x0t/keys'
import type { CommandContext } from '../../main.ts'
import { writtenFilesView } from '../../views/key.ts'
import { keyNames } from './key-names.ts'
import { addNewProtectOptions, newProtection, unlock, type NewProtectOptions } from './protection-options.ts'

interface ConvertOptions extends NewProtectOptions {
  readonly to: ExportFormat
  readonly key?: KeyAlgorithm
  readonly out?: string
  readonly stdout?: true
  readonly force?: true
}

/** `x0t key convert`. */
export function registerConvert(key: Command, context: CommandContext): void {
  addNewProtectOptions(
    key
      .command('convert')
      .description(
        'write private keys in a format of other programs; encrypted unless --no-passphrase is said',
      )
      .argument('<file>')
      .addOption(
        new Option('--to <format>', 'pkcs8 (OpenSSL), jwk, age (identity for age)')
          .choices(['pkcs8', 'jwk', 'age'])
          .makeOptionMandatory(),
      )
      .addOption(new Option('--key <key>', 'one key of an identity; all by default').choices(keyNames))
      .option('--out <directory>', 'where to write; beside the file by default')
      .option('--stdout', 'print the private keys')
      .option('--force', 'replace existing files'),
  ).action(async (file: string, options: ConvertOptions) => {
    const { exportKeys, openKeyFile, writeSecretFile } = await import('@x0t/keys')
    const opened = await openKeyFile(file, await unlock(options, context))
    const exported = await exportKeys(opened, options.to, await newProtection(options, context), options.key)
    const output = context.output()
    if (options.stdout === true) {
      return output.result(
        exported.map(({ key: name, content }) => ({ key: name, content })),
        (files) => files.map(({ content }) => content).join(''),
      )
    }
    const base = join(options.out ?? dirname(file), basename(file).replace(/\.(key|pem|jwk)$/, ''))
    const files: string[] = []
    for (const { suffix, content } of exported) {
      const path = `${base}.${suffix}`
      await writeSecretFile(path, content, { force: options.force === true })
      files.push(path)
    }
    output.result({ files }, writtenFilesView)
  })
}
