import type { NodeId } from '@x0t/core'
import type { SeenMesh } from './ports.ts'

/**
 * Prefix of the feature by which a member says in its link state, which it signs, that a neighbour swallows traffic.
 * What follows is the beginning of the neighbour's id.
 */
export const suspectFeature = 'suspect:'
const idCharacters = 26
/** A link state has room for few features. */
const maxSuspects = 8

export function suspectFeatures(suspects: Iterable<NodeId>): string[] {
  return [...suspects].slice(0, maxSuspects).map((id) => `${suspectFeature}${id.slice(0, idCharacters)}`)
}

/**
 * Whether enough members report a neighbour: more than half of those that list it as theirs, and two at least. A report
 * counts only from a member that has a link to it, and each member once: its link state is signed.
 */
export function hasQuorum(suspect: NodeId, nodes: ReturnType<SeenMesh['map']>['nodes']): boolean {
  const feature = `${suspectFeature}${suspect.slice(0, idCharacters)}`
  const witnesses = nodes.filter(
    ({ id, neighbours }) => id !== suspect && neighbours.some((neighbour) => neighbour.id === suspect),
  )
  const reports = witnesses.filter(({ features }) => features.includes(feature)).length
  return reports >= 2 && reports > witnesses.length / 2
}
