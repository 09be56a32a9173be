/**
 * A seeded network in virtual time: nodes with processes, links with latency, loss, bandwidth, failures. Protocol state
 * machines run on it by the hundred in one process, and a run repeats exactly.
 *
 * @example
 * import { createSimnet } from '@x0t/simnet'
 * const simnet = createSimnet({ seed: 'example' })
 * const heard: string[] = []
 * simnet.addNode('a', (host) => ({ receive() {}, linkUp: (id) => host.send(id, Buffer.from('hello')) }))
 * simnet.addNode('b', () => ({ receive: (from, bytes) => void heard.push(`${from}: ${Buffer.from(bytes)}`) }))
 * simnet.connect('a', 'b', { latencyMs: 5 })
 * simnet.start('a')
 * simnet.start('b')
 * simnet.run(10) // heard is ['a: hello']
 */
export {
  createSimnet,
  type SimHost,
  type SimLink,
  type Simnet,
  type SimnetOptions,
  type SimProcess,
} from './simnet.ts'
export { defaultLink, type LinkProperties } from './link.ts'
export { createSeededRandom, type SeededRandom } from './seeded-random.ts'
