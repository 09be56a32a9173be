import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import { ExponentialHold } from './exponential-hold.ts'
import { limits } from './limits.ts'
import { checkOf, type StoredState } from './link-state-database.ts'
import { encodeLinkState, type LinkState, type ListedLink } from './link-state.ts'

/** What a node tells of itself besides its links. */
export interface SelfDescription {
  /** Up to 64 characters. */
  readonly name: string
  /** Where it can be dialled; up to 16 of up to 128 characters. */
  readonly addresses?: readonly string[]
  /** Up to 32 of up to 64 characters. */
  readonly features?: readonly string[]
}

export interface OriginationOptions extends SelfDescription {
  sign(body: Uint8Array): Uint8Array
  wallMs(): number
  readonly firstSequence: number
  readonly returning?: Returning | undefined
}

/**
 * A node that was restarted while something went on forwarding for it (as RFC 3623, graceful restart): it tells nothing of
 * itself until so many of its links are up again, but not for longer than this, because the others would believe that those
 * which are not yet up are gone.
 */
export interface Returning {
  readonly neighbours: number
  readonly forMs: number
}

/** Makes this node's own link states: when something changed, held back under bursts, and as a refresh. */
export class Origination {
  readonly #context: MeshContext
  readonly #options: OriginationOptions
  readonly #hold: ExponentialHold
  #description: Required<SelfDescription>
  #sequence: number
  #refreshMs = Infinity
  #urgedMs = -Infinity
  #quietUntilMs = -Infinity

  constructor(context: MeshContext, options: OriginationOptions) {
    const { firstSequence, name, addresses = [], features = [] } = options
    if (!Number.isSafeInteger(firstSequence) || firstSequence < 1)
      throw new RangeError(`firstSequence is an integer from 1, not ${firstSequence}`)
    this.#context = context
    this.#options = options
    this.#hold = new ExponentialHold(context.parameters.originationHold)
    this.#description = checked({ name, addresses, features })
    this.#sequence = firstSequence - 1
  }

  /** Sequence of the last link state. */
  sequence(): number {
    return this.#sequence
  }

  /**
   * A link was lost: the others must know at once, even amid a burst of other news, because packets go astray until
   * they do. Once in the longest hold only: a link that flaps waits like everything else.
   */
  requestNow(): void {
    const { nowMs, parameters } = this.#context
    if (nowMs - this.#urgedMs < parameters.originationHold.maxMs) return this.#hold.request(nowMs)
    this.#urgedMs = nowMs
    this.#hold.urge(nowMs)
  }

  /** Something else changed. */
  request(): void {
    this.#hold.request(this.#context.nowMs, this.#context.parameters.goodNewsMs)
  }

  /** @throws RangeError if a text or list is too long */
  describe(change: Partial<SelfDescription>): void {
    const { name, addresses, features } = { ...this.#description, ...withoutUndefined(change) }
    this.#description = checked({ name, addresses, features })
    this.request()
  }

  /** Jumps over a sequence that an earlier life of this node used; true if it had to. */
  outrun(sequence: number): boolean {
    if (sequence < this.#sequence || sequence >= Number.MAX_SAFE_INTEGER) return false
    this.#sequence = sequence
    this.request()
    return true
  }

  /** The node has begun. */
  begin(): void {
    const { returning } = this.#options
    if (returning !== undefined && returning.neighbours > 0)
      this.#quietUntilMs = this.#context.nowMs + returning.forMs
    this.request()
  }

  /** So many links are up. */
  linksUp(count: number): void {
    if (count >= (this.#options.returning?.neighbours ?? 0)) this.#quietUntilMs = -Infinity
  }

  dueMs(): number {
    return Math.max(this.#quietUntilMs, Math.min(this.#hold.dueMs, this.#refreshMs))
  }

  isDue(): boolean {
    return this.#context.nowMs >= this.dueMs()
  }

  /** Signs the next link state. */
  next(neighbours: ReadonlyMap<NodeId, ListedLink>): StoredState {
    const { self, nowMs, parameters } = this.#context
    if (this.#hold.dueMs <= nowMs) this.#hold.ran(nowMs)
    this.#refreshMs = nowMs + parameters.refreshMs
    this.#sequence++
    const state: LinkState = {
      origin: self,
      sequence: this.#sequence,
      ...this.#description,
      neighbours,
      issuedAtMs: Math.max(0, Math.trunc(this.#options.wallMs())),
    }
    const body = encodeLinkState(state)
    const signature = this.#options.sign(body)
    if (signature.length !== limits.signatureBytes)
      throw new RangeError(`a link state's signature has ${limits.signatureBytes} bytes`)
    return { state, body, signature, check: checkOf(signature), bornMs: nowMs }
  }
}

function checked(description: Required<SelfDescription>): Required<SelfDescription> {
  const { name, addresses, features } = description
  const fits = (list: readonly string[], count: number, characters: number): boolean =>
    list.length <= count && list.every((item) => item.length <= characters)
  if (
    name.length > limits.nameCharacters ||
    !fits(addresses, limits.addresses, limits.addressCharacters) ||
    !fits(features, limits.features, limits.featureCharacters)
  )
    throw new RangeError('name, addresses or features exceed what a link state holds')
  return description
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
