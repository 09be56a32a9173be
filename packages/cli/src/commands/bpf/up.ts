import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openKernelToPin, withKernel, type KernelOptions } from './kernel.ts'
import { folderOf, readObjectSource } from './object-source.ts'
import { requireSignature, withSignature, type SignatureOptions } from './signature-options.ts'

export function registerUp(bpf: Command, context: CommandContext): void {
  const command = bpf
    .command('up')
    .description('make the kernel match a manifest: load, replace, attach, detach what differs')
    .argument('<manifest>', 'a JSON file; docs/bpf.md shows one')
  withSignature(withKernel(command)).action(
    async (path: string, options: KernelOptions & SignatureOptions) => {
      const { applyManifest, parseManifest } = await import('@x0t/bpf')
      const bytes = await readManifest(path)
      const manifest = parseManifest(bytes.toString('utf8'))
      const folder = folderOf(path)
      const keyFile = options.requireSigned ?? context.streams.env['X0T_BPF_REQUIRE_SIGNED']
      // Read once, so that what is loaded is what was checked.
      const objects = new Map<string, Uint8Array>()
      for (const { name, object } of manifest.objects) {
        const content = { object: (await readObjectSource(object, folder)).bytes, manifest: bytes }
        await requireSignature(content, manifestSignaturePath(path, name), keyFile)
        objects.set(object, content.object)
      }
      const kernel = await openKernelToPin(options, context)
      const changes = await applyManifest(kernel.backend, {
        ...kernel,
        manifest,
        readObject: async (object) => objects.get(object)!,
      })
      const { changesView } = await import('../../views/bpf.ts')
      context.output().result({ changes }, changesView)
    },
  )
}

/** Signatures of a manifest lie beside it, one for each object: `mesh.json.flow.sig`. */
export function manifestSignaturePath(manifest: string, object: string): string {
  return `${manifest}.${object}.sig`
}

/** @throws X0tError BPF_MANIFEST_NOT_FOUND */
export async function readManifest(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EISDIR')) throw error
    throw new X0tError('BPF_MANIFEST_NOT_FOUND', `there is no manifest at ${path}`, {
      cause: error,
      exitCode: 2,
    })
  }
}
