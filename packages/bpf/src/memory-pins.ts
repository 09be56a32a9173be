import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { hasCode, X0tError } from '@x0t/core'

/** What a pin of the memory back end holds. */
export type MemoryKind = 'map' | 'program' | 'link'

/**
 * Pins of the memory back end: ordinary files that name what they hold. As in a BPF file system, a pin may be renamed
 * with its folder, and what it holds lives until it is removed.
 */
export class MemoryPins implements Disposable {
  /** By descriptor, which stays with the file wherever it goes. */
  readonly #pins = new Map<number, string>()
  readonly #backend: string

  /** @param backend tells the pins of one back end from those of another */
  constructor(backend: string) {
    this.#backend = backend
  }

  /** @throws X0tError BPF_PIN_FAILED */
  add(path: string, kind: MemoryKind, id: number): void {
    let fd: number
    try {
      fd = openSync(path, 'wx', 0o600)
    } catch (error) {
      throw new X0tError('BPF_PIN_FAILED', `${kind} ${id} could not be pinned at ${path}`, {
        cause: error,
        hint: hasCode(error, 'EEXIST')
          ? `remove the pin that is there: rm ${path}`
          : 'the folder must be there',
      })
    }
    writeSync(fd, `${this.#backend} ${kind} ${id}\n`)
    this.#pins.set(fd, `${kind} ${id}`)
  }

  /** Id of what a pin holds. @throws X0tError BPF_OBJECT_NOT_FOUND */
  idOf(path: string, kind: MemoryKind): number {
    let text: string
    try {
      text = readFileSync(path, 'latin1')
    } catch (error) {
      throw new X0tError('BPF_OBJECT_NOT_FOUND', `pin ${path} could not be opened`, {
        cause: error,
        hint: 'x0t bpf list',
      })
    }
    const [backend, found, id] = text.trim().split(' ')
    if (backend !== this.#backend || found !== kind)
      throw new X0tError('BPF_OBJECT_NOT_FOUND', `${path} is no pin of a ${kind} of this back end`)
    return Number(id)
  }

  /** Where something is pinned now. */
  of(kind: MemoryKind, id: number): readonly string[] {
    this.#forgetRemoved()
    return [...this.#pins]
      .filter(([, held]) => held === `${kind} ${id}`)
      .map(([fd]) => readlinkSync(`/proc/self/fd/${fd}`))
  }

  #forgetRemoved(): void {
    for (const fd of this.#pins.keys()) {
      if (fstatSync(fd).nlink > 0) continue
      closeSync(fd)
      this.#pins.delete(fd)
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#pins.keys()) closeSync(fd)
    this.#pins.clear()
  }
}
