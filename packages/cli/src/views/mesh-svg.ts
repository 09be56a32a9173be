import type { MapNode, MeshMap } from '@x0t/local-api'
import { linksOf, treeOf, type TreeNode } from './mesh-links.ts'
import { safe } from './node.ts'

interface Point {
  readonly x: number
  readonly y: number
}

/** Distance of one hop's ring to the next, and least distance of neighbours on a ring, in pixels. */
const ringPixels = 110
const nodePixels = 70
const marginPixels = 80

/**
 * The map as an SVG drawing: this node in the middle, the others on rings by the hops of their cheapest path,
 * each in its parent's sector; links of the tree of cheapest paths solid, other links thin, one-sided ones dashed.
 */
export function svgView(map: MeshMap): string {
  const { root, unreached } = treeOf(map)
  const places = placesOf(root, unreached)
  const radius = Math.max(...[...places.values()].map(({ x, y }) => Math.hypot(x, y)), ringPixels)
  const size = Math.round(2 * (radius + marginPixels))
  const inTree = treeLinks(root)
  const lines = linksOf(map).map(({ a, b, bothEnds }) => {
    const [from, to] = [places.get(a)!, places.get(b)!]
    const kind = !bothEnds ? 'half' : inTree.has(`${a.id} ${b.id}`) ? 'tree' : 'link'
    return `<line class="${kind}" x1="${px(from.x)}" y1="${px(from.y)}" x2="${px(to.x)}" y2="${px(to.y)}"/>`
  })
  const nodes = [...places].map(([node, { x, y }]) => {
    const kind = node.id === map.self ? 'self' : 'node'
    const label = escaped(safe(node.name))
    return (
      `<g><title>${label} ${escaped(node.address)} ${node.id}</title>` +
      `<circle class="${kind}" cx="${px(x)}" cy="${px(y)}" r="9"/><text x="${px(x)}" y="${px(y + 24)}">${label}</text></g>`
    )
  })
  const half = size / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${-half} ${-half} ${size} ${size}" width="${size}" height="${size}">`,
    '<style>line{stroke:#8a8f98}.tree{stroke:#2364aa;stroke-width:2.5}.half{stroke-dasharray:4 4}',
    'circle{fill:#fff;stroke:#2364aa;stroke-width:2}.self{fill:#2364aa}text{font:12px sans-serif;text-anchor:middle}</style>',
    `<rect x="${-half}" y="${-half}" width="${size}" height="${size}" fill="#fff"/>`,
    ...lines,
    ...nodes,
    '</svg>',
  ].join('\n')
}

/** Every node's place: sectors as wide as their leaves, rings as far out as their nodes need; the unreached on the last. */
function placesOf(root: TreeNode | undefined, unreached: readonly MapNode[]): ReadonlyMap<MapNode, Point> {
  const rings: { node: MapNode; angle: number }[][] = []
  const place = (tree: TreeNode, depth: number, from: number, width: number): void => {
    ;(rings[depth] ??= []).push({ node: tree.node, angle: from + width / 2 })
    const leaves = leavesOf(tree)
    let at = from
    for (const child of tree.children) {
      const part = (width * leavesOf(child)) / leaves
      place(child, depth + 1, at, part)
      at += part
    }
  }
  if (root !== undefined) place(root, 0, 0, 2 * Math.PI)
  if (unreached.length > 0)
    rings.push(unreached.map((node, index) => ({ node, angle: (2 * Math.PI * index) / unreached.length })))
  const places = new Map<MapNode, Point>()
  let radius = root === undefined ? ringPixels : 0
  for (const ring of rings) {
    radius =
      radius === 0 && ring.length === 1 ? 0 : Math.max(radius, (ring.length * nodePixels) / (2 * Math.PI))
    for (const { node, angle } of ring)
      places.set(node, { x: radius * Math.cos(angle), y: radius * Math.sin(angle) })
    radius += ringPixels
  }
  return places
}

function leavesOf(tree: TreeNode): number {
  return tree.children.length === 0 ? 1 : tree.children.reduce((sum, child) => sum + leavesOf(child), 0)
}

/** Both directions of each link of the tree. */
function treeLinks(root: TreeNode | undefined): ReadonlySet<string> {
  const links = new Set<string>()
  const visit = (tree: TreeNode): void => {
    for (const child of tree.children) {
      links.add(`${tree.node.id} ${child.node.id}`).add(`${child.node.id} ${tree.node.id}`)
      visit(child)
    }
  }
  if (root !== undefined) visit(root)
  return links
}

function px(value: number): string {
  return (Math.round(value * 10) / 10 + 0).toString()
}

/** For text and attributes of XML; control characters are already gone. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
