import { existsSync } from 'node:fs'
import { X0tError } from '@x0t/core'
import type { SignedRecord } from '@x0t/dao'

/**
 * Writes a bundle, and replaces no file unless told to.
 * @throws X0tError DAO_FILE_EXISTS and what `writeBundle` throws
 */
export async function writeRecords(
  file: string,
  records: AsyncIterable<SignedRecord> | Iterable<SignedRecord>,
  { force }: { readonly force: boolean },
): Promise<{ readonly records: number; readonly bytes: number }> {
  refuseExisting(file, force)
  const { writeBundle } = await import('@x0t/dao')
  return writeBundle(file, records)
}

/** @throws X0tError DAO_FILE_EXISTS */
export function refuseExisting(file: string, force: boolean): void {
  if (force || !existsSync(file)) return
  throw new X0tError('DAO_FILE_EXISTS', `${file} is there already`, {
    hint: '--force replaces it',
    exitCode: 2,
  })
}
