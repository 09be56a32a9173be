import t from 'tap'
import { consistencyProof, inclusionProof, merkleRoot, verifyConsistency, verifyInclusion } from '@x0t/dao'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

// Leaves and roots of the reference implementation of Certificate Transparency (merkletree tests, Apache-2.0).
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(hex)
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

t.test('roots are those of the reference implementation', (t) => {
  t.equal(text(merkleRoot([])), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  for (const [index, root] of roots.entries()) t.equal(text(merkleRoot(leaves.slice(0, index + 1))), root)
  t.end()
})

t.test('the inclusion proof of RFC 6962 §2.1.3 has its nodes', (t) => {
  // Seven leaves d0 to d6: the path of d0 is [b, h, l], of d3 [c, g, l], of d4 [f, j, k], of d6 [i, k].
  const seven = leaves.slice(0, 7)
  t.equal(inclusionProof(seven, 0).length, 3)
  t.equal(inclusionProof(seven, 6).length, 2)
  t.equal(text(inclusionProof(seven, 6)[1]!), roots[3], 'k is the root of the first four')
  t.same(inclusionProof(seven, 4)[2], merkleRoot(seven.slice(0, 4)))
  t.throws(() => inclusionProof(seven, 7), RangeError)
  t.throws(() => inclusionProof([], 0), RangeError)
  t.end()
})

t.test('the consistency proofs of RFC 6962 §2.1.3 have their nodes', (t) => {
  // PROOF(3, D[7]) = [c, d, g, l]; PROOF(4, D[7]) = [l]; PROOF(6, D[7]) = [i, j, k].
  const seven = leaves.slice(0, 7)
  t.equal(consistencyProof(seven, 3).length, 4)
  t.same(consistencyProof(seven, 4), [merkleRoot(seven.slice(4))])
  t.same(consistencyProof(seven, 6), [
    merkleRoot(seven.slice(4, 6)),
    merkleRoot([leaves[6]!]),
    merkleRoot(seven.slice(0, 4)),
  ])
  t.throws(() => consistencyProof(seven, 0), RangeError)
  t.throws(() => consistencyProof(seven, 8), RangeError)
  t.end()
})

t.test('every leaf of every tree proves its place, and no other', (t) => {
  const many = Array.from({ length: 20 }, (_, index) => Uint8Array.of(index))
  for (let size = 1; size <= many.length; size++) {
    const part = many.slice(0, size)
    const root = merkleRoot(part)
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(part, index)
      if (!verifyInclusion(part[index]!, { index, size }, proof, root)) t.fail(`${index} of ${size}`)
      for (let wrong = 0; wrong <= size; wrong++) {
        if (wrong !== index && verifyInclusion(part[index]!, { index: wrong, size }, proof, root))
          t.fail(`${index} of ${size} passes for ${wrong}`)
      }
      if (verifyInclusion(Uint8Array.of(255), { index, size }, proof, root)) t.fail('a foreign leaf')
      if (verifyInclusion(part[index]!, { index, size }, [...proof, root], root)) t.fail('a longer proof')
      if (proof.length > 0 && verifyInclusion(part[index]!, { index, size }, proof.slice(1), root))
        t.fail('a shorter proof')
    }
  }
  t.notOk(verifyInclusion(leaves[0]!, { index: -1, size: 1 }, [], hex(roots[0]!)))
  t.notOk(verifyInclusion(leaves[0]!, { index: 0, size: NaN }, [], hex(roots[0]!)))
  t.end()
})

t.test('every tree proves its beginnings, and no other tree does', (t) => {
  const many = Array.from({ length: 20 }, (_, index) => Uint8Array.of(index))
  for (let size = 1; size <= many.length; size++) {
    const newer = { size, root: merkleRoot(many.slice(0, size)) }
    for (let oldSize = 1; oldSize <= size; oldSize++) {
      const older = { size: oldSize, root: merkleRoot(many.slice(0, oldSize)) }
      const proof = consistencyProof(many.slice(0, size), oldSize)
      if (!verifyConsistency(older, newer, proof)) t.fail(`${oldSize} of ${size}`)
      const forged = { size: oldSize, root: merkleRoot([Uint8Array.of(99)]) }
      if (verifyConsistency(forged, newer, proof)) t.fail(`a forged beginning of ${oldSize} of ${size}`)
      if (verifyConsistency(older, newer, [...proof, older.root])) t.fail('a longer proof')
      if (oldSize < size && verifyConsistency(older, newer, proof.slice(0, -1))) t.fail('a shorter proof')
    }
  }
  const tree = { size: 1, root: hex(roots[0]!) }
  t.notOk(verifyConsistency({ ...tree, size: 0 }, tree, []))
  t.notOk(verifyConsistency({ ...tree, size: 2 }, tree, []))
  t.notOk(verifyConsistency({ ...tree, size: 0.5 }, tree, []))
  t.end()
})
