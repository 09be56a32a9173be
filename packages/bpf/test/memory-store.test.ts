import t from 'tap'
import type { MapSpec } from '@x0t/bpf'
import { openMemoryStore } from '../src/memory-store.ts'
import { long, word } from './support/compliance.ts'

const spec = (type: string, more: Partial<MapSpec> = {}): MapSpec => ({
  name: 'm',
  type,
  keyBytes: 4,
  valueBytes: 8,
  maxEntries: 2,
  flags: 0,
  ...more,
})

t.test('a full hash takes no more, a full LRU hash forgets what was used longest ago', (t) => {
  const hash = openMemoryStore(spec('hash'), 8)
  t.ok(hash.set(word(1), long(1n)))
  t.ok(hash.set(word(2), long(2n)))
  t.notOk(hash.set(word(3), long(3n)))
  t.ok(hash.set(word(1), long(9n)), 'what is there can be changed')
  const lru = openMemoryStore(spec('lru_hash'), 8)
  lru.set(word(1), long(1n))
  lru.set(word(2), long(2n))
  lru.get(word(1))
  t.ok(lru.set(word(3), long(3n)))
  t.same([lru.has(word(1)), lru.has(word(2)), lru.has(word(3))], [true, false, true])
  t.notOk(openMemoryStore(spec('lru_hash', { maxEntries: 0 }), 8).set(word(1), long(1n)))
  t.end()
})

t.test('what is stored is a copy', (t) => {
  const hash = openMemoryStore(spec('hash'), 8)
  const [key, value] = [word(1), long(1n)]
  hash.set(key, value)
  key[0] = 9
  value[0] = 9
  t.same([...hash.entries()], [[word(1), long(1n)]])
  t.end()
})

t.test('a trie answers with the longest prefix that holds the address', (t) => {
  const trie = openMemoryStore(spec('lpm_trie', { keyBytes: 8, maxEntries: 3 }), 8)
  const key = (bits: number, ...address: number[]) => Uint8Array.of(bits, 0, 0, 0, ...address)
  trie.set(key(8, 10, 0, 0, 0), long(8n))
  trie.set(key(17, 10, 1, 128, 0), long(17n))
  trie.set(key(0, 0, 0, 0, 0), long(0n))
  t.same(trie.get(key(32, 10, 1, 129, 5)), long(17n))
  t.same(trie.get(key(32, 10, 1, 127, 5)), long(8n))
  t.same(trie.get(key(32, 192, 0, 2, 1)), long(0n))
  t.same(trie.get(key(99, 192, 0, 2, 1)), long(0n))
  t.ok(trie.has(key(8, 10, 9, 9, 9)), 'what is beyond the prefix does not count')
  t.notOk(trie.has(key(9, 10, 0, 0, 0)))
  t.notOk(trie.set(key(33, 10, 0, 0, 0), long(1n)))
  t.notOk(trie.has(key(33, 10, 0, 0, 0)))
  t.notOk(trie.delete!(key(33, 10, 0, 0, 0)))
  t.ok(trie.delete!(key(0, 1, 2, 3, 4)))
  t.equal(trie.get(key(32, 192, 0, 2, 1)), undefined)
  t.end()
})

t.test('a prog_array has empty slots and no more than it has', (t) => {
  const slots = openMemoryStore(spec('prog_array', { valueBytes: 4 }), 4)
  t.equal(slots.get(word(1)), undefined)
  t.ok(slots.set(word(1), word(5)))
  t.notOk(slots.set(word(2), word(5)))
  t.end()
})

t.test('a map that only a kernel has is refused', (t) => {
  t.throws(() => openMemoryStore(spec('stack_trace'), 8), { code: 'BPF_UNSUPPORTED', message: /stack_trace/ })
  t.end()
})
