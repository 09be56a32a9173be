import type { KeyObject } from 'node:crypto'
import { systemClock as clock, systemRandom as random, type LogFields, type NodeId } from '@x0t/core'
import {
  createAuthority,
  issueSvid,
  peerOfSocket,
  svidSubjectOf,
  tlsProfile,
  type Authority,
} from '@x0t/identity'
import { createIdentity, type Identity } from '@x0t/keys'
import {
  startControlPlane,
  type ControlPlane,
  type ControlPlaneOptions,
  type NeighbourDown,
  type NeighbourUp,
  type Trust,
} from '../src/index.ts'

/** A trust domain of real certificates, and what its nodes hold against each other. */
export class TestMesh {
  readonly authority: Authority
  readonly banned = new Set<NodeId>()

  constructor(authority = createAuthority({ meshName: 'home', random, clock })) {
    this.authority = authority
  }

  /** A member; `shiftMs` moves the validity of its SVID. */
  member(options: { identity?: Identity; shiftMs?: number; ttlMs?: number } = {}): TestMember {
    return new TestMember(this, options.identity ?? createIdentity(random.bytes(32)), options)
  }
}

/** An identity with its SVID and the port that the control plane wants. */
export class TestMember {
  readonly mesh: TestMesh
  readonly identity: Identity
  readonly trust: Trust
  #issued: ReturnType<typeof issueSvid>

  constructor(mesh: TestMesh, identity: Identity, options: { shiftMs?: number; ttlMs?: number }) {
    this.mesh = mesh
    this.identity = identity
    this.#issued = this.#issue(options)
    const profile = (): ReturnType<typeof tlsProfile> =>
      tlsProfile(
        {
          chainDer: this.#issued.chainDer,
          privateKey: identity.mldsa65.privateKey,
          bundle: mesh.authority.bundle,
        },
        { nowMs: () => clock.wallMs(), isBanned: (id) => mesh.banned.has(id) },
      )
    this.trust = {
      serverTls: () => profile().server,
      clientTls: () => profile().client,
      verifyPeer: (socket) => {
        const peer = peerOfSocket(socket, mesh.authority.bundle, {
          nowMs: clock.wallMs(),
          isBanned: (id) => mesh.banned.has(id),
        })
        return { ...peer, ed25519PublicKey: peer.publicKeys.ed25519PublicRaw }
      },
      isBanned: (id) => mesh.banned.has(id),
    }
  }

  get nodeId(): NodeId {
    return this.identity.nodeId
  }

  get hostKey(): KeyObject {
    return this.identity.ed25519.privateKey
  }

  get notAfterMs(): number {
    return this.#issued.notAfterMs
  }

  renew(options: { shiftMs?: number; ttlMs?: number } = {}): void {
    this.#issued = this.#issue(options)
  }

  #issue({
    shiftMs = 0,
    ttlMs = 3_600_000,
  }: {
    shiftMs?: number
    ttlMs?: number
  }): ReturnType<typeof issueSvid> {
    return issueSvid(this.mesh.authority, {
      ...svidSubjectOf(this.identity),
      ttlMs,
      clock: { wallMs: () => clock.wallMs() + shiftMs },
      random,
    })
  }
}

type Event =
  | { readonly kind: 'up'; readonly up: NeighbourUp }
  | { readonly kind: 'down'; readonly down: NeighbourDown }
  | { readonly kind: 'frame'; readonly from: NodeId; readonly channel: number; readonly payload: Uint8Array }
  | { readonly kind: 'count'; readonly name: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'log'; readonly event: string; readonly fields: LogFields }

/** A started control plane whose events can be awaited. */
export class TestPlane implements AsyncDisposable {
  readonly member: TestMember
  readonly events: Event[] = []
  #waiting: { matches: (event: Event) => boolean; resolve: (event: Event) => void }[] = []
  plane!: ControlPlane

  constructor(member: TestMember) {
    this.member = member
  }

  static async start(member: TestMember, options: Partial<ControlPlaneOptions> = {}): Promise<TestPlane> {
    const test = new TestPlane(member)
    const log = (event: string, fields: LogFields = {}): void => test.#emit({ kind: 'log', event, fields })
    test.plane = await startControlPlane({
      nodeId: member.nodeId,
      hostKey: member.hostKey,
      trust: member.trust,
      listen: [{ host: '127.0.0.1', port: 0 }],
      hello: () => Buffer.from(`hello of ${member.nodeId}`),
      onNeighbourUp: (up) => test.#emit({ kind: 'up', up }),
      onNeighbourDown: (down) => test.#emit({ kind: 'down', down }),
      onFrame: (from, channel, payload) => test.#emit({ kind: 'frame', from, channel, payload }),
      log: { debug: log, info: log, warn: log, error: log },
      counters: { count: (name, labels = {}) => test.#emit({ kind: 'count', name, labels }) },
      ...options,
    })
    return test
  }

  get address(): { host: string; port: number } {
    return this.plane.addresses[0]!
  }

  /** The first event, past or to come, that matches. */
  event<K extends Event['kind']>(
    kind: K,
    matches: (event: Extract<Event, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<Event, { kind: K }>> {
    const test = (event: Event): boolean =>
      event.kind === kind && matches(event as Extract<Event, { kind: K }>)
    const past = this.events.find(test)
    if (past !== undefined) return Promise.resolve(past as Extract<Event, { kind: K }>)
    return new Promise((resolve) => {
      this.#waiting.push({ matches: test, resolve: (event) => resolve(event as Extract<Event, { kind: K }>) })
    })
  }

  async up(other?: TestPlane): Promise<NeighbourUp> {
    return (await this.event('up', ({ up }) => other === undefined || up.nodeId === other.member.nodeId)).up
  }

  async refused(reason: string): Promise<void> {
    await this.event(
      'count',
      ({ name, labels }) => name === 'connections_refused_total' && labels.reason === reason,
    )
  }

  /** Forgets the past, so that the next awaited event is a new one. */
  forget(): void {
    this.events.length = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane[Symbol.asyncDispose]()
  }

  #emit(event: Event): void {
    this.events.push(event)
    const ready = this.#waiting.filter(({ matches }) => matches(event))
    this.#waiting = this.#waiting.filter(({ matches }) => !matches(event))
    for (const { resolve } of ready) resolve(event)
  }
}
