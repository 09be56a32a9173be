import { closeSync, openSync, readSync } from 'node:fs'
import type { MemberKeys } from '@x0t/dao'
import { algorithms } from '@x0t/keys'

/** A signed ballot as it comes from a stranger, with the keys that the registry has for its author. */
export interface StoredBallot {
  readonly keys: MemberKeys
  /** What `encodeSigned` gave. */
  readonly envelope: Uint8Array
}

const [edBytes, mldsaBytes] = [algorithms.ed25519.publicBytes, algorithms.mldsa65.publicBytes]
/** Before the envelope: its length and the two keys. */
const headBytes = 4 + edBytes + mldsaBytes

/** Ballots as they lie in a file, one after the other. */
export function encodeBallots(ballots: readonly StoredBallot[]): Uint8Array<ArrayBuffer> {
  const parts = ballots.flatMap(({ keys, envelope }) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(envelope.length)
    return [length, keys.ed25519, keys.mldsa65, envelope]
  })
  return new Uint8Array(Buffer.concat(parts))
}

/** The opposite of {@link encodeBallots}. */
export function decodeBallots(bytes: Uint8Array): readonly StoredBallot[] {
  const ballots: StoredBallot[] = []
  let at = 0
  const read = (length: number): Uint8Array | undefined => {
    if (at === bytes.length) return undefined
    at += length
    return bytes.subarray(at - length, at)
  }
  for (let one = nextBallot(read); one !== undefined; one = nextBallot(read)) ballots.push(one)
  return ballots
}

/** The ballots of a file, so many at a time: a hundred thousand weigh half a gigabyte. */
export function* readBallots(path: string, atOnce: number): Generator<readonly StoredBallot[]> {
  const file = openSync(path, 'r')
  const read = (length: number): Uint8Array | undefined => {
    const bytes = Buffer.alloc(length)
    return readSync(file, bytes) === 0 ? undefined : bytes
  }
  try {
    let batch: StoredBallot[] = []
    for (let one = nextBallot(read); one !== undefined; one = nextBallot(read)) {
      batch.push(one)
      if (batch.length < atOnce) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  } finally {
    closeSync(file)
  }
}

function nextBallot(read: (length: number) => Uint8Array | undefined): StoredBallot | undefined {
  const head = read(headBytes)
  if (head === undefined) return undefined
  const keys = { ed25519: head.subarray(4, 4 + edBytes), mldsa65: head.subarray(4 + edBytes) }
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0)
  return { keys, envelope: length === 0 ? new Uint8Array() : (read(length) ?? new Uint8Array()) }
}
