import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { findHolders, foreignNamespace, xdpOnInterface } from '../src/index.ts'
import {
  bankSlots,
  banksOf,
  decodeSlot,
  encodeSlot,
  idleBank,
  withEntry,
  type ChainEntry,
} from '../src/chain-order.ts'

t.test(
  'holders are found by the ids of their descriptors; a link does not make its program held',
  async (t) => {
    const proc = t.testdir({
      '10': {
        comm: 'loader\n',
        fdinfo: { '3': 'pos:\t0\nprog_type:\t6\nprog_id:\t7\n', '4': 'map_type:\t2\nmap_id:\t8\n' },
      },
      '11': { comm: 'other\n', fdinfo: { '3': 'link_type:\ttcx\nlink_id:\t9\nprog_id:\t7\n' } },
      '12': { comm: 'none\n' },
      self: { comm: 'not a number\n' },
    })
    t.strictSame(
      await findHolders(
        [
          { kind: 'program', id: 7 },
          { kind: 'map', id: 8 },
          { kind: 'link', id: 9 },
          { kind: 'map', id: 7 },
        ],
        proc,
      ),
      [
        [{ pid: 10, command: 'loader' }],
        [{ pid: 10, command: 'loader' }],
        [{ pid: 11, command: 'other' }],
        [],
      ],
    )
    t.strictSame(await findHolders([], proc), [])
  },
)

t.test(
  'a network namespace is foreign if it is not that of process 1, or of the kernel where that is hidden',
  async (t) => {
    const proc = (own: number, machine: Readonly<Record<string, number>>): string => {
      const folder = t.testdir({})
      for (const [pid, inode] of Object.entries({ ...machine, self: own })) {
        mkdirSync(`${folder}/${pid}/ns`, { recursive: true })
        symlinkSync(`net:[${inode}]`, `${folder}/${pid}/ns/net`)
      }
      return folder
    }
    t.equal(await foreignNamespace(proc(5, { '1': 5 })), undefined)
    t.equal(await foreignNamespace(proc(6, { '1': 5 })), 6)
    t.equal(await foreignNamespace(proc(6, { '2': 5 })), 6)
    t.equal(await foreignNamespace(proc(6, { '2': 6 })), undefined)
    t.equal(await foreignNamespace(proc(6, {})), undefined, 'nobody tells')
    const folder = t.testdir({})
    mkdirSync(`${folder}/self/ns`, { recursive: true })
    writeFileSync(`${folder}/self/ns/net`, '')
    await t.rejects(foreignNamespace(folder), { code: 'EINVAL' })
  },
)

t.test('ip tells which XDP program is on an interface, in the forms of old and new versions', async (t) => {
  const says = async (text: string): ReturnType<typeof xdpOnInterface> =>
    xdpOnInterface('eth0', async () => text)
  t.strictSame(await says('[{"xdp":{"mode":1,"prog":{"id":7,"name":"p"}}}]'), {
    programId: 7,
    name: 'p',
    mode: 'native',
  })
  t.strictSame(await says('[{"xdp":{"mode":4,"attached":[{"mode":2,"prog":{"id":8}}]}}]'), {
    programId: 8,
    name: undefined,
    mode: 'generic',
  })
  t.strictSame(await says('[{"xdp":{"mode":9,"prog":{"id":7}}}]'), {
    programId: 7,
    name: undefined,
    mode: 'mode 9',
  })
  t.strictSame(await says('[{"xdp":{"prog":{"id":7}}}]'), { programId: 7, name: undefined, mode: 'mode 0' })
  for (const text of ['[{}]', '[]', 'no JSON', '[{"xdp":{}}]']) t.equal(await says(text), undefined, text)
  t.equal(await xdpOnInterface('eth0', async () => Promise.reject(new Error('no ip'))), undefined)
  const words: unknown[] = []
  await xdpOnInterface('eth0', async (command, more) => {
    words.push(command, ...more)
    return '[]'
  })
  t.strictSame(words, ['ip', '-json', '-details', 'link', 'show', 'dev', 'eth0'])
})

t.test('a chain has its entries by priority, each program once, and room for fifteen', async (t) => {
  const entry = (programId: number, priority: number): ChainEntry => ({ programId, priority, proceedOn: [2] })
  const ids = (entries: readonly ChainEntry[]): readonly number[] => entries.map(({ programId }) => programId)
  t.strictSame(ids(withEntry([entry(1, 10), entry(2, 20)], entry(3, 15))), [1, 3, 2])
  t.strictSame(
    ids(withEntry([entry(1, 10), entry(2, 10)], entry(3, 10))),
    [1, 2, 3],
    'of the same priority the first come',
  )
  t.strictSame(ids(withEntry([entry(1, 10), entry(2, 20)], entry(1, 30))), [2, 1], 'a program moves')
  const full = Array.from({ length: bankSlots - 1 }, (_, id) => entry(id, 1))
  t.throws(() => withEntry(full, entry(99, 1)), { code: 'BPF_CHAIN_FULL' })
  t.equal(withEntry(full, entry(3, 9)).length, bankSlots - 1, 'one that is in it needs no room')
  for (const priority of [-1, 1001, 1.5])
    t.throws(() => withEntry([], entry(1, priority)), { code: 'BPF_TARGET_INVALID' })
})

t.test('slots are as bpf/chain.h lays them out, and banks take turns', async (t) => {
  // proceed_on: bits 2 and 31; priority 258.
  const bytes = encodeSlot({ priority: 258, proceedOn: [2, 31] })
  t.equal(Buffer.from(bytes).toString('hex'), '0400008002010000')
  t.strictSame(decodeSlot(bytes), { priority: 258, proceedOn: [2, 31] })
  t.strictSame(banksOf(0), [0, 16])
  t.strictSame(banksOf(3), [96, 112])
  t.equal(idleBank(3, 96), 112)
  t.equal(idleBank(3, 112), 96)
})
