import { X0tError, type Clock, type Counters, type Log, type NodeId, type Random } from '@x0t/core'
import {
  createBanRecord,
  createJoinToken,
  handleEnrolRequest,
  type Authority,
  type BanList,
  type BanRecord,
  type IdentityStore,
  type TrustBundle,
} from '@x0t/identity'

export interface AuthorityDeskOptions {
  readonly authority: Authority
  readonly bundle: () => TrustBundle
  readonly store: IdentityStore
  readonly bans: BanList
  /** Lifetime of what is issued; a vote may change it while the node runs. */
  readonly svidTtlMs: () => number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
}

/** What only the node with the mesh's authority does: admit, renew, ban. */
export interface AuthorityDesk {
  /** Answers an enrolment or renewal; the answer is signed. */
  answer(request: Uint8Array): Uint8Array
  /** @throws X0tError REQUEST_INVALID for a name or addresses that a token cannot hold */
  invite(options: {
    readonly addresses: readonly string[]
    readonly ttlMs: number
    readonly name?: string
  }): {
    readonly id: string
    readonly token: string
    readonly expiresAtMs: number
  }
  ban(nodeId: NodeId, reason: string): BanRecord
  /** @throws X0tError NODE_NOT_BANNED */
  unban(nodeId: NodeId): BanRecord
}

const keepEndedTokensMs = 30 * 86_400_000

export function createAuthorityDesk(options: AuthorityDeskOptions): AuthorityDesk {
  const { authority, store, bans, svidTtlMs, clock, random, log, counters } = options
  return {
    answer(request) {
      const { tokens, nodes, nonces } = store
      const bundle = options.bundle()
      const ttlMs = svidTtlMs()
      const state = { authority, bundle, tokens, nodes, nonces, bans, svidTtlMs: ttlMs, random }
      const outcome = handleEnrolRequest(state, request, clock.wallMs())
      if (outcome.kind === 'refused') {
        counters.count('enrolments_refused_total', { reason: outcome.code ?? 'unknown' })
        log.warn('enrolment-refused', { nodeId: outcome.nodeId, code: outcome.code })
      } else {
        counters.count('svid_issuance_total', { kind: outcome.kind })
        log.info(outcome.kind === 'enrolled' ? 'node-enrolled' : 'svid-issued', { nodeId: outcome.nodeId })
      }
      return outcome.response
    },
    invite({ addresses, ttlMs, name }) {
      store.tokens.purge(clock.wallMs() - keepEndedTokensMs)
      const named = name === undefined ? {} : { name }
      const { text, record } = orInvalid(() =>
        createJoinToken({ authority, addresses, ttlMs, ...named, clock, random }),
      )
      store.tokens.add(record)
      log.info('token-made', { id: record.id, expiresAtMs: record.expiresAtMs })
      return { id: record.id, token: text, expiresAtMs: record.expiresAtMs }
    },
    ban: (nodeId, reason) => createBanRecord(authority, { nodeId, serial: bans.nextSerial(), reason, clock }),
    unban(nodeId) {
      if (!bans.isBanned(nodeId)) throw new X0tError('NODE_NOT_BANNED', `node ${nodeId} is not banned`)
      return createBanRecord(authority, { nodeId, serial: bans.nextSerial(), lifted: true, clock })
    },
  }
}

/** What a token cannot hold is the fault of who asked for it. */
function orInvalid<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new X0tError('REQUEST_INVALID', error.message, { cause: error, exitCode: 2 })
  }
}

/** The error of an authority's business asked of another node. */
export function notTheAuthority(): X0tError {
  return new X0tError('NOT_THE_AUTHORITY', "this node does not hold the mesh's certificate authority", {
    hint: 'run the command on the node that made the mesh; x0t mesh map shows it with the feature authority',
  })
}
