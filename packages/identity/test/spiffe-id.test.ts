import { readFileSync, existsSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { X0tError, nodeIdFromBytes } from '@x0t/core'
import { formatSpiffeId, nodeSpiffeId, parseNodeSpiffeId, parseSpiffeId, trustDomainOf } from '@x0t/identity'

const lists = `${import.meta.dirname}/../../../../shared/data/identity/spiffe-ids.json`
const nodeId = nodeIdFromBytes(new Uint8Array(32).fill(7))

t.test(
  'the valid IDs of go-spiffe parse, the invalid ones are refused',
  { skip: existsSync(lists) ? false : 'spiffe-ids.json is not in ../shared/data/identity' },
  (t) => {
    const { valid, invalid } = JSON.parse(readFileSync(lists, 'utf8')) as {
      valid: string[]
      invalid: Record<string, string>
    }
    for (const id of valid) t.equal(formatSpiffeId(parseSpiffeId(id)), id)
    for (const [id, why] of Object.entries(invalid))
      t.throws(() => parseSpiffeId(id), { code: 'SPIFFE_ID_INVALID' }, `${JSON.stringify(id)}: ${why}`)
    t.end()
  },
)

t.test('trust domain and path take exactly the characters of SPIFFE-ID.md §2.1 and §2.2', (t) => {
  for (let point = 0; point < 256; point++) {
    const character = String.fromCodePoint(point)
    if (character === '/') continue
    const inDomain = /^[a-z0-9._-]$/.test(character)
    const inPath = /^[A-Za-z0-9._-]$/.test(character)
    t.equal(parses(`spiffe://trustdomain${character}`), inDomain, `domain, code point ${point}`)
    t.equal(parses(`spiffe://trustdomain/path${character}`), inPath, `path, code point ${point}`)
  }
  t.end()
})

t.test('a trust domain has at most 255 bytes and an ID 2048', (t) => {
  t.ok(parses(`spiffe://${'a'.repeat(255)}`))
  t.notOk(parses(`spiffe://${'a'.repeat(256)}`))
  t.ok(parses(`spiffe://d/${'a'.repeat(2048 - 11)}`))
  t.notOk(parses(`spiffe://d/${'a'.repeat(2048 - 10)}`))
  t.end()
})

t.test('the message names the position of the fault', (t) => {
  t.throws(() => parseSpiffeId('spiffe://home.x0t/a%2fb'), { message: /position 20\)/ })
  t.throws(() => parseSpiffeId('spiffe://user@home'), { message: /position 14\)/ })
  t.throws(() => parseSpiffeId('spiffe://home:80'), { message: /position 14\)/ })
  t.end()
})

t.test('a mesh name is 1 to 63 of a-z 0-9 and inner hyphens', (t) => {
  t.equal(trustDomainOf('home-2'), 'home-2.x0t')
  for (const name of ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a'.repeat(64), 'ü'])
    t.throws(() => trustDomainOf(name), { code: 'MESH_NAME_INVALID', exitCode: 2 }, name)
  t.end()
})

t.test('the ID of a node holds its id whole', (t) => {
  const id = nodeSpiffeId('home.x0t', nodeId)
  t.equal(id, `spiffe://home.x0t/node/${nodeId}`)
  t.same(parseNodeSpiffeId(id), { trustDomain: 'home.x0t', nodeId })
  for (const other of [
    'spiffe://home.x0t',
    `${id}/more`,
    `spiffe://home.x0t/workload/${nodeId}`,
    id.slice(0, -1),
  ])
    t.throws(() => parseNodeSpiffeId(other), { code: 'SPIFFE_ID_NOT_NODE' }, other)
  t.end()
})

t.test('any text either parses and is written back the same, or is refused with the code', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }).map((s) => `spiffe://${s}`),
  )
  fc.assert(
    fc.property(text, (id) => !parses(id) || formatSpiffeId(parseSpiffeId(id)) === id),
    { seed: 41, numRuns: 2000 },
  )
  t.end()
})

function parses(id: string): boolean {
  try {
    parseSpiffeId(id)
    return true
  } catch (error) {
    if (error instanceof X0tError && error.code === 'SPIFFE_ID_INVALID') return false
    throw error
  }
}
