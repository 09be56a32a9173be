import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { Entry } from '@orbitdb/core'
import type { RecordId } from '@x0t/dao'
import type { CarrierFile } from './carrier-file.ts'
import type { OrbitLimits } from './limits.ts'
import type { IdentityBook } from './orbit-identity.ts'
import { decodeRequest, encodeBlock, type Block } from './wire.ts'

const maxRequestBytes = 16 << 10

/**
 * Answers one request for entries: those that were asked for and what they follow, as far as the asker lacks it, until
 * the answer is full; before the entries of a member the identity that they are signed with.
 * @throws X0tError ORBIT_MESSAGE_INVALID
 */
export async function serveEntries(
  stream: Stream,
  options: {
    readonly dao: RecordId
    readonly file: CarrierFile
    readonly book: IdentityBook
    readonly limits: OrbitLimits
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { dao, signal } = options
  const frames = lpStream(stream, { maxDataLength: maxRequestBytes })
  const request = decodeRequest((await frames.read({ signal })).subarray())
  if (request.dao === dao)
    for await (const block of blocksFor(request, options)) await frames.write(encodeBlock(block), { signal })
  await stream.close({ signal })
}

async function* blocksFor(
  { want, have }: { readonly want: readonly string[]; readonly have: readonly string[] },
  { file, book, limits }: { file: CarrierFile; book: IdentityBook; limits: OrbitLimits },
): AsyncGenerator<Block> {
  const seen = new Set(have)
  const told = new Set<string>()
  const queue = [...want]
  let entries = 0
  let bytesSent = 0
  for (let hash = queue.shift(); hash !== undefined; hash = queue.shift()) {
    if (seen.has(hash)) continue
    seen.add(hash)
    const bytes = file.entry(hash)
    if (bytes === undefined) continue
    if (entries >= limits.answerEntries || (entries > 0 && bytesSent + bytes.length > limits.answerBytes))
      return
    const { identity, next } = await Entry.decode(bytes)
    if (!told.has(identity)) {
      told.add(identity)
      const known = await book.get(identity)
      if (known !== undefined) yield { kind: 'identity', hash: identity, bytes: known.bytes }
    }
    entries++
    bytesSent += bytes.length
    yield { kind: 'entry', hash, bytes }
    queue.push(...next)
  }
}
