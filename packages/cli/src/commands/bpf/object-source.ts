import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'

/** An object file that a command names. */
export interface ObjectSource {
  /** Name under which it is pinned by default. */
  readonly name: string
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Reads an object: `flow` is the program that x0t ships, anything with a slash or `.o` a file.
 * @param folder that paths are relative to; that of the process by default
 * @throws X0tError BPF_PROGRAM_NOT_SHIPPED, BPF_OBJECT_FILE_NOT_FOUND
 */
export async function readObjectSource(reference: string, folder = '.'): Promise<ObjectSource> {
  const { objectNameOfFile, programPath, readProgram } = await import('@x0t/bpf')
  if (!isPath(reference))
    return { name: reference, path: programPath(reference), bytes: await readProgram(reference) }
  const path = resolve(folder, reference)
  try {
    return { name: objectNameOfFile(path), path, bytes: await readFile(path) }
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EISDIR')) throw error
    throw new X0tError('BPF_OBJECT_FILE_NOT_FOUND', `there is no object file at ${path}`, {
      cause: error,
      hint: `name a file, or a program that x0t ships (without path): x0t bpf load --help`,
      exitCode: 2,
    })
  }
}

/** Whether a word names a file and not a program that x0t ships. */
export function isPath(reference: string): boolean {
  return reference.includes('/') || reference.endsWith('.o')
}

/** Folder of a file. */
export function folderOf(path: string): string {
  return dirname(resolve(path))
}
