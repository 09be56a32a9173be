import { X0tError } from '@x0t/core'
import { maxHosts, type Topology, type TopologyLink } from './topology.ts'

/** The shapes that {@link parseShape} knows, for help texts. */
export const shapes = ['pair', 'line:N', 'diamond', 'ring:N', 'grid:WxH'] as const

/**
 * Topology of a named shape: `pair` (a, b), `line:N` and `ring:N` (n0 to n<N-1>), `diamond` (s to d through a and
 * b), `grid:WxH` (n0 to n<W*H-1>, row by row).
 * @throws X0tError TESTBED_SHAPE_INVALID on another name, or more hosts than one machine holds
 */
export function parseShape(text: string): Topology {
  if (text === 'pair') return { hosts: ['a', 'b'], links: [{ a: 'a', b: 'b' }] }
  if (text === 'diamond') {
    const links = [
      { a: 's', b: 'a' },
      { a: 's', b: 'b' },
      { a: 'a', b: 'd' },
      { a: 'b', b: 'd' },
    ]
    return { hosts: ['s', 'a', 'b', 'd'], links }
  }
  const counted = /^(line|ring):([1-9]\d{0,3})$/.exec(text)
  if (counted !== null) {
    const count = Number(counted[2])
    const least = counted[1] === 'ring' ? 3 : 2
    if (count < least || count > maxHosts)
      throw invalid(text, `${counted[1]!} takes ${least} to ${maxHosts} hosts`)
    const links = chain(count)
    return { hosts: named(count), links: counted[1] === 'ring' ? [...links, link(count - 1, 0)] : links }
  }
  const sized = /^grid:([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(text)
  if (sized !== null) {
    const [width, height] = [Number(sized[1]), Number(sized[2])]
    const count = width * height
    if (count < 2 || count > maxHosts) throw invalid(text, `grid takes 2 to ${maxHosts} hosts`)
    const links: TopologyLink[] = []
    for (let at = 0; at < count; at++) {
      if (at % width < width - 1) links.push(link(at, at + 1))
      if (at + width < count) links.push(link(at, at + width))
    }
    return { hosts: named(count), links }
  }
  throw invalid(text, `known are ${shapes.join(', ')}`)
}

function named(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `n${at}`)
}

function link(a: number, b: number): TopologyLink {
  return { a: `n${a}`, b: `n${b}` }
}

function chain(count: number): TopologyLink[] {
  return Array.from({ length: count - 1 }, (_, at) => link(at, at + 1))
}

function invalid(text: string, expected: string): X0tError {
  return new X0tError('TESTBED_SHAPE_INVALID', `shape ${JSON.stringify(text.slice(0, 40))}: ${expected}`, {
    exitCode: 2,
    hint: 'x0t testbed up diamond',
  })
}
