import { X0tError } from '@x0t/core'
import { openNativeBackend, readProgram } from '@x0t/bpf'
import t from 'tap'
import { dataFrame } from '../src/relay/data-frame.ts'
import { generatorState } from '../src/relay/generator-state.ts'
import { hopKey } from '../src/relay/static-mesh.ts'

const mask = 2n ** 64n - 1n

/** SipHash-2-4 (Aumasson, Bernstein 2012), word by word as in the paper. */
function sipHash(key: Uint8Array, message: Uint8Array): bigint {
  const keys = new DataView(key.buffer, key.byteOffset)
  const [k0, k1] = [keys.getBigUint64(0, true), keys.getBigUint64(8, true)]
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ] as [bigint, bigint, bigint, bigint]
  const turn = (word: bigint, bits: bigint): bigint => ((word << bits) | (word >> (64n - bits))) & mask
  const round = (): void => {
    v[0] = (v[0] + v[1]) & mask
    v[1] = turn(v[1], 13n) ^ v[0]
    v[0] = turn(v[0], 32n)
    v[2] = (v[2] + v[3]) & mask
    v[3] = turn(v[3], 16n) ^ v[2]
    v[0] = (v[0] + v[3]) & mask
    v[3] = turn(v[3], 21n) ^ v[0]
    v[2] = (v[2] + v[1]) & mask
    v[1] = turn(v[1], 17n) ^ v[2]
    v[2] = turn(v[2], 32n)
  }
  const padded = new Uint8Array((message.length & ~7) + 8)
  padded.set(message)
  padded[padded.length - 1] = message.length
  const words = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const word = words.getBigUint64(at, true)
    v[3] ^= word
    round()
    round()
    v[0] ^= word
  }
  v[2] ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v[0] ^ v[1] ^ v[2] ^ v[3]
}

t.test('the reference gives the vector of the paper', async (t) => {
  // Appendix A: key 00 01 … 0f, message 00 01 … 0e.
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, at) => at)
  t.equal(sipHash(bytes(16), bytes(15)), 0xa129ca6149be45e5n)
})

/** Undefined where programs can be run here. */
async function problem(): Promise<string | undefined> {
  try {
    using loaded = await openNativeBackend().load(await readProgram('gendata'))
    return loaded.refusals[0]?.message
  } catch (error) {
    if (error instanceof X0tError) return error.message
    throw error
  }
}
const missing = await problem()
const skip = missing !== undefined && process.env['CI'] === undefined ? missing : false
const hopAt = 42

t.test('each frame gets the next number of a kernel and its tag', { skip }, async (t) => {
  using loaded = await openNativeBackend().load(await readProgram('gendata'))
  const program = loaded.programs.get('x0t_gendata')!
  const memory = loaded.maps.get('x0t_gendata_state')!.memory()
  const state = generatorState(memory)
  const key = hopKey('s', 'a')
  state.setKey(key)
  const frame = dataFrame({
    from: { host: 's', mac: '02:00:00:00:00:01', ipv4: '10.0.0.1' },
    to: { host: 'a', mac: '02:00:00:00:00:02', ipv4: '10.0.0.2' },
    destination: 'd',
    datagramBytes: 200,
  })
  state.setFrame(frame)
  for (const number of [1n, 2n]) {
    // A relay has changed addresses, hop limits and the header of the datagram.
    const used = Uint8Array.from(frame, (byte, at) => (at < 90 ? byte ^ 0x55 : byte))
    const { verdict, packet } = program.testRun(used)
    t.equal(verdict, 3, 'XDP_TX')
    const view = new DataView(packet.buffer, packet.byteOffset)
    t.equal(view.getBigUint64(hopAt + 8), 2n ** 52n + number)
    const covered = Buffer.concat([
      packet.subarray(hopAt, hopAt + 24),
      packet.subarray(hopAt + 32, hopAt + 48),
    ])
    t.equal(view.getBigUint64(hopAt + 24, true), sipHash(key, covered))
    t.strictSame(packet.subarray(0, hopAt + 8), frame.subarray(0, hopAt + 8))
    t.strictSame(packet.subarray(hopAt + 32), frame.subarray(hopAt + 32))
  }
  t.equal(state.packets(), 2)
  // One in a thousand seconds: the first is due at once, the second is not.
  state.setRate(0.001)
  t.equal(program.testRun(frame).verdict, 3)
  t.equal(program.testRun(frame).verdict, 1, 'XDP_DROP: early')
  t.equal(state.packets(), 3)
  state.setRate(0)
  t.equal(program.testRun(frame).verdict, 3, 'as fast as can be')
  t.equal(program.testRun(frame.subarray(0, 95)).verdict, 0, 'XDP_ABORTED: no room for the header')
})
