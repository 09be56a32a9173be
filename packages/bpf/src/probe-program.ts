/** Instructions of the programs that probes load, and the BTF of their map. */

interface Instruction {
  readonly opcode: number
  readonly destination?: number
  readonly source?: number
  readonly offset?: number
  readonly immediate?: number
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * 8))
  instructions.forEach(({ opcode, destination = 0, source = 0, offset = 0, immediate = 0 }, index) => {
    view.setUint8(index * 8, opcode)
    view.setUint8(index * 8 + 1, (source << 4) | destination)
    view.setInt16(index * 8 + 2, offset, true)
    view.setInt32(index * 8 + 4, immediate, true)
  })
  return new Uint8Array(view.buffer)
}

// <linux/bpf.h>, <linux/bpf_common.h>
const moveImmediate = 0xb7
const moveRegister = 0xbf
const addImmediate = 0x07
const storeWord = 0x62
const loadMap = 0x18
const call = 0x85
const jumpIfEqual = 0x15
const exit = { opcode: 0x95 }
const pseudoMapFd = 1
const mapLookup = 1
const timerInit = 169
const clockMonotonic = 1

/** A program that only returns `verdict`. */
export function returning(verdict: number): Uint8Array {
  return assemble([{ opcode: moveImmediate, immediate: verdict }, exit])
}

/** A program that initializes the timer in element 0 of the map. */
export function initializingTimer(mapFd: number): Uint8Array {
  const map = (destination: number): readonly Instruction[] => [
    { opcode: loadMap, destination, source: pseudoMapFd, immediate: mapFd },
    { opcode: 0 },
  ]
  return assemble([
    { opcode: storeWord, destination: 10, offset: -4 },
    { opcode: moveRegister, destination: 2, source: 10 },
    { opcode: addImmediate, destination: 2, immediate: -4 },
    ...map(1),
    { opcode: call, immediate: mapLookup },
    { opcode: jumpIfEqual, destination: 0, offset: 5 },
    { opcode: moveRegister, destination: 1, source: 0 },
    ...map(2),
    { opcode: moveImmediate, destination: 3, immediate: clockMonotonic },
    { opcode: call, immediate: timerInit },
    { opcode: moveImmediate, immediate: 0 },
    exit,
  ])
}

/** BTF of `u32` (type 1) and of `struct { struct bpf_timer t; }` (type 5, 16 bytes). */
export function timerBtf(): Uint8Array {
  const strings = ['', 'u32', 'u64', 'bpf_timer', '__opaque', 'value', 't']
  const at = (text: string): number =>
    strings.slice(0, strings.indexOf(text)).reduce((sum, before) => sum + before.length + 1, 0)
  const text = new TextEncoder().encode(strings.map((string) => `${string}\0`).join(''))
  const info = (kind: number, members = 0): number => (kind << 24) | members
  const [int, array, struct] = [1, 3, 4]
  const words = [
    [at('u32'), info(int), 4, 32],
    [at('u64'), info(int), 8, 64],
    [0, info(array), 0, 2, 1, 2],
    [at('bpf_timer'), info(struct, 1), 16, at('__opaque'), 3, 0],
    [at('value'), info(struct, 1), 16, at('t'), 4, 0],
  ].flat()
  const header = [0x0001_eb9f, 24, 0, words.length * 4, words.length * 4, text.length]
  return new Uint8Array(Buffer.concat([new Uint8Array(Uint32Array.from([...header, ...words]).buffer), text]))
}
