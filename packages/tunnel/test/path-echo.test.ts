import t from 'tap'
import fc from 'fast-check'
import { createArena } from '../src/arena.ts'
import { readEcho, writeEcho } from '../src/path-echo.ts'
import { createFakeKernel } from './support/fake-kernel.ts'

const arena = createArena(
  1 << 16,
  createFakeKernel(() => {}),
)

t.test('an echo reads as it was written, padding or not', async () => {
  const number = fc.nat(0xffff_ffff)
  fc.assert(
    fc.property(
      fc.record({
        id: number,
        heardId: number,
        overdue: fc.nat(255),
        answeredId: number,
        isPrimary: fc.boolean(),
      }),
      fc.integer({ min: 16, max: 2000 }),
      (echo, length) => {
        arena.bytes.fill(0xff, 64, 4096)
        writeEcho(arena, 64, 0x82, echo, length)
        const read = readEcho(arena, 64, length)
        const isZero = arena.bytes.subarray(64 + 16, 64 + length).every((byte) => byte === 0)
        return JSON.stringify(read) === JSON.stringify(echo) && isZero && arena.bytes[64 + length] === 0xff
      },
    ),
    { seed: 81 },
  )
})

t.test('what is too short or says what is not defined is no echo, and nothing else throws', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      arena.bytes.set(bytes, 64)
      const isEcho = readEcho(arena, 64, bytes.length) !== undefined
      return isEcho === (bytes.length >= 16 && bytes[1]! <= 1 && bytes[11] === 0)
    }),
    { seed: 82, numRuns: 1000 },
  )
  writeEcho(arena, 64, 0x83, { id: 1, heardId: 2, overdue: 999, answeredId: 3, isPrimary: false }, 16)
  t.equal(readEcho(arena, 64, 16)?.overdue, 255, 'more than can be said')
})
