import type { MeshPath, MeshPaths } from '@x0t/local-api'
import { safe } from './node.ts'
import { columns } from './table.ts'
import { milliseconds } from './units.ts'

/** Disjoint paths as a table, the paths in use that are none of them, and what is to blame where there are too few. */
export function pathsView(answer: MeshPaths): string {
  const names: Readonly<Record<string, string>> = answer.names
  const nameOf = (id: string): string => safe(names[id] ?? '') || id.slice(0, 10)
  const row = (number: string, { path, costUs, hops, uses }: MeshPath): string[] => [
    number,
    milliseconds(costUs / 1000),
    String(hops),
    uses.join(' ') || '-',
    path.map(nameOf).join(' → '),
  ]
  const rows = [
    ...answer.paths.map((path, index) => row(String(index + 1), path)),
    ...answer.others.map((path) => row('-', path)),
  ]
  const head = `to ${safe(answer.name)}  ${answer.to}`
  const table = rows.length === 0 ? [] : [columns(['#', 'COST', 'HOPS', 'IN USE AS', 'PATH'], rows)]
  return [head, ...table, ...blame(answer, nameOf)].join('\n')
}

function blame({ paths, asked, by, cut, name }: MeshPaths, nameOf: (id: string) => string): string[] {
  if (cut === null) return []
  if (paths.length === 0) return [`no path leads to ${safe(name)}`]
  const links = cut.links.map(({ from, to }) => `the link ${nameOf(from)} – ${nameOf(to)}`)
  const parts = [...cut.nodes.map(nameOf), ...links]
  const what = by === 'node' ? 'share no relay' : 'share no link'
  return [`${paths.length} of ${asked}: no more that ${what}, for each needs ${parts.join(' or ')}`]
}
