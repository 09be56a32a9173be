import { open } from 'node:fs/promises'
import { hasCode } from '@x0t/core'

/** Most bytes that are read from the end of a file. */
const maxTailBytes = 4 * 2 ** 20

/** The last lines of a file, oldest first; undefined where there is no file. */
export async function readLastLines(path: string, most: number): Promise<string[] | undefined> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    const start = Math.max(0, size - maxTailBytes)
    const buffer = Buffer.alloc(size - start)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    if (start > 0) lines.shift()
    return lines.filter((line) => line !== '').slice(-most)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
