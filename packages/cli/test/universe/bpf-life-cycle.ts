import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readProgramManifests, shippedPrograms, type ShippedProgram } from '@x0t/bpf'
import { addVeth, programIds, run, x0tBpfAsUsers as x0tBpf } from './separate-process.ts'

/** A cgroup2 folder of our own: where that is mounted differs from machine to machine. */
const mount = run('findmnt', '-n', '-t', 'cgroup2', '-o', 'TARGET').split('\n')[0]!.trim()
const cgroup = `${mount}/x0t-bpf-test-${process.pid}`
mkdirSync(cgroup)
t.teardown(() => rmdirSync(cgroup))

const manifests = await readProgramManifests()
let interfaces = 0
const newInterface = (): string => {
  interfaces += 1
  addVeth(`a${interfaces}`, `b${interfaces}`)
  return `a${interfaces}`
}

/** How an object is attached: whole where its programs belong together, else by one of its programs. */
function attachWords(object: ShippedProgram): readonly string[] {
  const programs = Object.entries(manifests[object].programs)
  const [[program, hook]] = programs as [(typeof programs)[0]]
  const words = { tracepoint: [], cgroup: ['--cgroup', cgroup], xdp: ['--interface', newInterface()] }
  const kinds = new Set(programs.map(([, kind]) => kind.split(' ')[0]))
  const belong = programs.length === 1 || (kinds.size === 1 && !kinds.has('xdp'))
  const name = belong ? object : `${object}/${program}`
  if (hook === 'tracepoint' || hook === 'cgroup' || hook === 'xdp') return [name, ...words[hook]]
  const direction = hook === 'tcx egress' || hook === 'tcx' ? 'egress' : 'ingress'
  return [name, '--interface', newInterface(), ...(belong ? [] : ['--direction', direction])]
}

t.test('the whole life of every shipped program, each command a process of its own', async (t) => {
  const maps = new Map<string, string>()
  const ids: number[] = []
  for (const object of shippedPrograms) {
    const loaded = x0tBpf('load', object, '--json')
    t.equal(loaded.code, 0, `load ${object}: ${loaded.stderr}`)
    const { programs, refusals, maps: made } = JSON.parse(loaded.stdout) as Loaded
    const rings = Object.keys(manifests[object].events ?? {})
    const map = made.find(
      ({ name }) => !name.startsWith('.') && !rings.includes(name) && !name.endsWith('events'),
    )
    if (map !== undefined) maps.set(object, map.name)
    t.strictSame(refusals, [], `${object} loads whole`)
    ids.push(...programs.map(({ id }) => id))
  }
  let flowInterface = ''
  for (const object of shippedPrograms) {
    const words = attachWords(object)
    if (object === 'flow') flowInterface = words[2]!
    const attached = x0tBpf('attach', ...words)
    t.match(
      attached,
      { code: 0, stdout: new RegExp(`attached ${object}/`) },
      `attach ${object}: ${attached.stderr}`,
    )
  }
  t.strictSame([...programIds()].filter((id) => ids.includes(id)).length, ids.length, 'bpftool sees them all')

  const { objects } = JSON.parse(x0tBpf('list', '--json').stdout) as List
  t.strictSame(
    objects.map(({ name, state }) => [name, state]),
    [...shippedPrograms].toSorted().map((name) => [name, 'loaded']),
  )
  for (const { name, links } of objects) t.ok(links.length > 0, `${name} is attached`)

  run('ip', 'addr', 'add', '10.9.9.1/24', 'dev', flowInterface)
  // To an address that is not there: the flow program sees the questions for it all the same.
  run('sh', '-c', 'ping -c 2 -i 0.2 -W 0.2 10.9.9.2 >/dev/null || true')
  const total = JSON.parse(
    x0tBpf('dump', 'flow/x0t_flow_totals', '--filter', 'key=1', '--json').stdout,
  ) as Dump
  t.ok(total.entries[0]!.value['packets']! > 0, 'what one process loaded counts, another reads')

  for (const object of shippedPrograms) {
    t.match(x0tBpf('show', object), { code: 0, stdout: new RegExp(`object +${object}`) }, `show ${object}`)
    if (!maps.has(object)) continue
    const dumped = x0tBpf('dump', `${object}/${maps.get(object)!}`)
    t.equal(dumped.code, 0, `dump ${object}: ${dumped.stderr}`)
  }
  const stats = JSON.parse(x0tBpf('stats', '--interval', '100ms', '--json').stdout) as {
    readonly programs: readonly unknown[]
  }
  t.equal(stats.programs.length, ids.length)

  for (const object of shippedPrograms) {
    if (object === 'chain') continue
    const detached = x0tBpf('detach', object)
    t.match(detached, { code: 0, stdout: /detached/ }, `detach ${object}: ${detached.stderr}`)
    const unloaded = x0tBpf('unload', object)
    t.match(
      unloaded,
      { code: 0, stdout: new RegExp(`unloaded ${object}`) },
      `unload ${object}: ${unloaded.stderr}`,
    )
    t.notMatch(unloaded.stdout, /STILL/)
  }
  t.match(
    x0tBpf('unload', 'chain'),
    { code: 0 },
    'the chain was attached by itself, and is unloaded by itself',
  )
  t.match(x0tBpf('list'), { code: 0, stdout: /nothing is loaded/ })
  // The kernel itself puts *.debug there when it is mounted.
  t.strictSame(
    readdirSync('/sys/fs/bpf').filter((name) => !name.endsWith('.debug')),
    [],
    'nothing is pinned',
  )
  // The kernel frees programs after a grace period.
  for (let look = 0; look < 100 && ids.some((id) => programIds().has(id)); look += 1) await sleep(50)
  t.strictSame(
    [...programIds()].filter((id) => ids.includes(id)),
    [],
    'bpftool sees none of them',
  )
})

interface Loaded {
  readonly programs: readonly { readonly id: number }[]
  readonly maps: readonly { readonly name: string }[]
  readonly refusals: readonly unknown[]
}
interface List {
  readonly objects: readonly {
    readonly name: string
    readonly state: string
    readonly links: readonly unknown[]
  }[]
}
interface Dump {
  readonly entries: readonly { readonly value: Readonly<Record<string, number>> }[]
}
