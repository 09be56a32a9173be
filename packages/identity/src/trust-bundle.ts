import { createHash } from 'node:crypto'
import { X0tError, hasCode, messageOf } from '@x0t/core'
import { decodeRecord, encodeRecord, recordBytes } from './record.ts'
import { authorityRules } from './authority-rules.ts'
import { parseCertificate, type Certificate } from './certificate.ts'
import { parseSpiffeId } from './spiffe-id.ts'
import { z } from 'zod'

/** The authorities of one trust domain. Bundles of several domains are never merged. */
export interface TrustBundle {
  readonly trustDomain: string
  /** 1 to {@link maxAuthorities}; several while one replaces another. */
  readonly authorities: readonly Certificate[]
}

export const maxAuthorities = 8

/**
 * A bundle of these signing certificates. Dates are not judged here but at each use.
 * @throws X0tError BUNDLE_INVALID if one is malformed or may not sign for `trustDomain`, or for none or too many
 */
export function createTrustBundle(trustDomain: string, authoritiesDer: readonly Uint8Array[]): TrustBundle {
  if (authoritiesDer.length === 0 || authoritiesDer.length > maxAuthorities)
    throw new X0tError(
      'BUNDLE_INVALID',
      `a trust bundle has 1 to ${maxAuthorities} authorities, not ${authoritiesDer.length}`,
    )
  try {
    if (parseSpiffeId(`spiffe://${trustDomain}`).trustDomain !== trustDomain)
      throw new Error('trust domain with a path')
    const authorities = authoritiesDer.map((der) => parseCertificate(der))
    for (const authority of authorities) authorityRules(authority, trustDomain)
    return { trustDomain, authorities }
  } catch (error) {
    if (hasCode(error, 'BUNDLE_INVALID')) throw error
    throw new X0tError('BUNDLE_INVALID', `the trust bundle of ${trustDomain}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** SHA-256 of a certificate: what a join token pins. */
export function certificateHash(der: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(der).digest())
}

/** The bundle's authority with this SHA-256, if any. */
export function authorityByHash(bundle: TrustBundle, hash: Uint8Array): Certificate | undefined {
  return bundle.authorities.find(({ der }) => Buffer.compare(certificateHash(der), hash) === 0)
}

const bundleSchema = z.strictObject({
  trustDomain: z.string().max(255),
  authorities: z
    .array(recordBytes({ max: 16_384 }))
    .min(1)
    .max(maxAuthorities),
})
const maxBundleBytes = 140_000

/** dag-cbor of a bundle. */
export function encodeTrustBundle(bundle: TrustBundle): Uint8Array<ArrayBuffer> {
  return encodeRecord({
    trustDomain: bundle.trustDomain,
    authorities: bundle.authorities.map(({ der }) => der),
  })
}

/** @throws X0tError RECORD_MALFORMED, BUNDLE_INVALID */
export function decodeTrustBundle(bytes: Uint8Array): TrustBundle {
  const { trustDomain, authorities } = decodeRecord(bytes, bundleSchema, {
    name: 'trust bundle',
    maxBytes: maxBundleBytes,
  })
  return createTrustBundle(trustDomain, authorities)
}
