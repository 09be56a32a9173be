import { X0tError } from '@x0t/core'
import type { AttachTarget, ProgramSpec } from './contract.ts'
import type { MemoryMapState } from './memory-map.ts'
import { MemoryPins, type MemoryKind } from './memory-pins.ts'
import type { ProgramKind } from './program-kind.ts'

interface Counted {
  readonly id: number
  /** Handles that are open. */
  handles: number
}
export interface MapThing extends Counted {
  readonly kind: 'map'
  readonly state: MemoryMapState
}
export interface ProgramThing extends Counted {
  readonly kind: 'program'
  readonly spec: ProgramSpec
  readonly type: ProgramKind
  readonly tag: string
  readonly instructionBytes: number
  readonly mapIds: readonly number[]
  readonly loadedAtMs: number
}
export interface LinkThing extends Counted {
  readonly kind: 'link'
  readonly target: AttachTarget
  readonly type: string
  programId: number
  isDetached: boolean
}
export type Thing = MapThing | ProgramThing | LinkThing

/** A thing without what the table gives it. */
type New<T extends Thing> = Omit<T, 'id' | 'handles'>

/** An open handle of a thing. */
export interface MemoryHandle<T extends Thing> extends Disposable {
  readonly thing: T
  /** @throws TypeError once the handle is disposed */
  check(): void
  /** @throws X0tError BPF_PIN_FAILED */
  pin(path: string): void
}

/** Ids of what is in the memory back end. Things live as long as a handle, a pin, a link or a program holds them. */
export class MemoryThings implements Disposable {
  readonly #things = new Map<number, Thing>()
  readonly #pins: MemoryPins
  #lastId = 0

  constructor(backend: string) {
    this.#pins = new MemoryPins(backend)
  }

  add<T extends Thing>(fresh: New<T>): MemoryHandle<T> {
    const thing = { ...fresh, id: ++this.#lastId, handles: 0 } as unknown as T
    this.#things.set(thing.id, thing)
    return this.#open(thing)
  }

  /** @throws X0tError BPF_OBJECT_NOT_FOUND */
  open<K extends MemoryKind>(
    kind: K,
    ref: { readonly id: number } | { readonly pin: string },
  ): MemoryHandle<Extract<Thing, { kind: K }>> {
    const id = 'id' in ref ? ref.id : this.#pins.idOf(ref.pin, kind)
    const thing = this.list(kind).find((candidate) => candidate.id === id)
    if (thing === undefined)
      throw new X0tError('BPF_OBJECT_NOT_FOUND', `there is no ${kind} ${id}`, { hint: 'x0t bpf list' })
    return this.#open(thing)
  }

  list<K extends MemoryKind>(kind: K): readonly Extract<Thing, { kind: K }>[] {
    this.#sweep()
    return [...this.#things.values()].filter(
      (thing): thing is Extract<Thing, { kind: K }> => thing.kind === kind,
    )
  }

  pinsOf({ kind, id }: Thing): readonly string[] {
    return this.#pins.of(kind, id)
  }

  #open<T extends Thing>(thing: T): MemoryHandle<T> {
    thing.handles++
    let isOpen = true
    const check = (): void => {
      if (!isOpen) throw new TypeError(`${thing.kind} ${thing.id} is closed`)
    }
    return {
      thing,
      check,
      pin: (path) => {
        check()
        this.#pins.add(path, thing.kind, thing.id)
      },
      [Symbol.dispose]: () => {
        if (!isOpen) return
        isOpen = false
        thing.handles--
      },
    }
  }

  /** Forgets what nothing holds any more; links hold programs, programs hold maps, so in this order. */
  #sweep(): void {
    for (const kind of ['link', 'program', 'map'] as const) {
      for (const thing of this.#things.values()) {
        if (thing.kind === kind && !this.#isHeld(thing)) this.#things.delete(thing.id)
      }
    }
  }

  #isHeld(thing: Thing): boolean {
    if (thing.handles > 0 || this.#pins.of(thing.kind, thing.id).length > 0) return true
    return [...this.#things.values()].some(
      (other) =>
        (other.kind === 'link' &&
          thing.kind === 'program' &&
          !other.isDetached &&
          other.programId === thing.id) ||
        (other.kind === 'program' && thing.kind === 'map' && other.mapIds.includes(thing.id)) ||
        (other.kind === 'map' && thing.kind === 'program' && other.state.holdsProgram(thing.id)),
    )
  }

  [Symbol.dispose](): void {
    this.#things.clear()
    this.#pins[Symbol.dispose]()
  }
}
