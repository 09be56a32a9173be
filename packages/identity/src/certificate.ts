import { AsnConvert, type OctetString } from '@peculiar/asn1-schema'
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate as Asn1Certificate,
  ExtendedKeyUsage,
  KeyUsage,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  type Extension,
} from '@peculiar/asn1-x509'
import { X0tError, messageOf } from '@x0t/core'
import { decodeHostKey, type HostKey } from './host-key-extension.ts'
import { oidHostKey } from './object-identifiers.ts'

/** Longest certificate that is read, bytes. A leaf of x0t has about 5,700. */
export const maxCertificateBytes = 16_384

/** What the rules of RFC 5280 and SPIFFE look at. Times are milliseconds since 1970. */
export interface Certificate {
  readonly der: Uint8Array<ArrayBuffer>
  /** The signed part. */
  readonly tbsDer: Uint8Array<ArrayBuffer>
  readonly serial: Uint8Array<ArrayBuffer>
  readonly issuerDer: Buffer
  readonly subjectDer: Buffer
  readonly subjectIsEmpty: boolean
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly spkiDer: Uint8Array<ArrayBuffer>
  readonly publicKey: {
    readonly algorithm: string
    readonly hasParameters: boolean
    readonly raw: Uint8Array<ArrayBuffer>
  }
  readonly signature: {
    readonly algorithm: string
    readonly hasParameters: boolean
    readonly bytes: Uint8Array<ArrayBuffer>
  }
  readonly extensions: CertificateExtensions
}

/** Extensions that x0t knows; absent where the certificate does not have them. */
export interface CertificateExtensions {
  readonly subjectAltName?: { readonly critical: boolean; readonly uris: readonly string[] }
  readonly basicConstraints?: {
    readonly critical: boolean
    readonly cA: boolean
    readonly pathLen: number | undefined
  }
  /** Bits as in `KeyUsageFlags` of @peculiar/asn1-x509. */
  readonly keyUsage?: { readonly critical: boolean; readonly flags: number }
  readonly extendedKeyUsage?: readonly string[]
  readonly subjectKeyId?: Buffer
  readonly authorityKeyId?: Buffer
  /** Undefined value: the extension is there but is not an Ed25519 key with a signature. */
  readonly hostKey?: { readonly value: HostKey | undefined }
  readonly hasNameConstraints: boolean
  readonly unknownCritical: readonly string[]
}

