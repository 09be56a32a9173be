import type { MeshMap, MeshRoutes, Trace } from '@x0t/local-api'
import { linksOf, treeOf, type TreeNode } from './mesh-links.ts'
import { safe } from './node.ts'
import { columns } from './table.ts'
import { milliseconds, shortDuration } from './units.ts'

const short = (id: string): string => id.slice(0, 10)
const cost = (costUs: number): string => milliseconds(costUs / 1000)

/** A table of the members and the tree of cheapest paths from here. */
export function mapView(map: MeshMap): string {
  const links = linksOf(map).filter((link) => link.bothEnds)
  const table = columns(
    ['NAME', 'NODE', 'ADDRESS', 'LINKS', 'HEARD', 'FEATURES'],
    map.nodes.map((node) => [
      safe(node.name),
      short(node.id),
      node.address,
      String(links.filter(({ a, b }) => a === node || b === node).length),
      node.id === map.self ? 'this node' : `${shortDuration(node.ageMs)} ago`,
      node.features.map(safe).join(' ') || '-',
    ]),
  )
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
  const sum = `${count(map.nodes.length, 'node')}, ${count(links.length, 'link')}`
  return [table, '', ...treeLines(map), '', sum].join('\n')
}

/** Cheapest paths from here as a tree, a line each node with the cost of its path; then who is not reached. */
export function treeLines(map: MeshMap): string[] {
  const { root, unreached } = treeOf(map)
  const lines: string[] = []
  const draw = (tree: TreeNode, stem: string): void => {
    for (const [index, child] of tree.children.entries()) {
      const isLast = index === tree.children.length - 1
      lines.push(`${stem}${isLast ? '└─ ' : '├─ '}${safe(child.node.name)}  ${cost(child.costUs)}`)
      draw(child, `${stem}${isLast ? '   ' : '│  '}`)
    }
  }
  if (root !== undefined) {
    lines.push(safe(root.node.name))
    draw(root, '')
  }
  if (unreached.length > 0) lines.push(`not reached: ${unreached.map((node) => safe(node.name)).join(', ')}`)
  return lines
}

export function routesView({ routes }: MeshRoutes): string {
  if (routes.length === 0) return 'no routes'
  const names = new Map<string, string>(routes.map((route) => [route.destination, safe(route.name)]))
  const nameOf = (id: string): string => names.get(id) ?? short(id)
  return columns(
    ['NAME', 'NODE', 'ADDRESS', 'COST', 'HOPS', 'DATAGRAM', 'ALTERNATE', 'HITLESS', 'PATH'],
    routes.map((route) => [
      safe(route.name),
      short(route.destination),
      route.address,
      cost(route.costUs),
      String(route.hops),
      `${route.pathDatagramBytes} B`,
      route.alternate === null ? '-' : nameOf(route.alternate),
      hitlessText(route.hitless, nameOf),
      pathText(route, nameOf),
    ]),
  )
}

/** The best way, and that it is left for the time being. */
function pathText(route: MeshRoutes['routes'][number], nameOf: (id: string) => string): string {
  const path = route.path.map(nameOf).join(' → ')
  return route.suspect === null ? path : `${path} (avoided: ${nameOf(route.suspect)} loses packets)`
}

/** Never more than there is: one path is no protection, whatever was asked for. */
function hitlessText(
  { isAsked, sharedNodes }: MeshRoutes['routes'][number]['hitless'],
  nameOf: (id: string) => string,
): string {
  if (!isAsked) return '-'
  if (sharedNodes === null) return 'one path only'
  return sharedNodes.length === 0 ? 'yes' : `not if ${sharedNodes.map(nameOf).join(', ')} fails`
}

export function traceView(trace: Trace): string {
  const width = String(trace.hops.length).length
  const lines = trace.hops.map(
    ({ node, name, rttUs }, index) =>
      `${String(index + 1).padStart(width)}  ${rttUs === null ? '*' : milliseconds(rttUs / 1000)}  ${safe(name)}  ${short(node)}`,
  )
  const head = `to ${safe(trace.name)}  ${trace.to}`
  const end = trace.reached
    ? []
    : [`${safe(trace.name)} did not answer${trace.hops.length === 0 ? ': no route leads to it' : ''}`]
  return [head, ...lines, ...end].join('\n')
}
