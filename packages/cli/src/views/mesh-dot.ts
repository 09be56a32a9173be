import type { MeshMap } from '@x0t/local-api'
import { linksOf } from './mesh-links.ts'
import { safe } from './node.ts'

/** The map in the language of Graphviz: `x0t mesh map --dot | dot -Tpng -o map.png`. */
export function dotView(map: MeshMap): string {
  const nodes = map.nodes.map((node) => {
    const mark = node.id === map.self ? ', penwidth=2' : ''
    return `  ${quoted(node.id)} [label=${quoted(safe(node.name))}${mark}]`
  })
  const links = linksOf(map).map(({ a, b, costUs, bothEnds }) => {
    const look = bothEnds ? '' : ', style=dashed, dir=forward'
    return `  ${quoted(a.id)} -- ${quoted(b.id)} [label="${(costUs / 1000).toFixed(1)} ms"${look}]`
  })
  return ['graph mesh {', '  node [shape=box, fontname="sans-serif"]', ...nodes, ...links, '}'].join('\n')
}

/** A quoted string: within it only the quote and the backslash mean something. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
