import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { lossOf, type RecordedMesh } from './topology.ts'

/**
 * Reads recorded meshes from a folder: JSON files with `name`, `nodes` (an array) and `links`, rows of the two ends, the
 * kind (0 radio, 1 VPN, 2 other) and the quality each way (0 to 1, or 0 to 255). Other files are left alone.
 * @throws X0tError BENCH_TOPOLOGY_INVALID where the folder, or a file in it, is not like that
 */
export async function readTopologies(folder: string): Promise<RecordedMesh[]> {
  const invalid = (what: string, cause?: unknown): X0tError =>
    new X0tError('BENCH_TOPOLOGY_INVALID', what, {
      cause,
      hint: 'a folder of JSON files: {"name":…,"nodes":[…],"links":[[a,b,kind,quality,quality],…]}',
      exitCode: 2,
    })
  let names: string[]
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error
    throw invalid(`no folder ${folder}`, error)
  }
  if (names.length === 0) throw invalid(`no JSON file in ${folder}`)
  const meshes: RecordedMesh[] = []
  for (const name of names) {
    let value: unknown
    try {
      value = JSON.parse(await readFile(join(folder, name), 'utf8'))
    } catch (error) {
      throw invalid(`${name}: ${messageOf(error)}`, error)
    }
    const mesh = meshOf(value)
    if (mesh === undefined) throw invalid(`${name} holds no recorded mesh`)
    meshes.push(mesh)
  }
  return meshes
}

function meshOf(value: unknown): RecordedMesh | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('name' in value && 'nodes' in value && 'links' in value)) return undefined
  const { name, nodes, links } = value
  if (typeof name !== 'string' || !Array.isArray(nodes) || !Array.isArray(links)) return undefined
  const rows: RecordedMesh['links'][number][] = []
  for (const row of links as readonly unknown[]) {
    if (!Array.isArray(row) || row.length < 5) return undefined
    const [a, b, kind, there, back] = row as readonly unknown[]
    const isNode = (index: unknown): index is number =>
      typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && index < nodes.length
    const isQuality = (quality: unknown): quality is number =>
      typeof quality === 'number' && quality >= 0 && quality <= 255
    if (!isNode(a) || !isNode(b) || typeof kind !== 'number' || !isQuality(there) || !isQuality(back))
      return undefined
    rows.push({ a, b, kind, lossRatio: (lossOf(there) + lossOf(back)) / 2 })
  }
  return { name, nodes: nodes.length, links: rows }
}
