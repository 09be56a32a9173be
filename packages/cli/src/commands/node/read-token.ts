import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { messageOf, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'

/** Most bytes of a file or stream that holds a token. */
const maxTokenBytes = 65_536

/**
 * The join token from the argument, from standard input (`-`) or from a file; never from more than one.
 * @throws X0tError TOKEN_MISSING, TOKEN_UNREADABLE
 */
export async function readToken(
  { argument, file }: { readonly argument?: string | undefined; readonly file?: string | undefined },
  { streams }: CommandContext,
): Promise<string> {
  if (argument !== undefined && file !== undefined) throw missing('give the token or --token-file, not both')
  if (file !== undefined) {
    await using handle = await open(file).catch((cause: unknown) => {
      throw new X0tError('TOKEN_UNREADABLE', `cannot read ${file}: ${messageOf(cause)}`, { cause })
    })
    return checked(await readText(handle.createReadStream({ autoClose: false })))
  }
  if (argument === '-') return checked(await readText(streams.stdin))
  if (argument === undefined) throw missing('no join token was given')
  return checked(argument)
}

async function readText(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.length > maxTokenBytes) throw missing('what was read is too long for a join token')
  }
  return text
}

function checked(text: string): string {
  const token = text.trim()
  if (token === '') throw missing('the join token is empty')
  return token
}

function missing(message: string): X0tError {
  return new X0tError('TOKEN_MISSING', message, {
    hint: 'x0t node invite, on a member of the mesh, prints one',
    exitCode: 2,
  })
}
