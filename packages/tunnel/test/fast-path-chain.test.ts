import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import {
  attachProgram,
  findPinnedProgram,
  loadAndPin,
  readChains,
  readPins,
  type LoadOptions,
} from '@x0t/bpf'
import { fakeChain, fakeChainable, FakeKernel } from '../../bpf/test/fake-kernel.ts'
import { createChainPlaces } from '../src/fast-path-chain.ts'

const object = fakeChainable({
  programs: [{ name: 'x0t_fastpath', type: 'xdp' }],
  maps: [{ name: 'fastpath_self' }],
})
const guard = fakeChainable({ programs: [{ name: 'guard', type: 'xdp' }] })
const name = 'fastpath-1-aa'

/** A kernel with the program pinned in it, and the places of its daemon in chains. */
async function machine(t: Test) {
  const folder = mkdtempSync(`${tmpdir()}/x0t-pins-`)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const kernel = new FakeKernel(folder)
  const root = `${folder}/x0t`
  const xdp = { mode: 1 }
  const chainFile = async () => fakeChain
  const run = async () => JSON.stringify([{ xdp: { ...xdp, prog: { id: 1 } } }])
  const load = async (name: string, object: Uint8Array, options: LoadOptions = {}) =>
    loadAndPin(kernel, { root, name, object, chainFile, options })
  await load(name, object)
  return {
    kernel,
    root,
    xdp,
    load,
    places: createChainPlaces({ backend: kernel, root, name, chainFile, run }),
    attachGuard: async (interfaceName: string) =>
      attachProgram(
        kernel,
        await findPinnedProgram(root, 'guard'),
        { interface: interfaceName, priority: 100 },
        { root, chainFile, run, wait: async () => {} },
      ),
    order: async () =>
      (await readChains(kernel, root)).map(({ entries }) => entries.map(({ programId }) => programId)),
    idOf: async (name: string) => {
      using program = await kernel.openProgram({ pin: (await findPinnedProgram(root, name)).program.path })
      return program.id
    },
  }
}

t.test('the program joins the chain that an interface has, after the guard, and leaves it', async (t) => {
  const { kernel, root, xdp, load, places, attachGuard, order, idOf } = await machine(t)
  t.equal(await places.join('eth0'), undefined, 'there is no chain')
  await places.takeOver()
  await load('guard', guard)
  await attachGuard('eth0')
  await attachGuard('eth1')
  t.equal(await places.join('eth0'), 'native')
  xdp.mode = 2
  t.equal(await places.join('eth1'), 'generic')
  const both = [await idOf('guard'), await idOf(name)]
  t.strictSame(await order(), [both, both])
  await places.leave()
  t.strictSame(await order(), [[both[0]], [both[0]]])
  t.strictSame(
    (await readPins(root)).map((one) => one.name),
    ['chain', 'guard'],
  )
  t.notOk(kernel.alive().includes('program x0t_fastpath'))
  await places.leave()
})

t.test('the places of a process that was killed go to the program of the next', async (t) => {
  const { kernel, root, load, places, attachGuard, order, idOf } = await machine(t)
  await load('guard', guard)
  await attachGuard('eth0')
  await places.join('eth0')
  const [first, before] = (await order())[0]!
  const pinned = (await readPins(root)).find((one) => one.name === name)!
  using map = await kernel.openMap({ pin: pinned.maps.find((pin) => pin.name === 'fastpath_self')!.path })
  // The next has the maps of the last, whose pin is gone.
  using chainMaps = new DisposableStack()
  const maps = Object.fromEntries(
    await Promise.all(
      (await readPins(root))
        .find((one) => one.name === 'chain')!
        .maps.map(async (pin) => [pin.name, chainMaps.use(await kernel.openMap({ pin: pin.path }))] as const),
    ),
  )
  using next = await kernel.load(object, { maps: { ...maps, fastpath_self: map } })
  const { path } = pinned.programs[0]!
  rmSync(path)
  next.programs.get('x0t_fastpath')!.pin(path)
  await places.takeOver()
  t.strictSame(await order(), [[first, await idOf(name)]])
  t.not(await idOf(name), before)
  t.equal(kernel.alive().filter((one) => one === 'program x0t_fastpath').length, 1)
})
