import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentCounters, silentLog, type Counters, type NodeId, type Random } from '@x0t/core'
import {
  createSessionManager,
  type SecurityAssociation,
  type SessionLimits,
  type Sessions,
  type Suite,
} from '../../src/index.ts'
import type { TestMember } from './authority.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'

/** How a node differs from the default. */
export interface NodeOptions {
  readonly limits?: Partial<SessionLimits>
  readonly suites?: readonly Suite[]
  /** What installing an association waits for. */
  readonly install?: () => Promise<void>
}

/** What one node of the network saw. */
export interface TestNode {
  readonly id: NodeId
  readonly sessions: Sessions
  readonly ready: SecurityAssociation[]
  readonly sending: SecurityAssociation[]
  /** SPIs of retired associations. */
  readonly retired: number[]
  readonly failed: string[]
  readonly counts: Map<string, number>
}

export interface TestNetwork {
  readonly clock: FakeClock
  /** Decides the fate of a message: how many copies arrive, at once. */
  fate: (from: NodeId, to: NodeId, bytes: Uint8Array) => number
  /** True: messages under way are delivered in another order. */
  shuffle: boolean
  add(member: TestMember, options?: NodeOptions): TestNode
  /** Lets TLS and messages go on, with time advancing by `stepMs` a turn, until `done` or the turns are used up. */
  until(done: () => boolean, options?: { stepMs?: number; turns?: number }): Promise<void>
  /** Lets so much time pass, in steps of a second, with all that happens in it. */
  pass(byMs: number): Promise<void>
  /** Lets everything under way settle without time passing. */
  settle(): Promise<void>
}

/** A network in memory with a seeded random source and a clock that the test moves. */
export function createTestNetwork(seed = 1): TestNetwork {
  const random = seededRandom(seed)
  const clock = createFakeClock()
  const nodes = new Map<NodeId, TestNode>()
  let inFlight: { from: NodeId; to: NodeId; bytes: Uint8Array }[] = []

  const deliver = (): boolean => {
    const batch = inFlight
    inFlight = []
    if (network.shuffle) batch.sort(() => random.bytes(1)[0]! - 128)
    for (const { from, to, bytes } of batch) nodes.get(to)?.sessions.receive(from, bytes)
    return batch.length > 0
  }

  const network: TestNetwork = {
    clock,
    fate: () => 1,
    shuffle: false,
    add(member, { limits, suites, install } = {}) {
      const counts = new Map<string, number>()
      const counters: Counters = {
        count(name, labels = {}, by = 1) {
          const key = [name, ...Object.values(labels)].join(' ')
          counts.set(key, (counts.get(key) ?? 0) + by)
        },
      }
      const seen = { ready: [], sending: [], retired: [], failed: [] } as Pick<
        TestNode,
        'ready' | 'sending' | 'retired' | 'failed'
      >
      const sessions = createSessionManager({
        self: member.id,
        tls: member.tls,
        clock,
        random,
        log: silentLog,
        counters: counters ?? silentCounters,
        ...(limits === undefined ? {} : { limits }),
        ...(suites === undefined ? {} : { suitePreference: suites }),
        send(to, bytes) {
          const copies = network.fate(member.id, to, bytes)
          for (let copy = 0; copy < copies; copy++)
            inFlight.push({ from: member.id, to, bytes: bytes.slice() })
        },
        on: {
          ready(sa) {
            seen.ready.push(sa)
            return install?.()
          },
          sendWith: (sa) => void seen.sending.push(sa),
          retired: (sa) => void seen.retired.push(sa.localSpi),
          failed: (_peer, code) => void seen.failed.push(code),
        },
      })
      const node: TestNode = { id: member.id, sessions, counts, ...seen }
      nodes.set(member.id, node)
      return node
    },
    async until(done, { stepMs = 20, turns = 4000 } = {}) {
      for (let turn = 0; turn < turns; turn++) {
        deliver()
        await nextTurn()
        if (done()) return
        clock.advance(stepMs)
      }
      throw new Error(`not reached within ${turns} turns (seed ${seed})`)
    },
    async pass(byMs) {
      for (let leftMs = byMs; leftMs > 0; leftMs -= 1000) {
        clock.advance(Math.min(leftMs, 1000))
        await network.settle()
      }
    },
    async settle() {
      for (let quiet = 0; quiet < 20;) {
        quiet = deliver() ? 0 : quiet + 1
        await nextTurn()
      }
    },
  }
  return network
}

/** xorshift32: enough for SPIs and fates in tests, reproducible by its seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1
  return {
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        bytes[i] = state >>> 11
      }
      return bytes
    },
  }
}
