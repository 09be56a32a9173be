import t from 'tap'
import type { MeshMap } from '@x0t/local-api'
import { dotView } from '../src/views/mesh-dot.ts'
import { mapView, routesView, traceView, treeLines } from '../src/views/mesh.ts'
import { pathsView } from '../src/views/mesh-paths.ts'
import { svgView } from '../src/views/mesh-svg.ts'
import { fakeDaemon, nodeA, nodeB, nodeC, sampleRoute } from './fake-daemon.ts'
import { runCli, shortFolder } from './run-cli.ts'

type Links = readonly (readonly [id: typeof nodeA, costUs: number])[]

const member = (id: typeof nodeA, name: string, links: Links): MeshMap['nodes'][number] => ({
  id,
  name,
  address: `fd78::${name.length}`,
  features: ['udp'],
  neighbours: links.map(([neighbour, costUs]) => ({ id: neighbour, costUs })),
  ageMs: 5000,
})

/** alpha to gamma costs 5 ms by beta and 9 ms straight; delta lists a link that alpha does not. */
const nodeD = `${'d'.repeat(51)}a` as typeof nodeA
const map: MeshMap = {
  self: nodeA,
  nodes: [
    member(nodeA, 'alpha', [
      [nodeB, 2000],
      [nodeC, 9000],
    ]),
    member(nodeB, 'beta', [
      [nodeA, 2000],
      [nodeC, 3000],
    ]),
    member(nodeC, 'gamma', [
      [nodeA, 9000],
      [nodeB, 3500],
    ]),
    member(nodeD, 'delta"<&\\\u001b[31m', [[nodeA, 1]]),
  ],
}

t.test('the map is drawn as the tree of cheapest paths, with those that no path reaches', (t) => {
  t.same(treeLines(map), [
    'alpha',
    '└─ beta  2.00 ms',
    '   └─ gamma  5.00 ms',
    'not reached: delta"<&\\\uFFFD[31m',
  ])
  const view = mapView(map)
  t.match(view, /^NAME +NODE +ADDRESS +LINKS +HEARD +FEATURES\n/)
  t.match(view, /\nalpha +aaaaaaaaaa +fd78::5 +2 +this node +udp\n/)
  t.match(view, /\n4 nodes, 3 links$/)
  t.notOk(view.includes('\u001b'))
  t.end()
})

t.test('siblings hang below one another, the cheaper first', (t) => {
  const star: MeshMap = {
    self: nodeA,
    nodes: [
      member(nodeA, 'alpha', [
        [nodeB, 2000],
        [nodeC, 1000],
      ]),
      member(nodeB, 'beta', [
        [nodeA, 2000],
        [nodeD, 1],
      ]),
      member(nodeC, 'gamma', [[nodeA, 1000]]),
      member(nodeD, 'delta', [[nodeB, 1]]),
    ],
  }
  t.same(treeLines(star), ['alpha', '├─ gamma  1.00 ms', '└─ beta  2.00 ms', '   └─ delta  2.00 ms'])
  t.same(treeLines({ ...star, self: nodeD, nodes: star.nodes.slice(0, 3) }), [
    'not reached: alpha, beta, gamma',
  ])
  t.end()
})

