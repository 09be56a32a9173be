import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import t from 'tap'
import { programPath, readProgram, shippedPrograms } from '@x0t/bpf'

const folder = resolve(import.meta.dirname, '../../../bpf')

t.test('every source in bpf/ has an object that is listed, and no other is', (t) => {
  const sources = globSync('*.bpf.c', { cwd: folder }).map((path) => basename(path, '.bpf.c'))
  t.same([...shippedPrograms].toSorted(), sources.toSorted())
  t.end()
})

t.test('every object is an ELF file for BPF with a license', async (t) => {
  for (const name of shippedPrograms) {
    const object = Buffer.from(await readProgram(name))
    t.equal(object.toString('latin1', 1, 4), 'ELF', name)
    t.equal(object.readUInt16LE(18), 247, `${name}: e_machine is EM_BPF`)
    t.ok(object.includes('license\0'), name)
    t.ok(object.includes('.BTF.ext\0'), name)
  }
})

t.test('objects carry no path of the machine that built them', async (t) => {
  for (const name of shippedPrograms) {
    const object = Buffer.from(await readProgram(name))
    t.notOk(object.includes('/home'), name)
    t.notOk(object.includes(folder), name)
  }
})

t.test('a name that x0t does not ship is refused with those that it does', (t) => {
  const wanted = { code: 'BPF_PROGRAM_NOT_SHIPPED', hint: /one of: .*\bgen\b/ }
  t.throws(() => programPath('../fault'), wanted)
  t.throws(() => programPath(''), wanted)
  t.rejects(readProgram('nothing'), wanted)
  t.end()
})
