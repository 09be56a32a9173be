import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import { throwReadFailure } from './read-failure.ts'
import { inspectKeyFile, type KeyFileSummary } from './inspect-file.ts'

/** A file of a directory that holds keys. */
export interface KeyDirectoryEntry {
  readonly path: string
  readonly summary: KeyFileSummary
}

/** Most files that one listing looks at. */
const maxEntries = 10_000

/**
 * The keys and identities of a directory, by name; files that are something else are passed over.
 * @throws X0tError KEY_NOT_FOUND
 */
export async function listKeyDirectory(directory: string): Promise<readonly KeyDirectoryEntry[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(throwReadFailure(directory))
  const found: KeyDirectoryEntry[] = []
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
  for (const name of names.toSorted().slice(0, maxEntries)) {
    const path = join(directory, name)
    try {
      found.push({ path, summary: await inspectKeyFile(path) })
    } catch (error) {
      if (!(error instanceof X0tError)) throw error
    }
  }
  return found
}
