import type { NodeId } from '@x0t/core'
import { verifyRecord, type MemberId, type MemberKeys, type SignedRecord } from '@x0t/dao'
import { hybridSign, type Identity } from '@x0t/keys'
import {
  openOrbitStore,
  type OrbitEvent,
  type OrbitNetwork,
  type OrbitStore,
  type OrbitStoreOptions,
  type RecordCheck,
  type Writer,
} from '../src/index.ts'
import { TestMesh, TestPlane } from '../../libp2p/test/test-mesh.ts'
import { sampleDao } from '../../dao/test/support/sample-records.ts'

/** A network with nobody in it. */
export const nobody: OrbitNetwork = {
  neighbours: () => [],
  open: async () => {
    throw new Error('nobody is there')
  },
  answer: async () => ({ [Symbol.asyncDispose]: async () => {} }),
}

/** Members by their identities; a test adds to it while nodes run. */
export class Members implements RecordCheck {
  readonly keys = new Map<MemberId, MemberKeys>()

  constructor(...identities: readonly Identity[]) {
    for (const identity of identities) this.add(identity)
  }

  add(identity: Identity): void {
    this.keys.set(identity.nodeId, {
      ed25519: identity.ed25519.publicRaw,
      mldsa65: identity.mldsa65.publicRaw,
    })
  }

  keysOf(member: MemberId): readonly MemberKeys[] {
    const keys = this.keys.get(member)
    return keys === undefined ? [] : [keys]
  }

  async verify(records: readonly SignedRecord[]): Promise<('good' | 'bad' | 'unknown')[]> {
    return records.map((signed) => {
      const [keys] = this.keysOf(signed.record.author)
      if (keys === undefined) return 'unknown'
      return verifyRecord(signed, keys) ? 'good' : 'bad'
    })
  }
}

export function writerOf(identity: Identity): Writer {
  return {
    member: identity.nodeId,
    sign: (bytes, context) => hybridSign(identity, bytes, context),
  }
}

/** Waits for a state by looking at it again and again, at most 30 s. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error('it did not come about in 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A node of a real control plane on loopback with a store. */
export interface TestNode extends AsyncDisposable {
  readonly id: NodeId
  readonly plane: TestPlane
  readonly store: OrbitStore
  readonly events: OrbitEvent[]
  readonly counted: Map<string, number>
  readonly heard: SignedRecord[]
  connect(other: TestNode): Promise<void>
  holds(...records: readonly SignedRecord[]): Promise<boolean>
}

export const mesh = new TestMesh()

export async function startNode(
  check: RecordCheck,
  identity: Identity,
  options: Partial<OrbitStoreOptions> & { readonly isReader?: boolean } = {},
): Promise<TestNode> {
  const events: OrbitEvent[] = []
  const counted = new Map<string, number>()
  let store: OrbitStore | undefined
  const plane = await TestPlane.start(mesh.member({ identity }), {
    onNeighbourUp: ({ nodeId }) => store?.neighbourUp(nodeId),
    onNeighbourDown() {},
  })
  const { streams } = plane.plane
  const opened = await openOrbitStore({
    dao: sampleDao,
    path: ':memory:',
    check,
    network: {
      neighbours: () => plane.plane.neighbours().map(({ nodeId }) => nodeId),
      open: (nodeId, protocol, more) => streams.open(nodeId, protocol, more),
      answer: (protocol, onStream, more) => streams.answer(protocol, onStream, more),
    },
    ...(options.isReader === true ? {} : { writer: writerOf(identity) }),
    onEvent: (event) => void events.push(event),
    counters: {
      count(name, labels, by = 1) {
        const key = `${name} ${Object.values(labels ?? {}).join(' ')}`
        counted.set(key, (counted.get(key) ?? 0) + by)
      },
    },
    ...options,
  })
  store = opened
  const heard: SignedRecord[] = []
  opened.onRecord((record) => void heard.push(record))
  return {
    id: identity.nodeId,
    plane,
    store: opened,
    events,
    counted,
    heard,
    async connect(other) {
      plane.plane.addKnownAddresses([{ nodeId: other.id, addresses: [other.plane.address] }])
      await until(() => plane.plane.neighbours().some(({ nodeId }) => nodeId === other.id))
    },
    async holds(...records) {
      const have = await Promise.all(records.map(({ id }) => opened.has(id)))
      return have.every(Boolean)
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await plane[Symbol.asyncDispose]()
    },
  }
}