/**
 * Parses one certificate. Strict: what does not re-encode to the same bytes (trailing bytes, BER forms, explicit
 * defaults), a version other than 3, or an extension that occurs twice is refused.
 * @throws X0tError CERTIFICATE_MALFORMED
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > maxCertificateBytes)
    throw new X0tError(
      'CERTIFICATE_MALFORMED',
      `a certificate has at most ${maxCertificateBytes} bytes, not ${bytes.length}`,
    )
  try {
    return readCertificate(new Uint8Array(bytes))
  } catch (error) {
    throw new X0tError('CERTIFICATE_MALFORMED', `not an X.509 certificate in DER: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function readCertificate(der: Uint8Array<ArrayBuffer>): Certificate {
  const asn1 = parseStrictly(der, Asn1Certificate)
  const tbs = asn1.tbsCertificate
  if (tbs.version !== Version.v3) throw new Error('another version than 3')
  const [inner, outer] = [tbs.signature, asn1.signatureAlgorithm].map((name) =>
    Buffer.from(AsnConvert.serialize(name)),
  )
  if (!inner!.equals(outer!)) throw new Error('the two names of the signature algorithm differ')
  const { validity, subjectPublicKeyInfo: spki } = tbs
  return {
    der,
    tbsDer: new Uint8Array(asn1.tbsCertificateRaw ?? AsnConvert.serialize(tbs)),
    serial: new Uint8Array(tbs.serialNumber),
    issuerDer: Buffer.from(AsnConvert.serialize(tbs.issuer)),
    subjectDer: Buffer.from(AsnConvert.serialize(tbs.subject)),
    subjectIsEmpty: tbs.subject.length === 0,
    notBeforeMs: timeMs(validity.notBefore.getTime()),
    notAfterMs: timeMs(validity.notAfter.getTime()),
    spkiDer: new Uint8Array(AsnConvert.serialize(spki)),
    publicKey: {
      algorithm: spki.algorithm.algorithm,
      hasParameters: hasParameters(spki.algorithm.parameters),
      raw: new Uint8Array(spki.subjectPublicKey),
    },
    signature: {
      algorithm: asn1.signatureAlgorithm.algorithm,
      hasParameters: hasParameters(asn1.signatureAlgorithm.parameters),
      bytes: new Uint8Array(asn1.signatureValue),
    },
    extensions: readExtensions(tbs.extensions ?? []),
  }
}

function readExtensions(list: Iterable<Extension>): CertificateExtensions {
  const found: { -readonly [K in keyof CertificateExtensions]: CertificateExtensions[K] } = {
    hasNameConstraints: false,
    unknownCritical: [],
  }
  const seen = new Set<string>()
  const unknownCritical: string[] = []
  for (const { extnID, critical, extnValue } of list) {
    if (seen.has(extnID)) throw new Error(`extension ${extnID} occurs twice`)
    seen.add(extnID)
    const value = bytesOf(extnValue)
    switch (extnID) {
      case id_ce_subjectAltName: {
        const names = [...parseStrictly(value, SubjectAlternativeName)]
        const uris = names.flatMap((name) => name.uniformResourceIdentifier ?? [])
        found.subjectAltName = { critical, uris }
        break
      }
      case id_ce_basicConstraints: {
        const { cA, pathLenConstraint } = parseStrictly(value, BasicConstraints)
        if (pathLenConstraint !== undefined && pathLenConstraint < 0) throw new Error('pathLen is negative')
        found.basicConstraints = { critical, cA, pathLen: pathLenConstraint }
        break
      }
      case id_ce_keyUsage:
        found.keyUsage = { critical, flags: parseStrictly(value, KeyUsage).toNumber() }
        break
      case id_ce_extKeyUsage:
        found.extendedKeyUsage = [...parseStrictly(value, ExtendedKeyUsage)]
        break
      case id_ce_subjectKeyIdentifier:
        found.subjectKeyId = Buffer.from(bytesOf(parseStrictly(value, SubjectKeyIdentifier)))
        break
      case id_ce_authorityKeyIdentifier: {
        const { keyIdentifier } = parseStrictly(value, AuthorityKeyIdentifier)
        if (keyIdentifier) found.authorityKeyId = Buffer.from(bytesOf(keyIdentifier))
        break
      }
      case id_ce_nameConstraints:
        found.hasNameConstraints = true
        break
      case oidHostKey:
        found.hostKey = { value: decodeHostKey(value) }
        break
      default:
        if (critical) unknownCritical.push(extnID)
    }
  }
  found.unknownCritical = unknownCritical
  return found
}

/** DER has one encoding of each value: what re-encodes otherwise was not DER, or had bytes behind it. */
function parseStrictly<T>(der: Uint8Array<ArrayBuffer>, type: new () => T): T {
  const value = AsnConvert.parse(der, type)
  if (!Buffer.from(AsnConvert.serialize(value)).equals(der)) throw new Error('not in the one form of DER')
  return value
}

function bytesOf(octets: OctetString): Uint8Array<ArrayBuffer> {
  return new Uint8Array(octets.buffer.slice(octets.byteOffset, octets.byteOffset + octets.byteLength))
}

function hasParameters(parameters: ArrayBuffer | null | undefined): boolean {
  // The library gives null for an ASN.1 NULL: RFC 9881 §2 wants the field absent.
  return parameters !== undefined
}

function timeMs(date: Date): number {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new Error('a date that does not exist')
  return ms
}
