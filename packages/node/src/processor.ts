import { readFile } from 'node:fs/promises'
import { hasCode } from '@x0t/core'

/** Whether the processor computes AES in hardware; without it ChaCha20 is several times faster. */
export async function hasAesInstructions(path = '/proc/cpuinfo'): Promise<boolean> {
  try {
    return listsAes(await readFile(path, 'utf8'))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    return false
  }
}

/** `flags` on x86, `Features` on ARM. */
export function listsAes(cpuinfo: string): boolean {
  return /^(?:flags|Features)\s*:.*\baes\b/m.test(cpuinfo)
}
