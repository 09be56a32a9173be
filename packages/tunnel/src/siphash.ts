/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) on pairs of 32-bit integers: the reference for the WebAssembly
 * routine of hop-routines.ts, and what runs where that cannot be compiled.
 * @param key 16 bytes
 * @returns 8 bytes, little endian as in the paper
 */
export function sipHash24(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`)
  const keys = new DataView(key.buffer, key.byteOffset, 16)
  const k0 = keys.getInt32(0, true)
  const k1 = keys.getInt32(4, true)
  const k2 = keys.getInt32(8, true)
  const k3 = keys.getInt32(12, true)
  const state = new Int32Array([
    k0 ^ 0x70736575,
    k1 ^ 0x736f6d65,
    k2 ^ 0x6e646f6d,
    k3 ^ 0x646f7261,
    k0 ^ 0x6e657261,
    k1 ^ 0x6c796765,
    k2 ^ 0x79746573,
    k3 ^ 0x74656462,
  ])
  const padded = new Uint8Array((message.length & ~7) + 8)
  padded.set(message)
  padded[padded.length - 1] = message.length & 0xff
  const words = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const low = words.getInt32(at, true)
    const high = words.getInt32(at + 4, true)
    state[6]! ^= low
    state[7]! ^= high
    round(state)
    round(state)
    state[0]! ^= low
    state[1]! ^= high
  }
  state[4]! ^= 0xff
  for (let i = 0; i < 4; i++) round(state)
  const tag = new Uint8Array(8)
  const out = new DataView(tag.buffer)
  out.setInt32(0, state[0]! ^ state[2]! ^ state[4]! ^ state[6]!, true)
  out.setInt32(4, state[1]! ^ state[3]! ^ state[5]! ^ state[7]!, true)
  return tag
}

/** SipRound of the paper, figure 2.1; v0 to v3 are pairs (low, high). */
function round(v: Int32Array): void {
  add(v, 0, 2)
  rotate(v, 2, 13)
  xor(v, 2, 0)
  swap(v, 0)
  add(v, 4, 6)
  rotate(v, 6, 16)
  xor(v, 6, 4)
  add(v, 0, 6)
  rotate(v, 6, 21)
  xor(v, 6, 0)
  add(v, 4, 2)
  rotate(v, 2, 17)
  xor(v, 2, 4)
  swap(v, 4)
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (v[to]! >>> 0) + (v[from]! >>> 0)
  v[to] = low
  v[to + 1] = v[to + 1]! + v[from + 1]! + (low > 0xffffffff ? 1 : 0)
}

function rotate(v: Int32Array, at: number, bits: number): void {
  const low = v[at]!
  const high = v[at + 1]!
  v[at] = (low << bits) | (high >>> (32 - bits))
  v[at + 1] = (high << bits) | (low >>> (32 - bits))
}

function xor(v: Int32Array, to: number, from: number): void {
  v[to]! ^= v[from]!
  v[to + 1]! ^= v[from + 1]!
}

function swap(v: Int32Array, at: number): void {
  const low = v[at]!
  v[at] = v[at + 1]!
  v[at + 1] = low
}
