// Fails if a package imports one of its own floor or above, or if declared and used dependencies differ.
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'

/** Floors of ARCHITECTURE.md: a package imports only packages of a lower floor. */
const floorOf: Readonly<Record<string, number>> = {
  '@x0t/core': 0,
  '@x0t/bpf': 1,
  '@x0t/keys': 1,
  '@x0t/mape-k': 1,
  '@x0t/simnet': 1,
  '@x0t/identity': 2,
  '@x0t/dao': 2,
  '@x0t/session': 2,
  '@x0t/mesh': 2,
  '@x0t/tunnel': 3,
  '@x0t/libp2p': 3,
  '@x0t/local-api': 3,
  '@x0t/orbit': 3,
  '@x0t/node': 4,
  '@x0t/testbed': 5,
  '@x0t/bench': 6,
  x0t: 7,
}

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** `import x from 'p'`, `import 'p'`, `export { x } from 'p'`, `import('p')`. */
const importPattern =
  /^(?:import|export)\s+(?:type\s+)?(?:[\w*{][^'";=()]*?from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

const root = `${import.meta.dirname}/..`
const rootTools = new Set(Object.keys((readJson(`${root}/package.json`) as Manifest).devDependencies ?? {}))
const problems: string[] = []

for (const path of globSync('packages/*/package.json', { cwd: root })) {
  const manifest = readJson(`${root}/${path}`) as Manifest
  const folder = path.slice(0, -'/package.json'.length)
  const floor = floorOf[manifest.name]
  if (floor === undefined) {
    problems.push(`${manifest.name}: has no floor in tools/check-floors.ts`)
    continue
  }
  const declared = new Set(Object.keys(manifest.dependencies ?? {}))
  for (const name of declared) {
    const other = floorOf[name]
    if (other !== undefined && other >= floor) {
      problems.push(`${manifest.name} (floor ${floor}) depends on ${name} (floor ${other})`)
    }
  }
  const used = importsOf(`${root}/${folder}/{src,bin}/**/*.{ts,js}`)
  for (const name of used)
    if (!declared.has(name)) problems.push(`${manifest.name} imports ${name} undeclared`)
  for (const name of declared)
    if (!used.has(name)) problems.push(`${manifest.name} declares ${name} without using it`)
  const forTests = new Set([
    ...declared,
    ...Object.keys(manifest.devDependencies ?? {}),
    ...rootTools,
    manifest.name,
  ])
  for (const name of importsOf(`${root}/${folder}/{test,bench}/**/*.ts`)) {
    if (!forTests.has(name)) problems.push(`tests of ${manifest.name} import ${name} undeclared`)
  }
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

/** Names of the packages that these files import: no relative paths, no built-in modules. */
function importsOf(pattern: string): Set<string> {
  const names = new Set<string>()
  for (const file of globSync(pattern)) {
    const text = readFileSync(file, 'utf8')
    for (const match of text.matchAll(importPattern)) {
      const specifier = match[1] ?? match[2]!
      if (specifier.startsWith('.')) {
        if (/\.\.\/[a-z0-9-]+\/src\//.test(specifier)) problems.push(`${file}: imports ${specifier} by path`)
        continue
      }
      if (specifier.startsWith('node:') || builtinModules.includes(specifier)) continue
      names.add(
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      )
    }
  }
  return names
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}
