import { KeyUsageFlags } from '@peculiar/asn1-x509'
import { X0tError } from '@x0t/core'
import type { Certificate } from './certificate.ts'
import { oidMldsa65 } from './object-identifiers.ts'
import { parseSpiffeId } from './spiffe-id.ts'

/**
 * Rules for a signing certificate of `trustDomain` (RFC 5280 §6.1.4, X509-SVID.md §4): ML-DSA-65, critical cA, critical
 * keyCertSign without digitalSignature, at most one URI SAN which is the trust domain, no name constraints, nothing
 * critical that is unknown.
 * @throws X0tError with the code of the first rule that is broken
 */
export function authorityRules(certificate: Certificate, trustDomain: string): void {
  const { basicConstraints, keyUsage, subjectAltName, hasNameConstraints } = certificate.extensions
  onlyMldsa65(certificate)
  noUnknownCritical(certificate)
  if (!basicConstraints?.critical || !basicConstraints.cA)
    throw new X0tError('AUTHORITY_NOT_CA', 'a signing certificate has no critical basic constraints with cA')
  if (
    !keyUsage?.critical ||
    !(keyUsage.flags & KeyUsageFlags.keyCertSign) ||
    keyUsage.flags & KeyUsageFlags.digitalSignature
  )
    throw new X0tError(
      'AUTHORITY_KEY_USAGE',
      'a signing certificate needs critical key usage keyCertSign, without digitalSignature',
    )
  if (hasNameConstraints)
    throw new X0tError('AUTHORITY_NAME_CONSTRAINTS', 'a signing certificate has name constraints')
  const uris = subjectAltName?.uris ?? []
  if (uris.length > 1 || (uris[0] !== undefined && !isTrustDomain(uris[0], trustDomain)))
    throw new X0tError(
      'AUTHORITY_SAN',
      `a signing certificate is for ${uris.join(' and ')}, not for spiffe://${trustDomain}`,
    )
}

/** @throws X0tError SVID_ALGORITHM unless key and signature are ML-DSA-65 without parameters (RFC 9881 §2) */
export function onlyMldsa65({ publicKey, signature }: Certificate): void {
  for (const part of [publicKey, signature])
    if (part.algorithm !== oidMldsa65 || part.hasParameters)
      throw new X0tError(
        'SVID_ALGORITHM',
        `found algorithm ${part.algorithm}, expected ML-DSA-65 (${oidMldsa65})`,
      )
  if (publicKey.raw.length !== 1952)
    throw new X0tError('SVID_ALGORITHM', `an ML-DSA-65 key has 1952 bytes, not ${publicKey.raw.length}`)
}

/** @throws X0tError SVID_CRITICAL_EXTENSION (RFC 5280 §6.1.4 o, §6.1.5 f) */
export function noUnknownCritical({ extensions }: Certificate): void {
  if (extensions.unknownCritical.length > 0)
    throw new X0tError(
      'SVID_CRITICAL_EXTENSION',
      `critical extension ${extensions.unknownCritical.join(', ')} is unknown`,
    )
}

function isTrustDomain(uri: string, trustDomain: string): boolean {
  const id = parseSpiffeId(uri)
  return id.path === '' && id.trustDomain === trustDomain
}
