import { messageOf, X0tError, type Clock, type Counters, type Log, type Random } from '@x0t/core'
import {
  buildRenewRequest,
  certificateHash,
  parseCertificate,
  readEnrolResponse,
  startRenewal,
  stepRenewal,
  type Enrolment,
  type IdentityStore,
  type MemberCredentials,
  type RenewalEvent,
  type StoredMembership,
  type SvidDates,
  type TrustBundle,
} from '@x0t/identity'
import type { Identity } from '@x0t/keys'

export interface SvidKeeperOptions {
  readonly identity: Identity
  readonly name: string
  readonly membership: StoredMembership
  readonly store: IdentityStore
  /** Brings a request to the authority and its answer back. */
  readonly askAuthority: (request: Uint8Array) => Promise<Uint8Array>
  readonly onRenewed: (enrolment: Enrolment) => void
  readonly onExpired: () => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
}

/** This node's SVID: at hand, stored, and renewed at half of its life. */
export interface SvidKeeper extends Disposable {
  /** The same object until the SVID is renewed. */
  credentials(): MemberCredentials
  bundle(): TrustBundle
  dates(): SvidDates
  /** Renews now if that is due, as after a network has come back. */
  wake(): void
  /** Renews now, due or not; the reason where that failed, `undefined` where there is a new one. */
  renewNow(): Promise<string | undefined>
  start(): void
}

export function createSvidKeeper(options: SvidKeeperOptions): SvidKeeper {
  const { identity, name, store, clock, random, log, counters } = options
  const authorityHashes = (bundle: TrustBundle): Uint8Array[] =>
    bundle.authorities.map(({ der }) => certificateHash(der))
  let { chainDer, bundle } = options.membership
  const credentialsOf = (chain: readonly Uint8Array[], authorities: TrustBundle): MemberCredentials => ({
    chainDer: chain,
    privateKey: identity.mldsa65.privateKey,
    bundle: authorities,
  })
  let credentials = credentialsOf(chainDer, bundle)
  let dates = datesOf(chainDer)
  let state = startRenewal(dates, instant(), random)
  let cancelTimer = (): void => {}
  let disposed = false

  function instant(): { wallMs: number; monotonicMs: number } {
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
  }

  /** A full disk must not cost the membership: the SVID holds until a restart, which brings another one. */
  const storeMembership = ({ chainDer: chain, bundle: authorities }: Enrolment): void => {
    try {
      store.writeMembership({ chainDer: chain, bundle: authorities })
    } catch (error) {
      log.error('svid-not-stored', { reason: messageOf(error) })
    }
  }

  let lastFailure: string | undefined
  const renew = async (reason: string): Promise<void> => {
    const startedMs = clock.monotonicMs()
    lastFailure = undefined
    try {
      const request = buildRenewRequest(identity, { name, trustDomain: bundle.trustDomain, clock, random })
      const enrolment = readEnrolResponse(await options.askAuthority(request.bytes), {
        requestHash: request.hash,
        nodeId: identity.nodeId,
        trustDomain: bundle.trustDomain,
        authorityHashes: authorityHashes(bundle),
      })
      if (disposed) return
      storeMembership(enrolment)
      chainDer = enrolment.chainDer
      bundle = enrolment.bundle
      credentials = credentialsOf(chainDer, bundle)
      dates = datesOf(chainDer)
      counters.count('svid_renewal_total')
      const durationMs = Math.round(clock.monotonicMs() - startedMs)
      log.info('svid-renewed', { reason, notAfterMs: dates.notAfterMs, durationMs })
      options.onRenewed(enrolment)
      step({ type: 'renewed', at: instant(), svid: dates })
    } catch (error) {
      lastFailure = messageOf(error)
      if (disposed) return
      const code = error instanceof X0tError ? error.code : 'INTERNAL'
      counters.count('svid_renewal_failures_total', { reason: code })
      log.warn('svid-renewal-failed', { code, reason: messageOf(error) })
      step({ type: 'failed', at: instant() })
    }
  }

  const step = (event: RenewalEvent): void => {
    const { state: next, actions } = stepRenewal(state, event, random)
    state = next
    for (const action of actions) {
      if (action.type === 'renew') void renew(action.reason)
      else if (action.type === 'expired') {
        log.error('svid-expired', { notAfterMs: dates.notAfterMs })
        options.onExpired()
      } else {
        cancelTimer()
        cancelTimer = clock.setTimer(action.delayMs, tick)
      }
    }
  }

  const tick = (): void => {
    if (!disposed) step({ type: 'tick', at: instant() })
  }

  return {
    credentials: () => credentials,
    bundle: () => bundle,
    dates: () => dates,
    wake: tick,
    async renewNow() {
      if (state.isAttempting) return 'a renewal is under way already'
      state = { ...state, isAttempting: true }
      await renew('asked')
      return lastFailure
    },
    start: tick,
    [Symbol.dispose]() {
      disposed = true
      cancelTimer()
    },
  }
}

function datesOf(chainDer: readonly Uint8Array[]): SvidDates {
  const [leaf] = chainDer
  if (leaf === undefined) throw new X0tError('STATE_DAMAGED', 'the stored SVID is empty')
  const { notBeforeMs, notAfterMs } = parseCertificate(leaf)
  return { notBeforeMs, notAfterMs }
}