t.test('the map for Graphviz quotes names, and dashes links that one end lists', (t) => {
  const dot = dotView(map)
  t.match(dot, /^graph mesh \{\n/)
  t.ok(dot.includes(`  "${nodeA}" -- "${nodeB}" [label="2.0 ms"]`))
  t.ok(dot.includes(`  "${nodeB}" -- "${nodeC}" [label="3.5 ms"]`))
  t.ok(dot.includes(`  "${nodeD}" -- "${nodeA}" [label="0.0 ms", style=dashed, dir=forward]`))
  t.ok(dot.includes(`[label="delta\\"<&\\\\\uFFFD[31m"]`))
  t.end()
})

t.test('the drawing holds every node and link once, and no name breaks out of its text', (t) => {
  const svg = svgView(map)
  t.equal(svg.match(/<circle /g)!.length, 4)
  t.equal(svg.match(/<line class="tree"/g)!.length, 2)
  t.equal(svg.match(/<line class="link"/g)!.length, 1)
  t.equal(svg.match(/<line class="half"/g)!.length, 1)
  t.ok(svg.includes('delta&quot;&lt;&amp;\\\uFFFD[31m</text>'))
  t.match(svg, /<circle class="self" cx="0" cy="0"/)
  t.notMatch(svg, /NaN|Infinity/)
  t.notMatch(svgView({ self: nodeB, nodes: map.nodes.slice(0, 1) }), /NaN|Infinity/)
  t.end()
})

t.test('routes show their path by name, and who steps in', (t) => {
  const view = routesView({
    routes: [
      { ...sampleRoute, alternate: nodeD },
      { ...sampleRoute, destination: nodeB, name: 'beta', path: [nodeB], hops: 1 },
    ],
  })
  t.match(view, /\ngamma +cccccccccc +fd78::3 +1\.23 ms +2 +1400 B +dddddddddd +- +beta → gamma\n/)
  t.match(view, /\nbeta .* - +beta$/)
  t.equal(routesView({ routes: [] }), 'no routes')
  t.end()
})

t.test('a path that is avoided for losing packets says so', (t) => {
  const view = routesView({ routes: [{ ...sampleRoute, suspect: nodeB }] })
  t.match(view, /→ gamma \(avoided: bbbbbbbbbb loses packets\)/)
  t.end()
})

t.test('routes never show more protection than there is', (t) => {
  const text = (isAsked: boolean, sharedNodes: (typeof sampleRoute.destination)[] | null): string =>
    routesView({ routes: [{ ...sampleRoute, hitless: { isAsked, sharedNodes } }] })
  t.match(text(false, []), / - +bbb/)
  t.match(text(true, []), / yes +bbb/)
  t.match(text(true, null), / one path only +bbb/)
  t.match(text(true, [sampleRoute.destination]), / not if gamma fails +bbb/)
  t.end()
})

t.test('a trace shows lost answers as a star, and where it ended', (t) => {
  const hops = [
    { node: nodeB, name: 'beta', rttUs: null },
    { node: nodeC, name: 'gamma', rttUs: 12_340 },
  ]
  t.equal(
    traceView({ to: nodeC, name: 'gamma', reached: true, hops }),
    `to gamma  ${nodeC}\n1  *  beta  bbbbbbbbbb\n2  12.3 ms  gamma  cccccccccc`,
  )
  t.match(traceView({ to: nodeD, name: 'delta', reached: false, hops }), /\ndelta did not answer$/)
  t.match(
    traceView({ to: nodeD, name: 'delta', reached: false, hops: [] }),
    /\ndelta did not answer: no route leads to it$/,
  )
  t.end()
})

t.test('paths show what each is used as, and who is to blame where there are too few', (t) => {
  const names = { [nodeA]: 'alpha', [nodeB]: 'beta', [nodeC]: 'gamma', [nodeD]: '' }
  const view = pathsView({
    to: nodeC,
    name: 'gamma',
    asked: 3,
    by: 'node',
    paths: [
      { path: [nodeB, nodeC], costUs: 1234, hops: 2, uses: ['shortest', 'red'] },
      { path: [nodeD, nodeC], costUs: 9000, hops: 2, uses: [] },
    ],
    cut: { nodes: [nodeB], links: [{ from: nodeA, to: nodeD }] },
    others: [{ path: [nodeD, nodeB, nodeC], costUs: 10_000, hops: 3, uses: ['blue'] }],
    names,
  })
  t.match(view, /\n1 +1\.23 ms +2 +shortest red +beta → gamma\n2 +9\.00? ms +2 +- +dddddddddd → gamma\n/)
  t.match(view, /\n- +10(\.0)? ms +3 +blue +dddddddddd → beta → gamma\n/)
  t.match(view, /\n2 of 3: no more that share no relay, for each needs beta or the link alpha – dddddddddd$/)
  const none = { to: nodeC, name: 'gamma', asked: 2, by: 'link', paths: [], others: [], names } as const
  t.match(
    pathsView({ ...none, paths: [], others: [], cut: { nodes: [], links: [] } }),
    /\nno path leads to gamma$/,
  )
  t.end()
})

t.test('the commands ask the daemon, and a member that is not reached gives exit code 3', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    meshMap: () => map,
    meshRoutes: () => ({ routes: [sampleRoute] }),
    paths: ({ to, count = 0, by = 'node' }) => ({
      to: nodeC,
      name: to,
      asked: count,
      by,
      paths: [{ path: [nodeC], costUs: 1, hops: 1, uses: [] }],
      cut: null,
      others: [],
      names: {},
    }),
    trace: ({ to }) => ({ to: nodeC, name: to, reached: to === 'gamma', hops: [] }),
  })
  void daemon
  const mesh = (...words: string[]) => runCli(['mesh', ...words, '--home', home])
  t.match(await mesh('map'), { code: 0, stdout: /4 nodes, 3 links\n$/, stderr: '' })
  t.same(JSON.parse((await mesh('map', '--json')).stdout), map)
  t.match(await mesh('map', '--svg'), { code: 0, stdout: /^<svg / })
  t.match(await mesh('map', '--dot'), { code: 0, stdout: /^graph mesh/ })
  t.match(await mesh('map', '--dot', '--svg'), { code: 2 })
  t.match(await mesh('routes'), { code: 0, stdout: /gamma/ })
  t.match(await mesh('trace', 'gamma'), { code: 0 })
  t.match(await mesh('paths', 'gamma', '-k', '1'), { code: 0, stdout: /\n1 +0\.00 ms +1 +- +cccccccccc\n$/ })
  t.match(await mesh('paths', 'gamma', '--link'), { code: 3 })
  t.match(JSON.parse((await mesh('paths', 'gamma', '--json', '--link')).stdout), { asked: 2, by: 'link' })
  t.match(await mesh('paths', 'gamma', '-k', '17'), { code: 2, stderr: /1 to 16/ })
  t.match(await mesh('trace', 'delta'), { code: 3, stdout: /did not answer/ })
  t.match(await runCli(['mesh', 'map', '--home', `${home}/none`]), { code: 4, stderr: /NO_DAEMON/ })
})
