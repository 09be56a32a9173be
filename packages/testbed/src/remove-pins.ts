import { access, stat } from 'node:fs/promises'
import { hasCode } from '@x0t/core'
import { namespacePath } from './run-command.ts'

/** What nodes pin of their fast path: named by the inode of their network namespace (packages/tunnel, fast-path.ts). */
export function isFastPathOf(name: string, namespaces: ReadonlySet<number>): boolean {
  const inode = /^fastpath-(\d+)-/.exec(name)?.[1]
  return inode !== undefined && namespaces.has(Number(inode))
}

/**
 * Removes what nodes that were killed left pinned for the next start: with the testbed its namespaces go, and no start comes.
 * To be called while the namespaces are there.
 */
export async function removeNodePins(namespaces: readonly string[]): Promise<void> {
  const { defaultPinRoot, readPins, removeObject } = await import('@x0t/bpf')
  if (!(await isThere(defaultPinRoot))) return
  const inodes = new Set<number>()
  for (const namespace of namespaces) {
    const path = namespacePath(namespace)
    if (await isThere(path)) inodes.add((await stat(path)).ino)
  }
  const left = new Set((await readPins(defaultPinRoot)).map(({ name }) => name))
  for (const name of left) if (isFastPathOf(name, inodes)) await removeObject(defaultPinRoot, name)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
