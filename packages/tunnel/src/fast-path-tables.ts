import type { Log } from '@x0t/core'
import type { Command } from './commands.ts'
import {
  counterNames,
  kernelState,
  linkBytes,
  linkField,
  linkFlag,
  type KernelCounter,
} from './fast-path-layout.ts'
import { createLinkMirror } from './fast-path-links.ts'
import { word, type FastPathMaps, type Inherited } from './fast-path-maps.ts'
import { createNeighbourTable } from './fast-path-neighbours.ts'
import { kernelPace, smoothed, type RoundTripEstimate } from './fast-path-pace.ts'
import { createRouteMirror } from './fast-path-routes.ts'

/** What the kernel knows of a link. */
export interface KernelLink {
  /** `unknown` until the neighbour's kernel has answered, which it may never do. */
  readonly state: 'unknown' | 'up' | 'down'
  /** False while this process alone judges the link. */
  readonly isWatched: boolean
  /** Of the last answer. */
  readonly rttMs: number | undefined
  readonly intervalMs: number
  readonly deadlineMs: number
  readonly downs: number
  /** Times that silence was blamed on this machine, which had not asked. */
  readonly stalls: number
  readonly txBytes: number
  readonly txDatagrams: number
  readonly rxBytes: number
  readonly rxDatagrams: number
}

/** Keeps the program's maps as the workers' tables are: what they are told, it is told. */
export interface FastPathTables {
  apply(command: Command, nowMs: number): void
  /** What depends on time: former trees, and how often each link is probed. */
  tick(nowMs: number): void
  /** Loss of a link in both directions together. */
  lossSeen(slot: number, lossRatio: number): void
  link(slot: number): KernelLink | undefined
  /** The newest link of a neighbour that the kernel carries. */
  linkOf(neighbour: string): KernelLink | undefined
  counters(): Readonly<Record<KernelCounter, number>>
  /** Lets go of the links, neighbours and routes of an earlier daemon. */
  releaseHeld(): void
}

export interface FastPathTablesOptions {
  readonly maps: Omit<FastPathMaps, 'events'>
  readonly labelOf: (neighbour: string) => Uint8Array
  readonly inherited: Inherited | undefined
  readonly interval: number | 'auto'
  readonly misses: number
  readonly log: Log
}

const unknownBasis = { rttMs: 0, deviationMs: 0, lossRatio: 0 }
const stateNames = {
  [kernelState.unknown]: 'unknown',
  [kernelState.down]: 'down',
  [kernelState.up]: 'up',
} as const

export function createFastPathTables(options: FastPathTablesOptions): FastPathTables {
  const { maps, labelOf, inherited, interval, misses, log } = options
  const view = new DataView(maps.links.memory())
  const long = (slot: number, field: number): number =>
    Number(view.getBigUint64(slot * linkBytes + field, true))
  const short = (slot: number, field: number): number => view.getUint32(slot * linkBytes + field, true)
  const aliveFlags = linkFlag.used | linkFlag.userAlive
  const works = (slot: number): boolean =>
    (short(slot, linkField.flags) & aliveFlags) === aliveFlags &&
    short(slot, linkField.state) !== kernelState.down &&
    short(slot, linkField.ifindex) !== 0
  const neighbours = createNeighbourTable(maps, labelOf, works)
  const links = createLinkMirror({
    maps,
    neighbours,
    inherited,
    firstPace: kernelPace(interval, misses, unknownBasis),
  })
  const routes = createRouteMirror({
    maps,
    indexOf: (id) => neighbours.indexOf(id),
    isSeen: (id) => links.isSeen(id),
    log,
  })
  /** Of the links in use, by slot. */
  const trips = new Map<number, RoundTripEstimate>()
  const losses = new Map<number, number>()
  const forgetUnused = (): void =>
    neighbours.retain((id) => links.slotsOf(id).length > 0 || routes.mentions(id))

  const link = (slot: number): KernelLink | undefined => {
    const flags = short(slot, linkField.flags)
    if ((flags & linkFlag.used) === 0) return undefined
    const rttNs = long(slot, linkField.rttNs)
    return {
      state: stateNames[short(slot, linkField.state) as keyof typeof stateNames] ?? 'unknown',
      isWatched: (flags & (linkFlag.probed | linkFlag.unwatched)) === linkFlag.probed,
      rttMs: rttNs === 0 ? undefined : rttNs / 1e6,
      intervalMs: long(slot, linkField.intervalNs) / 1e6,
      deadlineMs: long(slot, linkField.deadlineNs) / 1e6,
      downs: long(slot, linkField.downs),
      stalls: long(slot, linkField.stalls),
      txBytes: long(slot, linkField.txBytes),
      txDatagrams: long(slot, linkField.txDatagrams),
      rxBytes: long(slot, linkField.rxBytes),
      rxDatagrams: long(slot, linkField.rxDatagrams),
    }
  }
  return {
    apply(command, nowMs) {
      switch (command.kind) {
        case 'link':
        case 'endpoint':
        case 'unlink':
          if (command.kind !== 'endpoint') {
            trips.delete(command.slot)
            losses.delete(command.slot)
          }
          links.apply(command)
          if (command.kind === 'endpoint') return
          routes.refresh()
          return forgetUnused()
        case 'routes':
          routes.replace(command.routes, nowMs)
          return forgetUnused()
        case 'session':
        case 'use':
        case 'forget':
        case 'frames':
        case 'kernel-event':
        case 'stop':
      }
    },
    tick(nowMs) {
      routes.age(nowMs)
      for (const slot of links.slots()) {
        const rttNs = long(slot, linkField.rttNs)
        if (rttNs === 0) continue
        const trip = smoothed(trips.get(slot), rttNs / 1e6)
        trips.set(slot, trip)
        links.setPace(slot, kernelPace(interval, misses, { ...trip, lossRatio: losses.get(slot) ?? 0 }))
      }
    },
    lossSeen: (slot, lossRatio) => void losses.set(slot, lossRatio),
    link,
    linkOf(neighbour) {
      const [newest] = links.slotsOf(neighbour)
      return newest === undefined ? undefined : link(newest)
    },
    counters() {
      const sums = counterNames.map((_, index) => {
        const cells = maps.counters.get(word(index)) ?? new Uint8Array()
        let sum = 0n
        const cellsView = new DataView(cells.buffer, cells.byteOffset, cells.byteLength)
        for (let at = 0; at + 8 <= cells.length; at += 8) sum += cellsView.getBigUint64(at, true)
        return Number(sum)
      })
      return Object.fromEntries(counterNames.map((name, index) => [name, sums[index]!])) as Record<
        KernelCounter,
        number
      >
    },
    releaseHeld() {
      routes.releaseHeld()
      links.releaseHeld()
      neighbours.releaseHeld()
      forgetUnused()
    },
  }
}
