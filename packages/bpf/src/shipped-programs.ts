import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'

/** Names of the objects in `bpf/`, each compiled from `<name>.bpf.c`; bpf/README.md describes them. */
export const shippedPrograms = [
  'chain',
  'connections',
  'drops',
  'fastpath',
  'fault',
  'flow',
  'gen',
  'gendata',
  'guard',
  'noop',
  'retransmits',
  'rtt',
  'runqueue',
] as const

/** One of {@link shippedPrograms}. */
export type ShippedProgram = (typeof shippedPrograms)[number]

const folder = resolve(import.meta.dirname, '../../../bpf')

/**
 * Path of the object file of a program that x0t ships.
 * @throws X0tError `BPF_PROGRAM_NOT_SHIPPED` if there is none of that name
 */
export function programPath(name: string): string {
  if (!shippedPrograms.some((shipped) => shipped === name)) {
    throw new X0tError('BPF_PROGRAM_NOT_SHIPPED', `x0t ships no program ${JSON.stringify(name)}`, {
      hint: `one of: ${shippedPrograms.join(', ')}`,
    })
  }
  return `${folder}/${name}.bpf.o`
}

/**
 * The object file of a program that x0t ships, for `BpfBackend.load`.
 * @throws X0tError `BPF_PROGRAM_NOT_SHIPPED` if there is none of that name, or the file is missing
 */
export async function readProgram(name: string): Promise<Uint8Array> {
  const path = programPath(name)
  try {
    return await readFile(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new X0tError('BPF_PROGRAM_NOT_SHIPPED', `there is no object file at ${path}`, {
      cause: error,
      hint: 'install x0t again, or build the object: make -C bpf',
    })
  }
}
