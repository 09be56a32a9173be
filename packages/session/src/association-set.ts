import type { Clock } from '@x0t/core'
import type { SessionLimits } from './limits.ts'
import { eraseKeys, type SecurityAssociation } from './security-association.ts'
import type { Generation } from './session-record.ts'

/** `receiving`: not confirmed yet. `sending`: the one in use. `draining`: replaced, receives a little longer. */
export type AssociationState = 'receiving' | 'sending' | 'draining'

/** The associations of one peer: one for sending, and those that still receive. */
export interface AssociationSet {
  /** The association in use for sending. */
  readonly sending: SecurityAssociation | undefined
  readonly size: number
  list(): { readonly sa: SecurityAssociation; readonly state: AssociationState }[]
  add(sa: SecurityAssociation): void
  /** Uses the association for sending, unless one in use is of a later generation; true if it does. */
  promote(localSpi: number, generation: Generation): boolean
  /** The peer sends with the new one: from now on the replaced ones live for the overlap only. */
  drain(): void
  /** Retires all at once. */
  clear(): void
}

export interface AssociationSetOptions {
  readonly clock: Clock
  readonly limits: Pick<SessionLimits, 'overlapMs'>
  readonly sendWith: (sa: SecurityAssociation) => void
  readonly retired: (sa: SecurityAssociation) => void
  /** The association in use reached its time of renewal. */
  readonly renewDue: () => void
}

/** Unconfirmed associations kept for one peer; what a lost confirmation leaves behind. */
const maxUnconfirmed = 4

interface Entry {
  readonly sa: SecurityAssociation
  state: AssociationState
  generation: Generation | undefined
  cancelEnd: () => void
  cancelRenewal: () => void
  ending: boolean
}

export function createAssociationSet(options: AssociationSetOptions): AssociationSet {
  const { clock, limits, sendWith, retired, renewDue } = options
  const entries = new Map<number, Entry>()
  let current: Entry | undefined

  const retire = (entry: Entry): void => {
    if (!entries.delete(entry.sa.localSpi)) return
    entry.cancelEnd()
    entry.cancelRenewal()
    if (current === entry) current = undefined
    retired(entry.sa)
    eraseKeys(entry.sa)
  }

  const endAt = (entry: Entry, atMs: number): void => {
    entry.cancelEnd()
    entry.cancelEnd = clock.setTimer(Math.max(0, atMs - clock.monotonicMs()), () => retire(entry))
  }

  return {
    get sending() {
      return current?.sa
    },
    get size() {
      return entries.size
    },
    list: () => [...entries.values()].map(({ sa, state }) => ({ sa, state })),
    add(sa) {
      const entry: Entry = {
        sa,
        state: 'receiving',
        generation: undefined,
        cancelEnd: () => {},
        cancelRenewal: () => {},
        ending: false,
      }
      entries.set(sa.localSpi, entry)
      endAt(entry, sa.expiresAtMs)
      const unconfirmed = [...entries.values()].filter(({ state }) => state === 'receiving')
      if (unconfirmed.length > maxUnconfirmed) retire(unconfirmed[0]!)
    },
    promote(localSpi, generation) {
      const entry = entries.get(localSpi)
      if (entry === undefined) return false
      entry.generation = generation
      if (current?.generation !== undefined && isEarlier(generation, current.generation)) {
        entry.state = 'draining'
        return false
      }
      if (current !== undefined) {
        current.state = 'draining'
        current.cancelRenewal()
      }
      current = entry
      entry.state = 'sending'
      const { sa } = entry
      entry.cancelRenewal = clock.setTimer(Math.max(0, sa.renewAtMs - clock.monotonicMs()), () => renewDue())
      sendWith(sa)
      return true
    },
    drain() {
      const atMs = clock.monotonicMs() + limits.overlapMs
      for (const entry of entries.values()) {
        if (entry.state !== 'draining' || entry.ending) continue
        entry.ending = true
        endAt(entry, Math.min(atMs, entry.sa.expiresAtMs))
      }
    },
    clear() {
      for (const entry of entries.values()) retire(entry)
    },
  }
}

/** Both ends know the order by the numbers that one of them gave; another run of that node counts as later. */
function isEarlier(one: Generation, other: Generation): boolean {
  return Buffer.from(one.instance).equals(other.instance) && one.number < other.number
}
