import { open } from 'node:fs/promises'
import { hasCode, X0tError } from '@x0t/core'
import { maxConfigBytes } from './toml-file.ts'

/**
 * Text of a configuration file, at most one byte more than is allowed; undefined where there is none.
 * @throws X0tError CONFIG_UNREADABLE if it is there and cannot be read
 */
export async function readConfigFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r')
    const buffer = Buffer.alloc(maxConfigBytes + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) break
    }
    return buffer.toString('utf8', 0, length)
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw new X0tError('CONFIG_UNREADABLE', `cannot read ${path}`, {
      cause: error,
      hint: 'run as the user the node belongs to, or give another --home',
    })
  }
}
