import type { Command } from 'commander'
import { parseNodeId, X0tError, type NodeId } from '@x0t/core'
import { exitCodes, type CommandContext } from '../../main.ts'
import { verificationView, writtenFilesView } from '../../views/key.ts'
import { addUnlockOptions, unlock, type UnlockOptions } from './protection-options.ts'

interface SignOptions extends UnlockOptions {
  readonly identity: string
  readonly context: string
  readonly out?: string
  readonly force?: true
}

interface VerifyOptions {
  readonly signature?: string
  readonly id?: string
  readonly public?: string
  readonly context: string
}

const contextHelp = 'what the file is signed as; a signature holds under its context only'

/** `x0t key sign`, `x0t key verify`. */
export function registerSign(key: Command, context: CommandContext): void {
  addUnlockOptions(
    key
      .command('sign')
      .description('sign a file with both signature keys (Ed25519 and ML-DSA-65) of an identity')
      .argument('<file>')
      .requiredOption('--identity <file>', 'the identity file')
      .option('--context <text>', contextHelp, '')
      .option('--out <file>', 'where to write the signature; FILE.sig by default')
      .option('--force', 'replace an existing signature'),
  ).action(async (file: string, options: SignOptions) => {
    const { readIdentityFile, signFile, writeSecretFile } = await import('@x0t/keys')
    checkContext(options.context)
    const { identity, masterSeed } = await readIdentityFile(options.identity, await unlock(options, context))
    masterSeed.fill(0)
    const path = options.out ?? `${file}.sig`
    const signature = await signFile(identity, file, options.context, context.signal)
    await writeSecretFile(path, signature, { force: options.force === true, mode: 0o644 })
    context.output().result({ nodeId: identity.nodeId, files: [path] }, writtenFilesView)
  })
  key
    .command('verify')
    .description('check the signature of a file; exit code 3 if it does not hold or is of another signer')
    .argument('<file>')
    .option('--signature <file>', 'the signature; FILE.sig by default')
    .option('--id <node-id>', 'the id that must have signed')
    .option('--public <file>', 'the public identity (.pub) that must have signed')
    .option('--context <text>', contextHelp, '')
    .action(async (file: string, options: VerifyOptions) => {
      const { readPublicFile, verifyFile } = await import('@x0t/keys')
      checkContext(options.context)
      const expected = await expectedSigner(options)
      const signature = await readPublicFile(options.signature ?? `${file}.sig`)
      const { valid, signer } = await verifyFile(
        file,
        signature.toString('utf8'),
        options.context,
        context.signal,
      )
      const good = valid && signer === expected
      const reason = valid ? 'it is of another signer' : 'it is not of this file, context and signer'
      context.output().result({ file, good, signer, expected, ...(good ? {} : { reason }) }, verificationView)
      if (!good) context.exitCode(exitCodes.wanting)
    })
}

async function expectedSigner(options: VerifyOptions): Promise<NodeId> {
  const { parsePublicIdentity, readPublicFile } = await import('@x0t/keys')
  if (options.id !== undefined && options.public === undefined) return parseNodeId(options.id)
  if (options.public !== undefined && options.id === undefined)
    return parsePublicIdentity((await readPublicFile(options.public)).toString('utf8')).nodeId
  throw new X0tError('USAGE', 'say who must have signed: --id NODE-ID or --public FILE', { exitCode: 2 })
}

function checkContext(text: string): void {
  if (Buffer.byteLength(text) > 200)
    throw new X0tError('USAGE', 'a context has at most 200 bytes', { exitCode: 2 })
}
