import { createHash, sign, type KeyObject } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
} from '@peculiar/asn1-x509'
import { oidCommonName, oidHostKey, oidMldsa65 } from './object-identifiers.ts'

/** What goes into a certificate. Times are milliseconds since 1970, cut to the second. */
export interface CertificateContent {
  readonly serial: Uint8Array
  /** Common name of the issuer; '' for none. */
  readonly issuer: string
  readonly subject: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly mldsa65PublicRaw: Uint8Array
  readonly extensions: readonly Extension[]
}

/** Builds a certificate and signs it with an ML-DSA-65 key (RFC 9881: empty context, no parameters). Returns DER. */
export function signCertificate(content: CertificateContent, issuerKey: KeyObject): Uint8Array<ArrayBuffer> {
  const algorithm = new AlgorithmIdentifier({ algorithm: oidMldsa65 })
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: exact(content.serial),
    signature: algorithm,
    issuer: nameOf(content.issuer),
    validity: new Validity({
      notBefore: new Date(content.notBeforeMs),
      notAfter: new Date(content.notAfterMs),
    }),
    subject: nameOf(content.subject),
    subjectPublicKeyInfo: new SubjectPublicKeyInfo({
      algorithm,
      subjectPublicKey: exact(content.mldsa65PublicRaw),
    }),
    extensions: new Extensions([...content.extensions]),
  })
  const tbsDer = Buffer.from(AsnConvert.serialize(tbsCertificate))
  const signatureValue = exact(sign(null, tbsDer, issuerKey))
  return new Uint8Array(
    AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue })),
  )
}

/** The extensions that x0t certificates have, one maker each. */
export const extensionOf = {
  uris: (uris: readonly string[], critical: boolean): Extension =>
    extension(
      id_ce_subjectAltName,
      critical,
      new SubjectAlternativeName(uris.map((uri) => new GeneralName({ uniformResourceIdentifier: uri }))),
    ),
  basicConstraints: (cA: boolean, pathLenConstraint?: number): Extension =>
    extension(
      id_ce_basicConstraints,
      true,
      new BasicConstraints(pathLenConstraint === undefined ? { cA } : { cA, pathLenConstraint }),
    ),
  /** `flags`: sum of `KeyUsageFlags` of @peculiar/asn1-x509. */
  keyUsage: (flags: number, critical = true): Extension =>
    extension(id_ce_keyUsage, critical, new KeyUsage(flags)),
  extendedKeyUsage: (oids: readonly string[]): Extension =>
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([...oids])),
  subjectKeyId: (id: Uint8Array): Extension =>
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(exact(id))),
  authorityKeyId: (id: Uint8Array): Extension =>
    extension(
      id_ce_authorityKeyIdentifier,
      false,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(exact(id)) }),
    ),
  /** `der`: of `encodeHostKey`. */
  hostKey: (der: Uint8Array): Extension => rawExtension(oidHostKey, false, der),
} as const

/** An extension whose value is DER already. */
export function rawExtension(extnID: string, critical: boolean, der: Uint8Array): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(exact(der)) })
}

/** Key identifier of a raw public key: the leftmost 160 bits of its SHA-256 (RFC 7093 §2, method 1). */
export function keyIdOf(publicRaw: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(publicRaw).digest().subarray(0, 20))
}

function extension(oid: string, critical: boolean, value: unknown): Extension {
  return rawExtension(oid, critical, new Uint8Array(AsnConvert.serialize(value)))
}

function nameOf(commonName: string): Name {
  if (commonName === '') return new Name([])
  const value = new AttributeValue({ utf8String: commonName })
  return new Name([
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type: oidCommonName, value })]),
  ])
}

/** An ArrayBuffer of exactly these bytes: a Buffer is often a window on a larger one. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
