import type { Clock, Random } from '@x0t/core'
import { EventQueue } from './event-queue.ts'
import { defaultLink, LinkDirection, type LinkProperties } from './link.ts'
import { createSeededRandom, type SeededRandom } from './seeded-random.ts'

/** What a simulated node has of the world. Of no use after the node was stopped. */
export interface SimHost {
  readonly id: string
  readonly clock: Clock
  readonly random: Random
  /** Neighbours whose links are up. */
  neighbours(): readonly string[]
  /** Sends over the link to `to`; arrives in order, late under loss, and never over a link that is down. */
  send(to: string, bytes: Uint8Array): void
  /** The same as a datagram: what is lost is lost. */
  sendDatagram(to: string, bytes: Uint8Array): void
}

/** A program on a simulated node. */
export interface SimProcess {
  receive(from: string, bytes: Uint8Array): void
  receiveDatagram?(from: string, bytes: Uint8Array): void
  /** The link to a running neighbour is up; called for each at the start, too. */
  linkUp?(neighbour: string): void
  linkDown?(neighbour: string): void
}

export interface SimLink {
  /** Changes some of the properties. */
  set(properties: Partial<LinkProperties>): void
  down(): void
  up(): void
  isUp(): boolean
  /** Swallows what is sent from `from`, or both ways where it is absent, and tells no one. */
  blackhole(from?: string): void
  /** Ends a blackhole. */
  restore(): void
}

export interface Simnet {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly nowMs: number
  /** Messages and bytes delivered so far. */
  readonly delivered: { readonly messages: number; readonly bytes: number }
  /** Adds a node; it does not run yet. `boot` is called at every start. */
  addNode(id: string, boot: (host: SimHost) => SimProcess): void
  connect(a: string, b: string, properties?: Partial<LinkProperties>): SimLink
  /** @throws RangeError where there is no such link */
  link(a: string, b: string): SimLink
  start(id: string): void
  /** The node dies at once: timers and what is under way to and from it are gone; neighbours notice by their links. */
  stop(id: string): void
  isRunning(id: string): boolean
  /** Runs all events of the next `durationMs`. */
  run(durationMs: number): void
  /** Runs until `isDone()` holds, which is asked after each event, or for at most `maxMs`; returns whether it held. */
  runUntil(isDone: () => boolean, maxMs: number): boolean
}

interface Node {
  readonly id: string
  readonly boot: (host: SimHost) => SimProcess
  readonly links: Map<string, Link>
  running: { readonly process: SimProcess } | undefined
}

interface Link {
  readonly ends: readonly [string, string]
  readonly directions: readonly [LinkDirection, LinkDirection]
  properties: LinkProperties
  up: boolean
  /** Grows with every change: a link that was down and up again for a moment is another one. */
  epoch: number
  /** What the process at each end was last told: that the link of this epoch is up. */
  readonly told: [Told | undefined, Told | undefined]
}

interface Told {
  readonly process: SimProcess
  readonly epoch: number
}

