import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { nodeIdFromBytes, parseNodeId, X0tError, type NodeId } from '@x0t/core'
import type { SessionTls } from '../../src/index.ts'
import { bitString, der, octetString, oid, sequence, utcTime, utf8 } from './der.ts'

/** id-ml-dsa-65, RFC 9881 §2. */
const mldsa65 = sequence(oid('608648016503040312'))
const commonName = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), utf8(text))))
const validity = sequence(utcTime('250101000000Z'), utcTime('491231235959Z'))
const trueValue = der(0x01, Buffer.from([0xff]))
const isAuthority = sequence(oid('551d13'), trueValue, octetString(sequence(trueValue)))
const certSign = sequence(oid('551d0f'), trueValue, octetString(der(0x03, Buffer.from([2, 0x04]))))

interface Issuer {
  readonly name: string
  readonly key: KeyObject
}

/** A member of a test's mesh: its node id is the hash of its key, and the name in its certificate. */
export interface TestMember {
  readonly id: NodeId
  readonly tls: SessionTls
}

/** A certificate authority with ML-DSA-65 for one test. */
export interface TestAuthority {
  readonly certificate: string
  /** `mutate` changes what the member shows or believes. */
  issue(mutate?: { readonly ca?: string; readonly claim?: NodeId }): TestMember
}

export function createTestAuthority(name = 'test mesh'): TestAuthority {
  const { publicKey, privateKey } = generateKeyPairSync('ml-dsa-65')
  const issuer: Issuer = { name, key: privateKey }
  const certificate = certify(issuer, name, publicKey, [isAuthority, certSign])
  return {
    certificate,
    issue({ ca = certificate, claim } = {}) {
      const pair = generateKeyPairSync('ml-dsa-65')
      const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
      const id = claim ?? nodeIdFromBytes(createHash('sha256').update(spki).digest())
      const cert = certify(issuer, id, pair.publicKey, [])
      const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' })
      const profile = { client: { key, cert, ca }, server: { key, cert, ca } }
      return { id, tls: { profile: () => profile, verifyPeer } }
    },
  }
}

function verifyPeer(socket: TLSSocket): NodeId {
  if (!socket.authorized) throw new X0tError('TEST_UNAUTHORIZED', String(socket.authorizationError))
  return parseNodeId(String(socket.getPeerCertificate().subject.CN))
}

function certify(issuer: Issuer, subject: string, key: KeyObject, extensions: readonly Buffer[]): string {
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    mldsa65,
    commonName(issuer.name),
    validity,
    commonName(subject),
    key.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  )
  const certificate = sequence(content, mldsa65, bitString(sign(null, content, issuer.key)))
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`
}
