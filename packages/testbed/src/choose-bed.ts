import { X0tError } from '@x0t/core'
import { listBeds } from './bed-folder.ts'

/**
 * The testbed that a command means: the one named, else the only one there is.
 * @throws X0tError TESTBED_NOT_FOUND, TESTBED_AMBIGUOUS
 */
export async function chooseBed(runFolder: string, name: string | undefined): Promise<string> {
  if (name !== undefined) return name
  const beds = await listBeds(runFolder)
  if (beds.length === 1) return beds[0]!
  if (beds.length === 0)
    throw new X0tError('TESTBED_NOT_FOUND', 'no testbed is up', { hint: 'x0t testbed up pair' })
  throw new X0tError('TESTBED_AMBIGUOUS', `several testbeds are up: ${beds.join(', ')}`, {
    exitCode: 2,
    hint: `--bed ${beds[0]!}`,
  })
}