/** A network in virtual time: the same seed gives the same run. */
export function createSimnet({
  seed,
  startWallMs = 1_700_000_000_000,
  sharesBuffers = false,
}: SimnetOptions): Simnet {
  const queue = new EventQueue()
  const nodes = new Map<string, Node>()
  const random = createSeededRandom(seed)
  let nowMs = 0
  let messages = 0
  let deliveredBytes = 0

  const clock: Clock = {
    wallMs: () => startWallMs + nowMs,
    monotonicMs: () => nowMs,
    setTimer: (delayMs, run) => queue.add(nowMs + Math.max(0, delayMs), run),
  }

  const nodeOf = (id: string): Node => {
    const node = nodes.get(id)
    if (node === undefined) throw new RangeError(`no node ${id}`)
    return node
  }

  const linkOf = (a: string, b: string): Link => {
    const link = nodeOf(a).links.get(b)
    if (link === undefined) throw new RangeError(`no link from ${a} to ${b}`)
    return link
  }

  const carries = (link: Link): boolean =>
    link.up && link.ends.every((id) => nodeOf(id).running !== undefined)

  /** Tells both ends, after the time they need to notice, if the link's state is another than they know. */
  const announce = (link: Link): void => {
    queue.add(nowMs + link.properties.noticeMs, () => {
      const isUp = carries(link)
      for (const index of [0, 1] as const) {
        const told = link.told[index]
        const process = nodeOf(link.ends[index]).running?.process
        if (told === undefined || (isUp && told.epoch === link.epoch && told.process === process)) continue
        link.told[index] = undefined
        if (told.process === process) process.linkDown?.(link.ends[1 - index]!)
      }
      for (const index of [0, 1] as const) {
        const process = nodeOf(link.ends[index]).running?.process
        if (!carries(link) || process === undefined || link.told[index] !== undefined) continue
        link.told[index] = { process, epoch: link.epoch }
        process.linkUp?.(link.ends[1 - index]!)
      }
    })
  }

  const changed = (link: Link): void => {
    link.epoch++
    for (const direction of link.directions) direction.cut(nowMs)
    announce(link)
  }

  const transmit = (from: Node, to: string, bytes: Uint8Array, reliable: boolean): void => {
    const link = from.links.get(to)
    if (link === undefined || !carries(link)) return
    const direction = link.directions[link.ends[0] === from.id ? 0 : 1]
    // A copy, unless told otherwise: the sender may use its buffer again.
    const copy = sharesBuffers ? bytes : new Uint8Array(bytes)
    direction.send(nowMs, link.properties, bytes.length, reliable, () => {
      const process = nodeOf(to).running?.process
      messages++
      deliveredBytes += copy.length
      if (reliable) process?.receive(from.id, copy)
      else process?.receiveDatagram?.(from.id, copy)
    })
  }

  const hostOf = (node: Node, isCurrent: () => boolean): SimHost => ({
    id: node.id,
    random: createSeededRandom(`${seed}/${node.id}/${nowMs}`),
    clock: {
      ...clock,
      setTimer: (delayMs, run) =>
        clock.setTimer(delayMs, () => {
          if (isCurrent()) run()
        }),
    },
    neighbours: () =>
      [...node.links]
        .filter(([, link]) => link.told[link.ends[0] === node.id ? 0 : 1] !== undefined)
        .map(([id]) => id),
    send: (to, bytes) => {
      if (isCurrent()) transmit(node, to, bytes, true)
    },
    sendDatagram: (to, bytes) => {
      if (isCurrent()) transmit(node, to, bytes, false)
    },
  })

  const handleOf = (link: Link): SimLink => ({
    set: (properties) => void (link.properties = { ...link.properties, ...properties }),
    down() {
      if (!link.up) return
      link.up = false
      changed(link)
    },
    up() {
      if (link.up) return
      link.up = true
      changed(link)
    },
    isUp: () => carries(link),
    blackhole(from) {
      for (const [index, end] of link.ends.entries())
        if (from === undefined || from === end) link.directions[index]!.blackhole = true
    },
    restore() {
      for (const direction of link.directions) direction.blackhole = false
    },
  })

  const step = (untilMs: number): boolean => {
    const atMs = queue.nextMs()
    if (atMs > untilMs) {
      nowMs = untilMs
      return false
    }
    nowMs = Math.max(nowMs, atMs)
    queue.take()!()
    return true
  }

  return {
    clock,
    random,
    get nowMs() {
      return nowMs
    },
    get delivered() {
      return { messages, bytes: deliveredBytes }
    },
    addNode(id, boot) {
      if (nodes.has(id)) throw new RangeError(`node ${id} exists`)
      nodes.set(id, { id, boot, links: new Map(), running: undefined })
    },
    connect(a, b, properties = {}) {
      if (a === b || nodeOf(a).links.has(b)) throw new RangeError(`${a} and ${b} cannot be connected`)
      const link: Link = {
        ends: [a, b],
        directions: [new LinkDirection(queue, random), new LinkDirection(queue, random)],
        properties: { ...defaultLink, ...properties },
        up: true,
        epoch: 1,
        told: [undefined, undefined],
      }
      nodeOf(a).links.set(b, link)
      nodeOf(b).links.set(a, link)
      announce(link)
      return handleOf(link)
    },
    link: (a, b) => handleOf(linkOf(a, b)),
    start(id) {
      const node = nodeOf(id)
      if (node.running !== undefined) return
      const host = hostOf(node, () => node.running === running)
      const running: { process: SimProcess } = { process: { receive() {} } }
      node.running = running
      running.process = node.boot(host)
      for (const link of node.links.values()) changed(link)
    },
    stop(id) {
      const node = nodeOf(id)
      if (node.running === undefined) return
      node.running = undefined
      for (const link of node.links.values()) changed(link)
    },
    isRunning: (id) => nodeOf(id).running !== undefined,
    run(durationMs) {
      const untilMs = nowMs + durationMs
      while (step(untilMs));
    },
    runUntil(isDone, maxMs) {
      const untilMs = nowMs + maxMs
      while (!isDone()) if (!step(untilMs)) return isDone()
      return true
    },
  }
}

export interface SimnetOptions {
  /** Fixes the whole run. */
  readonly seed: string
  /** Wall clock at the start. */
  readonly startWallMs?: number
  /** Messages arrive in the very buffer that was sent, which its sender must not touch again. Saves time and memory. */
  readonly sharesBuffers?: boolean
}
