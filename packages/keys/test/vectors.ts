import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = join(import.meta.dirname, '../../../../shared/data/keys')

/** Options of a test that needs the published vectors: skipped by name where they are not there. */
export const needsVectors = existsSync(directory)
  ? {}
  : { skip: 'the published vectors (../shared/data/keys) are not here' }

export function vectorText(name: string): string {
  return readFileSync(join(directory, name), 'utf8')
}

export function vectorJson(name: string): unknown {
  return JSON.parse(vectorText(name))
}

export const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** Bytes 0, 1, 2, …: the seed of the examples in RFC 9881 and RFC 9935. */
export const countingBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index)
