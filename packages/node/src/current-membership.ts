import type { Clock, Random } from '@x0t/core'
import {
  issueSvid,
  parseCertificate,
  svidSubjectOf,
  type Authority,
  type IdentityStore,
  type StoredMembership,
} from '@x0t/identity'
import type { Identity } from '@x0t/keys'
import type { NodeConfig } from './config/index.ts'

/**
 * SVID and bundle as stored. The authority renews its own SVID here if that ended while the node was down: it never
 * waits for anyone.
 */
export function currentMembership(
  store: IdentityStore,
  own: {
    readonly identity: Identity
    readonly authority: Authority | undefined
    readonly config: NodeConfig
    readonly clock: Clock
    readonly random: Random
  },
): StoredMembership | undefined {
  const { identity, authority, config, clock, random } = own
  const stored = store.readMembership()
  if (stored === undefined || authority === undefined) return stored
  const [leaf] = stored.chainDer
  if (leaf !== undefined && parseCertificate(leaf).notAfterMs > clock.wallMs()) return stored
  const ttlMs = config.identity.svidTtlMs
  const svid = issueSvid(authority, { ...svidSubjectOf(identity), ttlMs, clock, random })
  store.writeMembership({ chainDer: svid.chainDer, bundle: stored.bundle })
  return store.readMembership()
}
