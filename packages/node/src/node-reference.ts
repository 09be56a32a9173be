import { isNodeId, overlayAddress, X0tError, type NodeId } from '@x0t/core'

/** A node that may be meant. */
export interface NamedNode {
  readonly id: NodeId
  readonly name: string
}

const minPrefix = 4

/**
 * The node that a person means: by id, the beginning of an id (4 characters or more), name or overlay address.
 * A full id need not be known.
 * @throws X0tError NODE_NOT_FOUND, NODE_AMBIGUOUS
 */
export function resolveNode(reference: string, nodes: readonly NamedNode[]): NodeId {
  if (isNodeId(reference)) return reference
  const matches = nodes.filter((node) => meansNode(reference, node))
  const ids = [...new Set(matches.map(({ id }) => id))]
  const [id] = ids
  if (id === undefined)
    throw new X0tError('NODE_NOT_FOUND', `no member is called ${JSON.stringify(reference)}`, {
      hint: 'x0t mesh map lists the members',
      exitCode: 2,
    })
  if (ids.length > 1)
    throw new X0tError('NODE_AMBIGUOUS', `${JSON.stringify(reference)} may be ${ids.join(' or ')}`, {
      hint: 'give more characters of the id',
      exitCode: 2,
    })
  return id
}

/** True if the reference fits this node. */
export function meansNode(reference: string, { id, name }: NamedNode): boolean {
  return (
    name === reference ||
    overlayAddress(id) === reference.toLowerCase() ||
    (reference.length >= minPrefix && id.startsWith(reference.toLowerCase()))
  )
}
