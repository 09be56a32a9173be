import { createHash } from 'node:crypto'

// Merkle trees of RFC 6962 §2.1, with SHA-256: the electorate of a proposal, the ballots of a certificate.

/** MTH({}) or MTH of the leaves: 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfHashes(leaves.map(leafHash))
}

/** The same of leaves that are hashed already. */
export function rootOfHashes(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0 ? createHash('sha256').digest() : rootOf(hashes)
}

/**
 * Audit path of one leaf, from the bottom up (§2.1.1).
 * @throws RangeError for an index outside the tree
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError(`leaf ${index} of ${leaves.length}`)
  let hashes = leaves.map(leafHash)
  let at = index
  const path: Uint8Array[] = []
  // Level by level: a node without a sibling moves up as it is, which is the split at the largest power of two.
  while (hashes.length > 1) {
    const sibling = hashes[at ^ 1]
    if (sibling !== undefined) path.push(sibling)
    hashes = nextLevel(hashes)
    at >>= 1
  }
  return path
}

/** True if `proof` shows that `leaf` is number `index` of `size` leaves below `root` (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  place: { readonly index: number; readonly size: number },
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  const { index, size } = place
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false
  let hash = leafHash(leaf)
  let at = index
  let last = size - 1
  let used = 0
  while (last > 0) {
    if (at % 2 === 1 || at !== last) {
      const sibling = proof[used++]
      if (sibling === undefined) return false
      hash = at % 2 === 1 ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return used === proof.length && Buffer.compare(hash, root) === 0
}

/**
 * Proof that the tree of the first `oldSize` leaves is a beginning of this one (§2.1.2).
 * @throws RangeError unless `oldSize` is from 1 to the number of leaves
 */
export function consistencyProof(leaves: readonly Uint8Array[], oldSize: number): Uint8Array[] {
  if (!Number.isInteger(oldSize) || oldSize < 1 || oldSize > leaves.length)
    throw new RangeError(`a beginning of ${oldSize} of ${leaves.length} leaves`)
  return subProof(leaves.map(leafHash), oldSize, true)
}

/** True if `proof` shows that a tree with `newRoot` begins with the one with `oldRoot` (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  older: { readonly size: number; readonly root: Uint8Array },
  newer: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(older.size) || !Number.isSafeInteger(newer.size)) return false
  if (older.size < 1 || older.size > newer.size) return false
  if (older.size === newer.size) return proof.length === 0 && Buffer.compare(older.root, newer.root) === 0
  let from = older.size - 1
  let last = newer.size - 1
  while (from % 2 === 1) {
    from = Math.floor(from / 2)
    last = Math.floor(last / 2)
  }
  // Where the old tree is a whole subtree of the new one, its root is not in the proof.
  const rest = from === 0 ? [older.root, ...proof] : [...proof]
  const first = rest.shift()
  if (first === undefined) return false
  let oldHash = first
  let newHash = first
  for (const hash of rest) {
    if (last === 0) return false
    if (from % 2 === 1 || from === last) {
      oldHash = nodeHash(hash, oldHash)
      newHash = nodeHash(hash, newHash)
      while (from % 2 === 0 && from !== 0) {
        from = Math.floor(from / 2)
        last = Math.floor(last / 2)
      }
    } else newHash = nodeHash(newHash, hash)
    from = Math.floor(from / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && Buffer.compare(oldHash, older.root) === 0 && Buffer.compare(newHash, newer.root) === 0
}

function subProof(hashes: readonly Uint8Array[], oldSize: number, isWhole: boolean): Uint8Array[] {
  if (oldSize === hashes.length) return isWhole ? [] : [rootOf(hashes)]
  const split = largestPowerBelow(hashes.length)
  const left = hashes.slice(0, split)
  const right = hashes.slice(split)
  if (oldSize <= split) return [...subProof(left, oldSize, isWhole), rootOf(right)]
  return [...subProof(right, oldSize - split, false), rootOf(left)]
}

function largestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  let level = hashes
  while (level.length > 1) level = nextLevel(level)
  return level[0]!
}

function nextLevel(hashes: readonly Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = []
  for (let i = 0; i < hashes.length; i += 2) {
    const right = hashes[i + 1]
    next.push(right === undefined ? hashes[i]! : nodeHash(hashes[i]!, right))
  }
  return next
}

/** Hash of a leaf: SHA-256 of a zero byte and the leaf. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(0)).update(leaf).digest()
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest()
}
