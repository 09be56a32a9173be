import { createHash } from 'node:crypto'
import { nodeIdFromBytes } from '@x0t/core'
import {
  createWitness,
  recordIdOf,
  type MemberId,
  type RecordId,
  type SealBody,
  type SignedProposal,
  type SignedRecord,
  type Witness,
  type WitnessTimer,
} from '@x0t/dao'

/** A generator of numbers from 0 to `below` − 1 (mulberry32), the same for the same seed. */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Id of a ballot that is nothing but an id. */
export function ballotId(name: string): RecordId {
  return recordIdOf(Buffer.from(name))
}

export function memberNumber(at: number): MemberId {
  return nodeIdFromBytes(createHash('sha256').update(`witness ${at}`).digest())
}

/** Members in the order of their ids, which is the order in which they propose. */
export function witnessIds(count: number): MemberId[] {
  return Array.from({ length: count }, (_, at) => memberNumber(at)).toSorted()
}

export const closesMs = 1_800_000_000_000

/** A proposal with these witnesses, of which closing reads no more than its witnesses and its grace. */
export function proposalWith(witnesses: readonly MemberId[]): SignedProposal {
  return {
    id: ballotId('the proposal'),
    record: { kind: 'proposal', body: { witnesses, graceMs: 1000 } },
  } as SignedProposal
}

/** A message as if `author` had signed it: closing reads what was verified before. */
export function sealOf(author: MemberId, seq: number, prev: RecordId | null, body: SealBody): SignedRecord {
  const record = {
    v: 1,
    dao: null,
    kind: 'seal',
    author,
    lane: `witness:${body.proposal}`,
    seq,
    prev,
    atMs: 0,
    body,
  }
  const bytes = Buffer.from(JSON.stringify(record))
  return { id: recordIdOf(bytes), record, bytes, signature: Buffer.alloc(0) } as unknown as SignedRecord
}

/** A machine with a witness on it: what it has, what it waits for, what it does not know yet. */
export interface Station {
  readonly self: MemberId
  /** How far its wall clock is off, ms. */
  readonly clockOffMs: number
  readonly ballots: Set<RecordId>
  readonly seals: Map<RecordId, SignedRecord>
  readonly own: SignedRecord[]
  readonly timers: Map<WitnessTimer, number>
  isUp: boolean
  witness: Witness
}

/** Witnesses that share records by chance, over a time that the run moves on. */
export class ClosingRun {
  readonly proposal: SignedProposal
  readonly stations: Station[]
  nowMs = 0
  readonly #timeoutMs = 1000

  constructor(
    witnesses: readonly MemberId[],
    honest: readonly MemberId[],
    clockOffMs: (at: number) => number,
  ) {
    this.proposal = proposalWith(witnesses)
    this.stations = honest.map((self, at) => {
      const station = {
        self,
        clockOffMs: clockOffMs(at),
        ballots: new Set<RecordId>(),
        seals: new Map<RecordId, SignedRecord>(),
        own: [],
        timers: new Map<WitnessTimer, number>(),
        isUp: true,
      } as unknown as Station
      station.witness = this.#newWitness(station)
      return station
    })
  }

  /** All honest messages so far. */
  allSeals(): SignedRecord[] {
    return this.stations.flatMap(({ own }) => own)
  }

  giveSeal(station: Station, seal: SignedRecord): void {
    if (station.seals.has(seal.id)) return
    station.seals.set(seal.id, seal)
    if (station.isUp) this.#act(station, { type: 'seal', seal })
  }

  giveBallot(station: Station, id: RecordId): void {
    if (station.ballots.has(id)) return
    station.ballots.add(id)
    if (station.isUp) this.#act(station, { type: 'ballots' })
  }

  tellTime(station: Station): void {
    if (station.isUp) this.#act(station, { type: 'clock', nowMs: closesMs + this.nowMs + station.clockOffMs })
  }

  /** Lets one timer of this station run out, whenever that is. */
  fire(station: Station, timer: WitnessTimer): void {
    station.timers.delete(timer)
    if (station.isUp) this.#act(station, { type: 'timer', timer })
  }

  crash(station: Station): void {
    station.isUp = false
    station.timers.clear()
  }

  restart(station: Station): void {
    station.isUp = true
    station.timers.clear()
    station.witness = this.#newWitness(station)
    this.tellTime(station)
  }

  /** Everybody gets everything, in turns, and timers run out when it is time; until nothing moves or `untilMs` passed. */
  settle(more: () => readonly SignedRecord[], untilMs: number): void {
    for (const station of this.stations) if (!station.isUp) this.restart(station)
    const end = this.nowMs + untilMs
    for (;;) {
      const before = this.#size()
      const seals = [...this.allSeals(), ...more()]
      const ballots = new Set(this.stations.flatMap((station) => [...station.ballots]))
      for (const station of this.stations) {
        for (const id of ballots) this.giveBallot(station, id)
        for (const seal of seals) this.giveSeal(station, seal)
        this.tellTime(station)
      }
      if (this.#size() !== before) continue
      const next = Math.min(...this.stations.flatMap(({ timers }) => [...timers.values()]))
      if (next > end) return
      this.nowMs = Math.max(this.nowMs, next)
      for (const station of this.stations)
        for (const [timer, at] of station.timers) if (at <= this.nowMs) this.fire(station, timer)
    }
  }

  #size(): number {
    return this.stations.reduce((sum, { seals, ballots }) => sum + seals.size + ballots.size, 0)
  }

  #newWitness(station: Station): Witness {
    return createWitness({
      proposal: this.proposal,
      self: station.self,
      seals: station.seals.values(),
      view: {
        effectiveEndMs: () => closesMs,
        ballots: () => [...station.ballots],
        holds: (id) => station.ballots.has(id),
      },
      timeoutMs: this.#timeoutMs,
    })
  }

  #act(station: Station, event: Parameters<Witness['handle']>[0]): void {
    for (const action of station.witness.handle(event)) {
      if (action.type === 'timer') station.timers.set(action.timer, this.nowMs + action.delayMs)
      else {
        if (action.seq !== station.own.length)
          throw new Error(`signs #${action.seq} after ${station.own.length}`)
        const seal = sealOf(station.self, action.seq, station.own.at(-1)?.id ?? null, action.body)
        station.own.push(seal)
        this.giveSeal(station, seal)
      }
    }
  }
}
