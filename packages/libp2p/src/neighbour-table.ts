import type { NodeId } from '@x0t/core'

/** What the table needs to know of a link. */
export interface TableLink {
  readonly nodeId: NodeId
  /** Whether this node opened the connection. */
  readonly isOurs: boolean
}

/** What to do about a link that has come up or gone. */
export type TableChange<L> =
  | { readonly kind: 'up'; readonly link: L }
  | { readonly kind: 'down'; readonly link: L; readonly replaced: boolean }
  /** A duplicate: close it after a moment, when the other side has changed over too. */
  | { readonly kind: 'retire'; readonly link: L }

/**
 * The links that are up, by node. Two nodes may dial each other at the same time: both ends then keep the
 * connection that the node of the lower id dialled. Of two connections dialled by the same node the newer is used
 * (the older may be what a restart left behind) and the dialler closes the other.
 */
export class NeighbourTable<L extends TableLink> {
  readonly #own: NodeId
  /** The first link of each list is the one in use. */
  readonly #links = new Map<NodeId, L[]>()

  constructor(own: NodeId) {
    this.#own = own
  }

  get size(): number {
    return this.#links.size
  }

  /** The link in use. */
  get(nodeId: NodeId): L | undefined {
    return this.#links.get(nodeId)?.[0]
  }

  /** The links in use, in the order in which their nodes came. */
  active(): L[] {
    return [...this.#links.values()].flatMap((links) => links.slice(0, 1))
  }

  add(link: L): TableChange<L>[] {
    const links = this.#links.get(link.nodeId)
    const current = links?.[0]
    if (links === undefined || current === undefined) {
      this.#links.set(link.nodeId, [link])
      return [{ kind: 'up', link }]
    }
    const isSameDialler = link.isOurs === current.isOurs
    const isPreferred = isSameDialler || link.isOurs === this.#own < link.nodeId
    if (!isPreferred) {
      links.push(link)
      return [{ kind: 'retire', link }]
    }
    links.unshift(link)
    const changes: TableChange<L>[] = [
      { kind: 'down', link: current, replaced: true },
      { kind: 'up', link },
    ]
    // A peer that dialled twice chooses itself which one it closes.
    if (!isSameDialler || link.isOurs) changes.push({ kind: 'retire', link: current })
    return changes
  }

  remove(link: L): TableChange<L>[] {
    const links = this.#links.get(link.nodeId)
    const at = links?.indexOf(link) ?? -1
    if (links === undefined || at < 0) return []
    links.splice(at, 1)
    const next = links[0]
    if (next === undefined) this.#links.delete(link.nodeId)
    if (at > 0) return []
    if (next === undefined) return [{ kind: 'down', link, replaced: false }]
    return [
      { kind: 'down', link, replaced: true },
      { kind: 'up', link: next },
    ]
  }
}
