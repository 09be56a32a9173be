import { lpStream } from '@libp2p/utils'
import { X0tError, type NodeId } from '@x0t/core'
import type { RecordId } from '@x0t/dao'
import type { OrbitLimits } from './limits.ts'
import type { OrbitNetwork } from './ports.ts'
import { decodeBlock, encodeRequest, entriesProtocol, maxHave } from './wire.ts'

const overheadBytes = 1024
/** Identities in one answer: each is of another writer, and an answer is about few. */
const maxIdentities = 64

/** Entries that one neighbour gives, as OrbitDB asks for them one by one; answers bring more than was asked for. */
export interface EntryClient {
  /** @throws X0tError ORBIT_BLOCK_MISSING, ORBIT_MESSAGE_INVALID */
  entry(hash: string, have: readonly string[]): Promise<Uint8Array>
  readonly identity: (hash: string) => Uint8Array | undefined
}

export function entryClient(options: {
  readonly network: OrbitNetwork
  readonly neighbour: NodeId
  readonly dao: RecordId
  readonly limits: OrbitLimits
  readonly signal: AbortSignal
}): EntryClient {
  const { network, neighbour, dao, limits, signal } = options
  // What the last answer brought beyond what was asked for; never more than one answer.
  let brought = new Map<string, Uint8Array>()
  const identities = new Map<string, Uint8Array>()

  const ask = async (want: readonly string[], have: readonly string[]): Promise<Map<string, Uint8Array>> => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.exchangeMs)])
    const stream = await network.open(neighbour, entriesProtocol, { signal: deadline })
    try {
      const frames = lpStream(stream, {
        maxDataLength: limits.entryBytes + overheadBytes,
        maxBufferSize: limits.answerBytes + limits.entryBytes * 2,
      })
      await frames.write(encodeRequest({ dao, want, have: have.slice(0, maxHave) }), { signal: deadline })
      const answer = new Map<string, Uint8Array>()
      let bytes = 0
      for (;;) {
        const frame = await frames.read({ signal: deadline }).catch((error: unknown) => {
          if (error instanceof Error && error.name === 'UnexpectedEOFError') return undefined
          throw error
        })
        if (frame === undefined) return answer
        const block = decodeBlock(frame.subarray())
        bytes += block.bytes.length
        if (
          answer.size >= limits.answerEntries ||
          (answer.size > 0 && bytes > limits.answerBytes + limits.entryBytes)
        )
          throw new X0tError(
            'ORBIT_MESSAGE_INVALID',
            `an answer of more than ${limits.answerEntries} entries`,
          )
        if (block.kind === 'entry') answer.set(block.hash, block.bytes)
        else if (identities.size < maxIdentities) identities.set(block.hash, block.bytes)
      }
    } finally {
      void stream.close().catch(() => stream.abort(new Error('closed')))
    }
  }

  return {
    async entry(hash, have) {
      if (!brought.has(hash)) brought = await ask([hash], have)
      const bytes = brought.get(hash)
      if (bytes === undefined)
        throw new X0tError('ORBIT_BLOCK_MISSING', `${neighbour} did not give entry ${hash}`)
      return bytes
    },
    identity: (hash) => identities.get(hash),
  }
}
