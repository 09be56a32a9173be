import { verify } from 'node:crypto'
import { X0tError } from '@x0t/core'
import { publicKeyFromRaw } from '@x0t/keys'
import { authorityRules, noUnknownCritical, onlyMldsa65 } from './authority-rules.ts'
import type { Certificate } from './certificate.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** Most certificates that a peer may send: leaf, two intermediates, authority. */
export const maxChainLength = 4

/**
 * Validates the path from `chain[0]` to an authority of the bundle (RFC 5280 §6.1; policies and name constraints are
 * not processed: critical ones are refused). An authority in the chain ends it, and only because the bundle has the
 * same bytes; the chain itself is never trusted.
 * @throws X0tError with the code of the rule that is broken
 */
export function verifyPath(chain: readonly Certificate[], bundle: TrustBundle, nowMs: number): void {
  for (const [index, certificate] of chain.entries()) {
    onlyMldsa65(certificate)
    noUnknownCritical(certificate)
    const next = chain[index + 1]
    const issuer =
      next && !isAnchor(next, bundle) && isIssuer(next, certificate) ? next : anchorOf(certificate, bundle)
    verifySignature(certificate, issuer)
    verifyIssuer(issuer, { bundle, nowMs, authoritiesBelow: index })
    if (issuer !== next) return
  }
  /* c8 ignore next 2 -- the last certificate has no next one: the loop returns there or throws */
  throw new X0tError('SVID_WRONG_AUTHORITY', 'the chain does not end at an authority of the bundle')
}

function isAnchor(certificate: Certificate, bundle: TrustBundle): boolean {
  return bundle.authorities.some(({ der }) => Buffer.compare(der, certificate.der) === 0)
}

/** By name, and by key identifier where both have one: two authorities may bear one name. */
function isIssuer(issuer: Certificate, certificate: Certificate): boolean {
  const { subjectKeyId } = issuer.extensions
  const { authorityKeyId } = certificate.extensions
  return (
    issuer.subjectDer.equals(certificate.issuerDer) &&
    (subjectKeyId === undefined || authorityKeyId === undefined || subjectKeyId.equals(authorityKeyId))
  )
}

function anchorOf(certificate: Certificate, bundle: TrustBundle): Certificate {
  const anchors = bundle.authorities.filter((authority) => isIssuer(authority, certificate))
  const [first] = anchors
  if (!first)
    throw new X0tError(
      'SVID_WRONG_AUTHORITY',
      `no authority of ${bundle.trustDomain} issued the certificate`,
      {
        hint: 'the peer belongs to another mesh, or the authority was replaced: fetch the trust bundle again',
      },
    )
  // Without key identifiers several may fit: the signature decides.
  return anchors.length === 1
    ? first
    : (anchors.find((anchor) => signatureHolds(certificate, anchor)) ?? first)
}

function verifySignature(certificate: Certificate, issuer: Certificate): void {
  if (!signatureHolds(certificate, issuer))
    throw new X0tError(
      'SVID_SIGNATURE',
      'the signature of a certificate does not verify with the key of its issuer',
    )
}

function signatureHolds(certificate: Certificate, issuer: Certificate): boolean {
  onlyMldsa65(issuer)
  const key = publicKeyFromRaw('mldsa65', issuer.publicKey.raw)
  return verify(null, certificate.tbsDer, key, certificate.signature.bytes)
}

function verifyIssuer(
  issuer: Certificate,
  { bundle, nowMs, authoritiesBelow }: { bundle: TrustBundle; nowMs: number; authoritiesBelow: number },
): void {
  authorityRules(issuer, bundle.trustDomain)
  const pathLen = issuer.extensions.basicConstraints?.pathLen
  if (pathLen !== undefined && authoritiesBelow > pathLen)
    throw new X0tError(
      'AUTHORITY_PATH_LENGTH',
      `${authoritiesBelow} signing certificates below one that allows ${pathLen}`,
    )
  if (nowMs > issuer.notAfterMs)
    throw new X0tError(
      'AUTHORITY_EXPIRED',
      `a signing certificate ended at ${new Date(issuer.notAfterMs).toISOString()}`,
    )
  if (nowMs < issuer.notBeforeMs)
    throw new X0tError(
      'AUTHORITY_NOT_YET_VALID',
      `a signing certificate begins at ${new Date(issuer.notBeforeMs).toISOString()}`,
    )
}
