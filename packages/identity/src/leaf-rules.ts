import { KeyUsageFlags, id_kp_clientAuth, id_kp_serverAuth } from '@peculiar/asn1-x509'
import { X0tError, hasCode, messageOf } from '@x0t/core'
import type { Certificate } from './certificate.ts'
import { parseSpiffeId } from './spiffe-id.ts'

/**
 * Rules of an X.509-SVID for the certificate that authenticates (X509-SVID.md §2 to §4), whatever its key: exactly one
 * URI SAN, a SPIFFE ID with a path; not a CA; critical key usage with digitalSignature and no signing of certificates;
 * an extended key usage, if there, for both sides of TLS.
 * @returns the SPIFFE ID
 * @throws X0tError with the code of the first rule that is broken
 */
export function leafRules({ extensions, subjectIsEmpty }: Certificate): string {
  const { subjectAltName, basicConstraints, keyUsage, extendedKeyUsage } = extensions
  const [uri, ...more] = subjectAltName?.uris ?? []
  if (uri === undefined) throw new X0tError('SVID_NO_SAN', 'the certificate has no URI SAN')
  if (more.length > 0)
    throw new X0tError('SVID_TWO_SANS', `the certificate has ${more.length + 1} URI SANs, expected one`)
  if (subjectIsEmpty && !subjectAltName?.critical)
    throw new X0tError('SVID_SUBJECT', 'the subject is empty and the SAN is not critical')
  requirePath(uri)
  if (basicConstraints?.cA)
    throw new X0tError('SVID_LEAF_IS_CA', 'a signing certificate cannot be an identity')
  const signing = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
  if (!keyUsage?.critical || !(keyUsage.flags & KeyUsageFlags.digitalSignature) || keyUsage.flags & signing)
    throw new X0tError(
      'SVID_KEY_USAGE',
      'the leaf needs critical key usage digitalSignature, without keyCertSign and cRLSign',
    )
  if (
    extendedKeyUsage &&
    !(extendedKeyUsage.includes(id_kp_serverAuth) && extendedKeyUsage.includes(id_kp_clientAuth))
  )
    throw new X0tError(
      'SVID_EXTENDED_KEY_USAGE',
      'the extended key usage has not both serverAuth and clientAuth',
    )
  return uri
}

function requirePath(uri: string): void {
  try {
    if (parseSpiffeId(uri).path !== '') return
  } catch (error) {
    if (!hasCode(error, 'SPIFFE_ID_INVALID')) throw error
    throw new X0tError('SVID_ID_INVALID', `the URI SAN is no SPIFFE ID: ${messageOf(error)}`, {
      cause: error,
    })
  }
  throw new X0tError('SVID_ID_INVALID', `${uri} is a trust domain, not the ID of a node`)
}
