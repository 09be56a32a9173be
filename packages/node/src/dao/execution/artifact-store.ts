import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import type { PublishAction, RecordId } from '@x0t/dao'
import { z } from 'zod'

/** A published file in a home. */
export interface StoredArtifact {
  readonly artifact: PublishAction['artifact']
  readonly name: string
  readonly digest: string
  readonly sizeBytes: number
  readonly signer: string
  readonly proposal: string
  /** The file; its signature lies beside it with `.sig`. */
  readonly path: string
}

// No published file has a name that begins with a dot.
const noteFile = '.artifact.json'
const noteSchema = z.strictObject({
  v: z.literal(1),
  artifact: z.enum(['model', 'program']),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().positive(),
  signer: z.string(),
  proposal: z.string(),
})

/** Folder of one published file: a file of another content has another, so that nothing is ever overwritten. */
function folderOf(directory: string, { name, digest }: Pick<PublishAction, 'name' | 'digest'>): string {
  return join(directory, `${name}-${digest.slice(0, 16)}`)
}

/**
 * Keeps a published file whose digest and signature were checked: file, signature and a note about them appear together
 * or not at all. Loads nothing.
 * @returns where the file lies
 */
export async function storeArtifact(
  directory: string,
  action: PublishAction,
  content: { readonly bytes: Uint8Array; readonly signature: Uint8Array; readonly proposal: RecordId },
): Promise<string> {
  const folder = folderOf(directory, action)
  const known = await findArtifact(directory, action)
  if (known !== undefined) return known.path
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = join(directory, `.new-${randomBytes(9).toString('hex')}`)
  const { artifact, name, digest, sizeBytes, signer } = action
  const note = { v: 1, artifact, name, digest, sizeBytes, signer, proposal: content.proposal }
  try {
    await mkdir(temporary, { mode: 0o700 })
    await writeSynced(join(temporary, name), content.bytes)
    await writeSynced(join(temporary, `${name}.sig`), content.signature)
    await writeSynced(join(temporary, noteFile), `${JSON.stringify(note, undefined, 2)}\n`)
    // What stands there is damaged, or it would have been found.
    await rm(folder, { recursive: true, force: true })
    await rename(temporary, folder)
    await syncFolder(directory)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return join(folder, name)
}

/** The published file of an action, if it is here and whole. */
export async function findArtifact(
  directory: string,
  action: Pick<PublishAction, 'name' | 'digest'>,
): Promise<StoredArtifact | undefined> {
  return await readStored(folderOf(directory, action))
}

/** Every published file that is whole, by name, and the folders that hold a damaged one. */
export async function listArtifacts(
  directory: string,
): Promise<{ readonly artifacts: readonly StoredArtifact[]; readonly damaged: readonly string[] }> {
  let folders: string[]
  try {
    folders = (await readdir(directory)).filter((name) => !name.startsWith('.')).toSorted()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { artifacts: [], damaged: [] }
    throw error
  }
  const artifacts: StoredArtifact[] = []
  const damaged: string[] = []
  for (const name of folders) {
    const found = await readStored(join(directory, name))
    if (found === undefined) damaged.push(join(directory, name))
    else artifacts.push(found)
  }
  return { artifacts, damaged }
}

async function readStored(folder: string): Promise<StoredArtifact | undefined> {
  try {
    const { v: _, ...note } = noteSchema.parse(JSON.parse(await readFile(join(folder, noteFile), 'utf8')))
    const path = join(folder, note.name)
    const bytes = await readFile(path)
    await readFile(`${path}.sig`)
    const digest = createHash('sha256').update(bytes).digest('hex')
    return digest === note.digest ? { ...note, path } : undefined
  } catch (error) {
    const isDamaged = error instanceof SyntaxError || error instanceof z.ZodError
    if (isDamaged || hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw new X0tError('ARTIFACT_UNREADABLE', `cannot read the published file in ${folder}`, {
      cause: error,
      hint: 'check owner and mode of the folder',
    })
  }
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flag: 'wx', flush: true })
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
