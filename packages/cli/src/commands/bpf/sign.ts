import type { Command } from 'commander'
import type { ObjectSigner } from '@x0t/bpf'
import type { CommandContext } from '../../main.ts'
import { writtenFilesView } from '../../views/key.ts'
import { addUnlockOptions, unlock, type UnlockOptions } from '../key/protection-options.ts'
import { folderOf, readObjectSource } from './object-source.ts'
import { manifestSignaturePath, readManifest } from './up.ts'

interface SignOptions extends UnlockOptions {
  readonly identity: string
  readonly out?: string
  readonly force?: true
}

export function registerSign(bpf: Command, context: CommandContext): void {
  addUnlockOptions(
    bpf
      .command('sign')
      .description('sign an object, or every object of a manifest together with it (ML-DSA-65 and Ed25519)')
      .argument('<object-or-manifest>', 'a shipped program, an object file, or a manifest (.json)')
      .requiredOption('--identity <file>', 'the identity file whose keys sign')
      .option('--out <file>', 'of one object: where to write the signature; OBJECT.sig by default')
      .option('--force', 'replace existing signatures'),
  ).action(async (reference: string, options: SignOptions) => {
    const { hybridSign, readIdentityFile, writeSecretFile } = await import('@x0t/keys')
    const { parseManifest, signObject } = await import('@x0t/bpf')
    const { identity, masterSeed } = await readIdentityFile(options.identity, await unlock(options, context))
    masterSeed.fill(0)
    const signer: ObjectSigner = {
      keyId: identity.nodeId,
      keys: { ed25519PublicRaw: identity.ed25519.publicRaw, mldsa65PublicRaw: identity.mldsa65.publicRaw },
      sign: (message, signingContext) => hybridSign(identity, message, signingContext),
    }
    const files: string[] = []
    const write = async (path: string, text: string): Promise<void> => {
      await writeSecretFile(path, text, { force: options.force === true, mode: 0o644 })
      files.push(path)
    }
    if (reference.endsWith('.json')) {
      const manifest = await readManifest(reference)
      for (const { name, object } of parseManifest(manifest.toString('utf8')).objects) {
        const { bytes } = await readObjectSource(object, folderOf(reference))
        await write(manifestSignaturePath(reference, name), signObject({ object: bytes, manifest }, signer))
      }
    } else {
      const { path, bytes } = await readObjectSource(reference)
      await write(options.out ?? `${path}.sig`, signObject({ object: bytes }, signer))
    }
    context.output().result({ nodeId: identity.nodeId, files }, writtenFilesView)
  })
}
