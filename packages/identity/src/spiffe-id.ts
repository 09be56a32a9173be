import { X0tError, isNodeId, type NodeId } from '@x0t/core'

/** A SPIFFE ID: trust domain, and path with leading slash or ''. */
export interface SpiffeId {
  readonly trustDomain: string
  readonly path: string
}

const maxTrustDomainBytes = 255
const maxIdBytes = 2048
const scheme = 'spiffe://'
const trustDomainSuffix = '.x0t'
const nodePrefix = '/node/'

/**
 * Parses a SPIFFE ID strictly (SPIFFE-ID.md §2): no normalisation, no percent-encoding, no port, query or fragment.
 * `new URL()` is not used because it removes dot segments and accepts what must be refused.
 * @throws X0tError SPIFFE_ID_INVALID with the position of the fault
 */
export function parseSpiffeId(text: string): SpiffeId {
  // Every allowed character is one byte, so the length in characters is the one in bytes wherever it matters.
  if (text.length > maxIdBytes) throw invalid(text, maxIdBytes, `is longer than ${maxIdBytes} bytes`)
  if (!text.startsWith(scheme)) throw invalid(text, 0, `does not begin with ${scheme}`)
  const slash = text.indexOf('/', scheme.length)
  const end = slash < 0 ? text.length : slash
  const trustDomain = text.slice(scheme.length, end)
  if (trustDomain === '') throw invalid(text, scheme.length, 'has no trust domain')
  if (trustDomain.length > maxTrustDomainBytes)
    throw invalid(text, scheme.length, `has a trust domain of more than ${maxTrustDomainBytes} bytes`)
  const foreign = /[^a-z0-9._-]/.exec(trustDomain)
  if (foreign)
    throw invalid(
      text,
      scheme.length + foreign.index,
      'has a character outside a-z 0-9 . - _ in its trust domain',
    )
  const path = text.slice(end)
  checkPath(text, end, path)
  return { trustDomain, path }
}

function checkPath(text: string, start: number, path: string): void {
  if (path === '') return
  let at = start + 1
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') throw invalid(text, at, 'has an empty path segment or a trailing slash')
    if (segment === '.' || segment === '..') throw invalid(text, at, 'has a dot segment')
    const foreign = /[^A-Za-z0-9._-]/.exec(segment)
    if (foreign)
      throw invalid(text, at + foreign.index, 'has a character outside A-Z a-z 0-9 . - _ in its path')
    at += segment.length + 1
  }
}

function invalid(text: string, position: number, fault: string): X0tError {
  const shown = JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
  return new X0tError('SPIFFE_ID_INVALID', `${shown} ${fault} (position ${position + 1})`)
}

/** The text of a SPIFFE ID. */
export function formatSpiffeId(id: SpiffeId): string {
  return `${scheme}${id.trustDomain}${id.path}`
}

/**
 * Trust domain of a mesh: `<mesh>.x0t`.
 * @throws X0tError MESH_NAME_INVALID unless the name is 1 to 63 of a-z 0-9 -, neither first nor last a hyphen
 */
export function trustDomainOf(meshName: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(meshName))
    throw new X0tError(
      'MESH_NAME_INVALID',
      `${JSON.stringify(meshName.slice(0, 80))} is no name for a mesh`,
      {
        hint: 'use 1 to 63 of a-z 0-9 and -, beginning and ending with a letter or digit',
        exitCode: 2,
      },
    )
  return meshName + trustDomainSuffix
}

/** SPIFFE ID of a node: `spiffe://<trust domain>/node/<node id>`. */
export function nodeSpiffeId(trustDomain: string, nodeId: NodeId): string {
  return formatSpiffeId({ trustDomain, path: nodePrefix + nodeId })
}

/**
 * Trust domain and node id of a node's SPIFFE ID.
 * @throws X0tError SPIFFE_ID_INVALID; SPIFFE_ID_NOT_NODE for the ID of anything but a node
 */
export function parseNodeSpiffeId(text: string): { readonly trustDomain: string; readonly nodeId: NodeId } {
  const { trustDomain, path } = parseSpiffeId(text)
  const nodeId = path.slice(nodePrefix.length)
  if (!path.startsWith(nodePrefix) || !isNodeId(nodeId))
    throw new X0tError('SPIFFE_ID_NOT_NODE', `${text} does not name a node: expected /node/<node id>`)
  return { trustDomain, nodeId }
}
