import { readFileSync, rmSync } from 'node:fs'
import type { Test } from 'tap'
import { createCodec, type BpfBackend, type BpfMap } from '@x0t/bpf'

/** Every kind of map and of global; `build.sh` beside it makes it of `kinds.bpf.c`. */
export const kinds = readFileSync(`${import.meta.dirname}/../objects/kinds.o`)

export interface ComplianceOptions {
  readonly open: () => Promise<BpfBackend>
  /** A folder for pins. */
  readonly pins: string
  readonly runsPrograms: boolean
}

/** What each back end has to do alike. Each test loads an object of its own. */
export function testCompliance(t: Test, { open, pins, runsPrograms }: ComplianceOptions): void {
  t.test('an object gives its programs and its maps, with the globals that were asked for', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds, { globals: { verdict: 1, label: 'drop', limit: '3' } })
    t.same(object.refusals, [])
    t.same([...object.programs.keys()].toSorted(), [
      'count_packet',
      'dispatch',
      'pass_first',
      'pass_second',
      'watch_connect',
      'watch_egress',
      'watch_raw',
      'watch_sockets',
    ])
    t.match(object.programs.get('count_packet')!.spec, { name: 'count_packet', section: 'xdp' })
    t.same(object.maps.get('table')!.spec, {
      name: 'table',
      type: 'hash',
      keyBytes: 4,
      valueBytes: 8,
      maxEntries: 1000,
      flags: 0,
    })
    t.match(decoded(object.maps.get('.rodata')!), { verdict: 1, label: 'drop' })
    t.match(decoded(object.maps.get('.data')!), { limit: 3n })
    t.match(decoded(object.maps.get('.bss')!), { runs: 0n })
  })

  t.test('a hash has what was stored, and says when it should or should not have been there', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const table = object.maps.get('table')!
    t.equal(table.get(word(1)), undefined)
    table.set(word(1), long(10n))
    table.set(word(1), long(11n), 'existing')
    table.set(word(2), long(20n), 'new')
    t.same(table.get(word(1)), long(11n))
    t.throws(() => table.set(word(2), long(0n), 'new'), { code: 'BPF_BUSY' })
    t.throws(() => table.set(word(3), long(0n), 'existing'), { code: 'BPF_OBJECT_NOT_FOUND' })
    t.same(contents(table), { 1: long(11n), 2: long(20n) })
    t.equal(table.delete(word(1)), true)
    t.equal(table.delete(word(1)), false)
    t.same(contents(table), { 2: long(20n) })
    t.throws(() => table.get(new Uint8Array(3)), RangeError)
    t.throws(() => table.set(word(1), new Uint8Array(3)), RangeError)
    t.throws(() => table.delete(new Uint8Array(5)), RangeError)
  })

  t.test('an array has all its elements from the start and no more', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const shared = object.maps.get('shared')!
    shared.set(word(2), word(7))
    t.same(contents(shared), { 0: word(0), 1: word(0), 2: word(7) })
    t.equal(shared.get(word(3)), undefined)
    t.throws(() => shared.set(word(3), word(1)), { code: 'BPF_MAP_FULL' })
    t.throws(() => shared.set(word(1), word(1), 'new'), { code: 'BPF_BUSY' })
    t.throws(() => shared.delete(word(1)), { code: 'BPF_CALL_FAILED' })
  })

  t.test('a per-CPU value has a place of 8 bytes for each CPU', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const counters = object.maps.get('counters')!
    const before = counters.get(word(0))!
    const cpus = before.length / 8
    t.ok(Number.isInteger(cpus) && cpus > 0)
    t.same(before, new Uint8Array(8 * cpus))
    const nines = new Uint8Array(Buffer.concat(Array.from({ length: cpus }, () => long(9n))))
    counters.set(word(0), nines)
    t.same(counters.get(word(0)), nines)
    t.same(contents(counters), { 0: nines, 1: new Uint8Array(8 * cpus) })
    t.throws(() => counters.set(word(0), word(1)), RangeError)
  })

  t.test('constants are frozen, ring buffers have no entries, programs go into a prog_array', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const constants = object.maps.get('.rodata')!
    t.throws(() => constants.set(word(0), constants.get(word(0))!), { code: 'BPF_NOT_PERMITTED' })
    t.throws(() => [...object.maps.get('events')!.entries()], { code: 'BPF_UNSUPPORTED' })
    const stages = object.maps.get('stages')!
    const stage = object.programs.get('count_packet')!
    stages.setProgram(word(1), stage)
    t.same(contents(stages), { 1: word(stage.id) })
    t.equal(stages.delete(word(1)), true)
    t.same(contents(stages), {})
  })

  t.test('a map tells the types of its keys and values', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const locked = object.maps.get('locked')!
    const { types, keyType, valueType } = locked.types()!
    t.equal(createCodec(types, keyType).bytes, 4)
    const codec = createCodec(types, valueType)
    locked.set(word(0), codec.encode({ count: 5, bytes: 2n ** 60n }))
    t.same(decoded(locked), { count: 5, bytes: 2n ** 60n })
  })

  t.test('pins hold what they name beyond its object, and it goes with them', async (t) => {
    const backend = await open()
    const object = await backend.load(kinds, { programs: ['dispatch'] })
    const [map, program] = [object.maps.get('table')!, object.programs.get('dispatch')!]
    const { id } = map
    const programId = program.id
    map.set(word(1), long(1n))
    map.pin(`${pins}/table`)
    program.pin(`${pins}/dispatch`)
    t.throws(() => map.pin(`${pins}/table`), { code: 'BPF_PIN_FAILED' })
    t.throws(() => map.pin(`${pins}/no/such/folder`), { code: 'BPF_PIN_FAILED' })
    object[Symbol.dispose]()
    object[Symbol.dispose]()
    {
      using again = await backend.openMap({ pin: `${pins}/table` })
      t.equal(again.id, id)
      t.same(again.get(word(1)), long(1n))
      using byId = await backend.openMap({ id })
      t.match(byId.spec, { name: 'table', type: 'hash' })
      using opened = await backend.openProgram({ pin: `${pins}/dispatch` })
      t.equal(opened.id, programId)
    }
    const mapInfo = (await backend.listMaps()).find((entry) => entry.id === id)
    t.match(mapInfo, { name: 'table', type: 'hash', keyBytes: 4, valueBytes: 8 })
    t.ok(mapInfo?.pins.includes(`${pins}/table`))
    const programInfo = (await backend.listPrograms()).find((entry) => entry.id === programId)
    t.match(programInfo, { name: 'dispatch', type: 'xdp', tag: /^[0-9a-f]{16}$/ })
    t.ok(programInfo?.pins.includes(`${pins}/dispatch`))
    rmSync(`${pins}/table`)
    rmSync(`${pins}/dispatch`)
    await gone(async () => (await backend.listMaps()).some((entry) => entry.id === id))
    await gone(async () => (await backend.listPrograms()).some((entry) => entry.id === programId))
    await t.rejects(backend.openMap({ id }), { code: 'BPF_OBJECT_NOT_FOUND' })
    await t.rejects(backend.openMap({ pin: `${pins}/table` }), { code: 'BPF_OBJECT_NOT_FOUND' })
    await t.rejects(backend.openProgram({ id: programId }), { code: 'BPF_OBJECT_NOT_FOUND' })
    await t.rejects(backend.openLink({ id: 2_000_000_000 }), { code: 'BPF_OBJECT_NOT_FOUND' })
  })

  t.test('only the programs that are asked for are loaded, with the maps that are given', async (t) => {
    const backend = await open()
    using first = await backend.load(kinds, { programs: ['pass_first'] })
    t.same([...first.programs.keys()], ['pass_first'])
    const table = first.maps.get('table')!
    table.set(word(4), long(4n))
    using second = await backend.load(kinds, { programs: ['count_packet'], maps: { table } })
    t.equal(second.maps.get('table')!.id, table.id)
    t.not(second.maps.get('shared')!.id, first.maps.get('shared')!.id)
    const info = (await backend.listPrograms()).find(
      ({ id }) => id === second.programs.get('count_packet')!.id,
    )
    t.ok(info?.mapIds.includes(table.id))
    second[Symbol.dispose]()
    t.same(table.get(word(4)), long(4n), 'a map that was given stays the giver’s')
  })

  t.test('what cannot be loaded is refused before anything is in the kernel', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds)
    const [shared, table] = [object.maps.get('shared')!, object.maps.get('table')!]
    const refused: readonly (readonly [Promise<unknown>, string])[] = [
      [backend.load(Buffer.from('no object')), 'BPF_OBJECT_INVALID'],
      [backend.load(kinds, { globals: { verdikt: 1 } }), 'BPF_VALUE_INVALID'],
      [backend.load(kinds, { globals: { verdict: -1 } }), 'BPF_VALUE_INVALID'],
      [backend.load(kinds, { programs: ['none'] }), 'BPF_PROGRAM_NOT_FOUND'],
      [backend.load(kinds, { maps: { table: shared } }), 'BPF_MAP_MISMATCH'],
      [backend.load(kinds, { maps: { none: table } }), 'BPF_MAP_MISMATCH'],
    ]
    for (const [promise, code] of refused) await t.rejects(promise, { code })
  })

  t.test(
    'one XDP program holds an interface until it is detached; others say that it is taken',
    async (t) => {
      const backend = await open()
      using object = await backend.load(kinds)
      const [first, second] = [object.programs.get('count_packet')!, object.programs.get('dispatch')!]
      const target = { kind: 'xdp', interface: 'lo', mode: 'generic' } as const
      const link = first.attach(target)
      t.throws(() => second.attach(target), { code: 'BPF_BUSY' })
      t.throws(() => object.programs.get('pass_first')!.attach(target), { code: 'BPF_UNSUPPORTED' })
      link.update(second)
      link.detach()
      using again = second.attach(target)
      t.type(again.id, 'number')
    },
  )

  t.test('a program runs on a packet, or says that it cannot', async (t) => {
    const backend = await open()
    using object = await backend.load(kinds, { globals: { verdict: 1 } })
    const program = object.programs.get('count_packet')!
    if (!runsPrograms) {
      t.throws(() => program.testRun(new Uint8Array(64)), { code: 'BPF_UNSUPPORTED', message: /do not run/ })
      return
    }
    const packet = Uint8Array.from({ length: 60 }, (_, index) => index)
    const run = program.testRun(packet, { repeat: 2 })
    t.equal(run.verdict, 1)
    t.same(new Uint8Array(run.packet), packet)
    t.match(decoded(object.maps.get('.bss')!), { runs: 2n })
    t.same(contents(object.maps.get('shared')!)[0], word(4))
  })
}

/** The kernel frees in the background: looks until it is so. */
async function gone(isThere: () => Promise<boolean>): Promise<void> {
  while (await isThere()) await new Promise((done) => setImmediate(done))
}

function decoded(map: BpfMap): unknown {
  const { types, valueType } = map.types()!
  return createCodec(types, valueType).decode(map.get(word(0))!)
}

/** Entries by key, for keys of 4 bytes. */
export function contents(map: BpfMap): Record<number, Uint8Array> {
  return Object.fromEntries(
    Array.from(map.entries(), ([key, value]) => [
      new DataView(key.buffer, key.byteOffset).getUint32(0, true),
      new Uint8Array(value),
    ]),
  )
}

export function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export function long(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer)
}
