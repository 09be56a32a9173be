import { existsSync } from 'node:fs'
import type { NodeId } from '@x0t/core'
import {
  certificateHash,
  certificatePem,
  nodeSpiffeId,
  openIdentityStore,
  parseCertificate,
  parseNodeSpiffeId,
} from '@x0t/identity'
import { homeAt } from './home.ts'
import { notMade } from './node-identity.ts'

/** The certificates in a home, as anyone may see them: the node's own chain, and the authorities that it trusts. */
export interface StoredSvid {
  readonly nodeId: NodeId
  readonly spiffeId: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** PEM: the SVID, then its intermediates if there are any. */
  readonly chainPem: string
  /** PEM of the trust bundle. */
  readonly bundlePem: string
  /** SHA-256 of each authority's certificate, hex, in the order of the bundle: what a join token pins. */
  readonly authoritiesSha256: readonly string[]
}

/**
 * Reads the SVID and the trust bundle of a home; needs neither a running node nor the node's keys. Dates are not
 * judged.
 * @throws X0tError NODE_NOT_MADE, STATE_DAMAGED, STATE_NEWER
 */
export async function readSvid(directory: string): Promise<StoredSvid> {
  const home = homeAt(directory)
  if (!existsSync(home.identityDirectory)) throw notMade(home)
  await using store = await openIdentityStore(home.identityDirectory)
  const membership = store.readMembership()
  const [leafDer] = membership?.chainDer ?? []
  if (membership === undefined || leafDer === undefined) throw notMade(home)
  const { chainDer, bundle } = membership
  const leaf = parseCertificate(leafDer)
  const nodeId = parseNodeSpiffeId(leaf.extensions.subjectAltName?.uris[0] ?? '').nodeId
  return {
    nodeId,
    spiffeId: nodeSpiffeId(bundle.trustDomain, nodeId),
    notBeforeMs: leaf.notBeforeMs,
    notAfterMs: leaf.notAfterMs,
    chainPem: chainDer.map(certificatePem).join(''),
    bundlePem: bundle.authorities.map(({ der }) => certificatePem(der)).join(''),
    authoritiesSha256: bundle.authorities.map(({ der }) => Buffer.from(certificateHash(der)).toString('hex')),
  }
}
