import { X0tError } from '@x0t/core'
import t from 'tap'
import { createMuteInterfaces } from '../src/fast-path-mute.ts'
import { fakeTable } from './support/fake-maps.ts'

const indexes = ['eth0', 'eth1', 'wlan0']
/** Interfaces of which only those in `sending` send frames of XDP; `untold`: the kernel is too old to tell. */
function open(sending: Set<string>, untold = false) {
  const table = fakeTable()
  const mute = createMuteInterfaces({
    table,
    featuresOf: (name) => (untold ? undefined : { native: true, transmits: sending.has(name) }),
    indexOf: (name) => indexes.indexOf(name) + 1,
  })
  const update = (...modes: readonly ('native' | 'generic' | undefined)[]) =>
    mute
      .update(modes.map((mode, i) => ({ name: indexes[i]!, mode, problem: undefined })))
      .map(({ problem }) => problem?.code)
  const told = () =>
    [...table.content.keys()].map((key) => Buffer.from(key, 'hex').readUInt32LE()).toSorted((a, b) => a - b)
  return { mute, update, told }
}

t.test('the kernel is told which interfaces lose its frames, and when they no longer do', async (t) => {
  const sending = new Set(['eth0'])
  const { update, told } = open(sending)
  t.strictSame(update('native', 'native', 'generic'), [undefined, 'FAST_PATH_MUTE', 'FAST_PATH_MUTE'])
  t.strictSame(told(), [2, 3], 'a program in the driver of one may send to another')
  sending.add('eth1')
  t.strictSame(update('native', 'native', 'generic'), [undefined, undefined, 'FAST_PATH_MUTE'])
  t.strictSame(told(), [3])
  t.strictSame(update('native', 'native'), [undefined, undefined])
  t.strictSame(told(), [], 'an interface that is gone')
})

t.test('behind the drivers every interface sends', async (t) => {
  const { update, told } = open(new Set())
  t.strictSame(update('generic', 'generic', undefined), [undefined, undefined, undefined])
  t.strictSame(told(), [])
})

t.test('where the kernel does not tell, they are taken to send', async (t) => {
  const { update, told } = open(new Set(), true)
  t.strictSame(update('native'), [undefined])
  t.strictSame(told(), [])
})

t.test('an interface that goes at this moment is none', async (t) => {
  const table = fakeTable()
  const mute = createMuteInterfaces({
    table,
    featuresOf: () => {
      throw new X0tError('BPF_INTERFACE_NOT_FOUND', 'gone')
    },
    indexOf: () => 1,
  })
  const eth0 = { name: 'eth0', mode: 'native', problem: undefined } as const
  t.strictSame(mute.update([eth0]), [eth0])
  t.equal(table.content.size, 0)
  const broken = createMuteInterfaces({
    table,
    featuresOf: () => {
      throw new RangeError('broken')
    },
    indexOf: () => 1,
  })
  t.throws(() => broken.update([eth0]), RangeError)
})

t.test('a problem that was there before stays the one told', async (t) => {
  const { mute } = open(new Set())
  const problem = new X0tError('FAST_PATH_XDP_TAKEN', 'taken')
  const [, second] = mute.update([
    { name: 'eth0', mode: 'native', problem: undefined },
    { name: 'eth1', mode: undefined, problem },
  ])
  t.equal(second!.problem, problem)
})
