import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseObjective, scaleBench, type ScaleOptions } from '../src/index.ts'
import { readTopologies } from '../src/scale/read-topologies.ts'
import { components, geometricGraph, lossOf, recordedPart } from '../src/scale/topology.ts'

t.setTimeout(240_000)

const options: ScaleOptions = {
  nodes: [8, 12],
  diePercent: 25,
  seed: 3,
  objectives: [parseObjective('reconnect/12<=1000')],
  command: 'test',
  versions: {},
}

const folderOf = async (
  t: { teardown(undo: () => unknown): void },
  files: Readonly<Record<string, string>>,
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'x0t-scale-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const ring = (name: string, size: number): string =>
  JSON.stringify({
    name,
    nodes: Array.from({ length: size }, () => []),
    links: Array.from({ length: size }, (_, i) => [i, (i + 1) % size, i % 2, 1, 0.8]),
  })

t.test(
  'a small run finds figures for every size, names its topologies, and judges its objectives',
  async (t) => {
    const progress: string[] = []
    const report = await scaleBench({ ...options, onProgress: (text) => progress.push(text) })
    t.equal(report.kind, 'scale')
    const names = ['converge', 'messages', 'bytes', 'link-converge', 'node-bytes', 'reconnect', 'held', 'spf']
    for (const size of options.nodes)
      for (const name of names)
        t.ok(
          report.results.some((result) => result.name === `${name}/${size}`),
          `${name}/${size}`,
        )
    t.same(report.failed, [])
    t.ok(report.objectives[0]!.met)
    t.ok(report.notes.some((note) => /^12 nodes, \d+ links: synthetic/.test(note)))
    t.ok(progress.includes('12 nodes: 3 die at once'))
    const again = await scaleBench({ ...options, nodes: [8] })
    const first = report.results.filter(({ name }) => name.endsWith('/8'))
    t.same(again.results, first, 'the same seed gives the same figures')
  },
)

t.test('recorded meshes are read, cut to size or joined, and always connected', async (t) => {
  const folder = await folderOf(t, { 'a.json': ring('a', 6), 'b.json': ring('b', 9), 'README.md': 'no mesh' })
  const meshes = await readTopologies(folder)
  t.same(
    meshes.map(({ name }) => name),
    ['a', 'b'],
  )
  const part = recordedPart(meshes, 7, 1)!
  t.match(part, { origin: '7 nodes of b', nodes: 7 })
  // A breadth-first search on a ring finds an arc.
  t.equal(part.links.length, 6)
  const joined = recordedPart(meshes, 12, 1)!
  t.equal(joined.origin, '9 nodes of b + 3 nodes of a')
  t.equal(components(12, joined.links)[0]!.length, 12)
  t.equal(recordedPart(meshes, 16, 1), undefined)
  t.equal(recordedPart([], 3, 1), undefined)
  const report = await scaleBench({ ...options, nodes: [12], topologies: folder })
  t.ok(report.notes.some((note) => note.endsWith('9 nodes of b + 3 nodes of a')))
})

t.test('quality is the share delivered, on either scale, and a link keeps at least half', (t) => {
  t.equal(lossOf(1), 0)
  t.equal(lossOf(0.75), 0.25)
  t.ok(Math.abs(lossOf(204) - 0.2) < 1e-12)
  t.equal(lossOf(0.1), 0.5)
  t.end()
})

t.test('a made-up mesh is connected, and the same for the same seed', (t) => {
  const mesh = geometricGraph(60, 5)
  t.equal(components(60, mesh.links)[0]!.length, 60)
  t.same(mesh, geometricGraph(60, 5))
  t.same(components(3, [{ a: 0, b: 1 }], new Set([1])), [[0], [2]])
  t.end()
})

t.test('what is no folder of recorded meshes is refused, and sizes beyond the limits', async (t) => {
  const bad: Readonly<Record<string, string>> = {
    empty: '',
    text: '"mesh"',
    'no links': '{"name":"a","nodes":[]}',
    'no arrays': '{"name":"a","nodes":[],"links":{}}',
    'short row': '{"name":"a","nodes":[1],"links":[[0,0]]}',
    'a node that is none': '{"name":"a","nodes":[1],"links":[[0,1,0,1,1]]}',
  }
  for (const [what, text] of Object.entries(bad)) {
    const folder = await folderOf(t, { 'a.json': text })
    await t.rejects(readTopologies(folder), { code: 'BENCH_TOPOLOGY_INVALID' }, what)
  }
  await t.rejects(readTopologies(await folderOf(t, {})), { code: 'BENCH_TOPOLOGY_INVALID' })
  await t.rejects(readTopologies('/nonexistent'), { code: 'BENCH_TOPOLOGY_INVALID' })
  for (const size of [2, 2049, 3.5])
    await t.rejects(scaleBench({ ...options, nodes: [size] }), { code: 'BENCH_OPTION_INVALID' })
})

const recorded = `${import.meta.dirname}/../../../../shared/data/topologies`

t.test(
  'every recorded community mesh can be read',
  { skip: existsSync(recorded) ? false : 'recorded topologies are not at hand' },
  async (t) => {
    const meshes = await readTopologies(recorded)
    t.ok(meshes.length >= 5)
    for (const mesh of meshes) t.ok(recordedPart([mesh], 50, 1) !== undefined, mesh.name)
  },
)
