import t from 'tap'
import { parseObject, readProgram, readProgramManifests, shippedPrograms } from '@x0t/bpf'
import { loadProgram } from '../support/loaded-program.ts'

const sections: Readonly<Record<string, RegExp>> = {
  xdp: /^xdp/,
  tcx: /^tc/,
  'tcx ingress': /^tc/,
  'tcx egress': /^tc/,
  tracepoint: /^tp_btf\//,
  cgroup: /^sockops|^cgroup/,
}

t.test('the manifest has every program of every object, with the hook of its section', async (t) => {
  const manifests = await readProgramManifests()
  t.same(Object.keys(manifests).toSorted(), [...shippedPrograms].toSorted())
  for (const name of shippedPrograms) {
    const { programs } = parseObject(await readProgram(name))
    const manifest = manifests[name]
    t.same(
      programs.map((program) => program.spec.name).toSorted(),
      Object.keys(manifest.programs).toSorted(),
      name,
    )
    for (const { spec } of programs) t.match(spec.section, sections[manifest.programs[spec.name]!], spec.name)
  }
})

t.test('every object loads whole, and every metric can be read from its map', async (t) => {
  const manifests = await readProgramManifests()
  const names = new Set<string>()
  for (const name of shippedPrograms) {
    using loaded = await loadProgram(name)
    for (const program of Object.keys(manifests[name].programs)) t.ok(loaded.program(program).id > 0, program)
    for (const map of Object.keys(manifests[name].events ?? {})) t.equal(loaded.map(map).spec.type, 'ringbuf')
    for (const metric of manifests[name].metrics) {
      t.notOk(names.has(metric.name), `${metric.name} is of one object only`)
      names.add(metric.name)
      t.match(metric.name, /^(x0t|x0tta6bl4_ebpf)_[a-z0-9_]+$/)
      t.equal(metric.type === 'counter', metric.name.endsWith('_total'), metric.name)
      await loaded.metric(metric.name)
    }
  }
})

t.test('every program has a name that the kernel keeps whole and that tells whose it is', async (t) => {
  for (const { programs } of Object.values(await readProgramManifests()))
    for (const name of Object.keys(programs)) t.match(name, /^x0t_[a-z0-9_]{1,11}$/)
})
