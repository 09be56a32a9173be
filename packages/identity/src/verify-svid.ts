import { X0tError, hasCode, messageOf, type NodeId } from '@x0t/core'
import { nodeIdOfKeys, type HybridPublicKeys } from '@x0t/keys'
import { parseCertificate, type Certificate } from './certificate.ts'
import { maxChainLength, verifyPath } from './certification-path.ts'
import { verifyHostKey } from './host-key-extension.ts'
import { leafRules } from './leaf-rules.ts'
import { parseNodeSpiffeId, parseSpiffeId } from './spiffe-id.ts'
import { chainKey, svidMemories } from './svid-memory.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** What a verified SVID proves about its node. Times are milliseconds since 1970. */
export interface VerifiedSvid {
  readonly nodeId: NodeId
  readonly spiffeId: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly serial: Uint8Array
  readonly publicKeys: HybridPublicKeys
}

export interface VerifySvidOptions {
  readonly nowMs: number
  readonly isBanned: (nodeId: NodeId) => boolean
}

const memoryOf = svidMemories<VerifiedSvid>()

/**
 * Accepts the certificate chain of a node (leaf first, DER) or throws. Whole path of RFC 5280 to an authority of the
 * bundle, leaf rules of SPIFFE, then those of ARCHITECTURE.md: trust domain, Ed25519 signature over the SPKI, the id in
 * the SAN equal to the id of both keys, not banned. That the peer holds the ML-DSA-65 key is what TLS proves. A chain
 * that was accepted under the same bundle costs a hash: dates and bans are judged each time.
 * @throws X0tError SVID_… or AUTHORITY_…, one code for each rule
 */
export function verifySvid(
  chainDer: readonly Uint8Array[],
  bundle: TrustBundle,
  { nowMs, isBanned }: VerifySvidOptions,
): VerifiedSvid {
  const memory = memoryOf(bundle)
  const key = chainKey(chainDer)
  let svid = memory.get(key, nowMs)
  if (svid === undefined) {
    const chain = parseChain(chainDer)
    svid = verifyChain(chain, bundle, nowMs)
    const dated = [...chain, ...bundle.authorities]
    const fromMs = Math.max(...dated.map(({ notBeforeMs }) => notBeforeMs))
    const untilMs = Math.min(...dated.map(({ notAfterMs }) => notAfterMs))
    memory.set(key, { found: svid, fromMs, untilMs })
  }
  if (isBanned(svid.nodeId)) throw new X0tError('SVID_BANNED', `node ${svid.nodeId} is banned`)
  return svid
}

function verifyChain(chain: readonly Certificate[], bundle: TrustBundle, nowMs: number): VerifiedSvid {
  const [leaf] = chain
  if (!leaf) throw new X0tError('SVID_MALFORMED', 'the certificate chain is empty')
  verifyPath(chain, bundle, nowMs)
  const spiffeId = leafRules(leaf)
  const nodeId = nodeIdOf(spiffeId, bundle.trustDomain)
  verifyDates(leaf, nowMs)
  const publicKeys = verifyHybrid(leaf)
  const recomputed = nodeIdOfKeys(publicKeys.ed25519PublicRaw, publicKeys.mldsa65PublicRaw)
  if (recomputed !== nodeId)
    throw new X0tError(
      'SVID_ID_MISMATCH',
      `the SVID says node ${nodeId}, but its keys are those of ${recomputed}`,
    )
  return {
    nodeId,
    spiffeId,
    notBeforeMs: leaf.notBeforeMs,
    notAfterMs: leaf.notAfterMs,
    serial: leaf.serial,
    publicKeys,
  }
}

function parseChain(chainDer: readonly Uint8Array[]): Certificate[] {
  if (chainDer.length > maxChainLength)
    throw new X0tError(
      'SVID_CHAIN_TOO_LONG',
      `${chainDer.length} certificates; a path has at most ${maxChainLength}`,
    )
  return chainDer.map((der, index) => {
    try {
      return parseCertificate(der)
    } catch (error) {
      if (!hasCode(error, 'CERTIFICATE_MALFORMED')) throw error
      throw new X0tError('SVID_MALFORMED', `certificate ${index + 1} of the chain: ${messageOf(error)}`, {
        cause: error,
      })
    }
  })
}

function nodeIdOf(spiffeId: string, trustDomain: string): NodeId {
  const found = parseSpiffeId(spiffeId).trustDomain
  if (found !== trustDomain)
    throw new X0tError(
      'SVID_WRONG_TRUST_DOMAIN',
      `the SVID is of trust domain ${found}, expected ${trustDomain}`,
    )
  try {
    return parseNodeSpiffeId(spiffeId).nodeId
  } catch (error) {
    if (!hasCode(error, 'SPIFFE_ID_NOT_NODE')) throw error
    throw new X0tError('SVID_ID_INVALID', messageOf(error), { cause: error })
  }
}

function verifyDates({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): void {
  if (nowMs > notAfterMs)
    throw new X0tError('SVID_EXPIRED', `the SVID ended at ${dateOf(notAfterMs)}; it is ${dateOf(nowMs)} here`)
  if (nowMs < notBeforeMs)
    throw new X0tError(
      'SVID_NOT_YET_VALID',
      `the SVID begins at ${dateOf(notBeforeMs)}; it is ${dateOf(nowMs)} here`,
    )
}

function verifyHybrid(leaf: Certificate): HybridPublicKeys {
  const hostKey = leaf.extensions.hostKey?.value
  if (!hostKey) throw new X0tError('SVID_NO_HYBRID_KEY', 'the SVID holds no Ed25519 key with its signature')
  if (!verifyHostKey(hostKey, leaf.spkiDer))
    throw new X0tError('SVID_HYBRID_SIGNATURE', "the Ed25519 signature over the SVID's key does not verify")
  return { ed25519PublicRaw: hostKey.ed25519PublicRaw, mldsa65PublicRaw: leaf.publicKey.raw }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString()
}
