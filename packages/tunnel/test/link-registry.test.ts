import { mock } from 'node:test'
import t from 'tap'
import type { Command } from '../src/commands.ts'
import { createLinkRegistry, type LinkRegistry } from '../src/link-registry.ts'
import { allocateSharedBuffers, viewSharedState } from '../src/shared-state.ts'

interface Scene {
  readonly registry: LinkRegistry
  /** Slots in use, the newest last. */
  readonly slots: () => number[]
  readonly replace: () => number
}

/** One neighbour, whose link is replaced again and again. */
function scene(): Scene {
  const slots = new Set<number>()
  const registry = createLinkRegistry(viewSharedState(allocateSharedBuffers()), (command: Command) => {
    if (command.kind === 'link') slots.add(command.slot)
    if (command.kind === 'unlink') slots.delete(command.slot)
  })
  let id = 0
  return {
    registry,
    slots: () => [...slots],
    replace() {
      const key = new Uint8Array(16).fill(++id)
      registry.set({
        id: 'b',
        localLinkId: id,
        remoteLinkId: id,
        endpoint: { host: '10.0.0.2', port: 7800 },
        sendKey: key,
        receiveKey: key,
        carrier: 'udp',
      })
      return [...slots].at(-1)!
    },
  }
}

t.test('a link that is replaced before it lived receives for a while', async (t) => {
  const { registry, replace, slots } = scene()
  mock.timers.enable({ apis: ['setTimeout'] })
  const first = replace()
  t.equal(registry.judged(registry.get(first)!, true), true)
  const second = replace()
  const third = replace()
  t.same(slots(), [first, second, third], 'the neighbour may send over the second already')
  mock.timers.tick(5001)
  t.same(slots(), [first, third])
  registry.judged(registry.get(third)!, true)
  mock.timers.tick(5001)
  t.same(slots(), [third])
  mock.timers.reset()
})

t.test('the last link that lives stays, whatever was to replace it', async (t) => {
  const { registry, replace, slots } = scene()
  mock.timers.enable({ apis: ['setTimeout'] })
  const first = replace()
  const second = replace()
  registry.judged(registry.get(first)!, true)
  mock.timers.tick(5001)
  t.same(slots(), [first, second], 'the second never lived')
  registry.judged(registry.get(second)!, true)
  mock.timers.tick(5001)
  t.same(slots(), [second])
  registry.close()
  mock.timers.reset()
})

t.test('a link that died goes when it is replaced', async (t) => {
  const { registry, replace, slots } = scene()
  const first = replace()
  registry.judged(registry.get(first)!, true)
  registry.judged(registry.get(first)!, false)
  const second = replace()
  t.same(slots(), [second])
  registry.close()
})
