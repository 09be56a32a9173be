import { leafHash, rootOfHashes } from './merkle-tree.ts'
import { encodeStrict } from './strict-cbor.ts'
import type { Elector } from './record.ts'

/** A member as one leaf of the snapshot: dag-cbor of all that a count needs to know of it. */
export function snapshotLeaf({ id, name, keys, balance, delegate }: Elector): Uint8Array<ArrayBuffer> {
  const { ed25519, mldsa65 } = keys
  return encodeStrict({ id, name, keys: { ed25519, mldsa65 }, balance, delegate })
}

const knownHashes = new WeakMap<Elector, Uint8Array>()

/** RFC 6962 root over the electors sorted by id: what a proposal says of its electorate. */
export function snapshotRoot(electors: Iterable<Elector>): Uint8Array {
  const sorted = [...electors].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return rootOfHashes(
    sorted.map((elector) => {
      let hash = knownHashes.get(elector)
      if (hash === undefined) knownHashes.set(elector, (hash = leafHash(snapshotLeaf(elector))))
      return hash
    }),
  )
}
