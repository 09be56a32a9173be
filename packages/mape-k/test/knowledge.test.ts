import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { silentLog as log } from '@x0t/core'
import { createMemoryKnowledge, openKnowledge, type Knowledge, type KnowledgeLimits } from '../src/index.ts'
import { incidentOf } from './sample-incident.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-knowledge-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let files = 0
const newPath = (): string => join(folder, `${files++}.sqlite`)

const kinds: Readonly<Record<string, (limits?: Partial<KnowledgeLimits>) => Knowledge>> = {
  'in memory': (limits) => createMemoryKnowledge(limits),
  'in a file': (limits) => openKnowledge(newPath(), { log, ...(limits === undefined ? {} : { limits }) }),
}

for (const [where, make] of Object.entries(kinds)) {
  t.test(`knowledge ${where} gives back incidents as they were saved last, the newest first`, (t) => {
    using knowledge = make()
    knowledge.save(incidentOf('a', 1000))
    knowledge.save(incidentOf('b', 3000))
    knowledge.save(incidentOf('c', 2000))
    knowledge.save(incidentOf('a', 1000, { outcome: 'verified', recoveredAfterMs: 12.5 }))
    t.same(
      knowledge.incidents().map(({ id }) => id),
      ['b', 'c', 'a'],
    )
    t.same(knowledge.incident('a'), incidentOf('a', 1000, { outcome: 'verified', recoveredAfterMs: 12.5 }))
    t.equal(knowledge.incident('d'), undefined)
    t.same(
      knowledge.incidents({ sinceMs: 2000, limit: 1 }).map(({ id }) => id),
      ['b'],
    )
    t.same(
      knowledge.incidents({ sinceMs: 2000 }).map(({ id }) => id),
      ['b', 'c'],
    )
    t.equal(knowledge.size(), 3)
    t.end()
  })

  t.test(`knowledge ${where} is bounded in rows and in age`, (t) => {
    using knowledge = make({ maxIncidents: 3, maxAgeMs: 1000 })
    for (let i = 0; i < 5; i++) knowledge.save(incidentOf(`i${i}`, 10_000 + i))
    t.same(
      knowledge.incidents().map(({ id }) => id),
      ['i4', 'i3', 'i2'],
    )
    knowledge.save(incidentOf('late', 11_003))
    t.same(
      knowledge.incidents().map(({ id }) => id),
      ['late', 'i4', 'i3'],
      '11,003 − 1000 = 10,003: what is older is gone',
    )
    t.end()
  })

  t.test(`knowledge ${where} counts outcomes, and what is long ago fades`, (t) => {
    using knowledge = make()
    knowledge.learn('link-dead', 'redial', 100)
    knowledge.learn('link-dead', 'redial', 300)
    knowledge.learn('link-dead', 'redial', undefined)
    knowledge.learn('gray-link', 'reroute', 5)
    t.same(
      knowledge.records().find(({ diagnosis }) => diagnosis === 'link-dead'),
      { diagnosis: 'link-dead', action: 'redial', verified: 2, failed: 1, recoveryMs: 400 },
    )
    t.equal(knowledge.records().length, 2)
    for (let i = 0; i < 61; i++) knowledge.learn('link-dead', 'redial', 0)
    t.match(
      knowledge.records().find(({ diagnosis }) => diagnosis === 'link-dead'),
      { verified: 63, failed: 1 },
      '64 outcomes are kept whole',
    )
    knowledge.learn('link-dead', 'redial', undefined)
    t.match(
      knowledge.records().find(({ diagnosis }) => diagnosis === 'link-dead'),
      { verified: 31.5, failed: 1, recoveryMs: 200 },
      'the 65th halves them',
    )
    t.end()
  })

  t.test(`knowledge ${where} keeps notes by name`, (t) => {
    using knowledge = make()
    t.equal(knowledge.note('safe-mode'), undefined)
    knowledge.setNote('safe-mode', 'one')
    knowledge.setNote('safe-mode', 'two')
    t.equal(knowledge.note('safe-mode'), 'two')
    knowledge.setNote('safe-mode', undefined)
    t.equal(knowledge.note('safe-mode'), undefined)
    t.end()
  })
}

t.test('a file of knowledge belongs to its owner alone and outlives a process that was killed', (t) => {
  const path = newPath()
  const source = `
    import { silentLog as log } from '@x0t/core'
    import { openKnowledge } from '${join(import.meta.dirname, '../src/index.ts')}'
    const knowledge = openKnowledge(${JSON.stringify(path)}, { log })
    knowledge.save(${JSON.stringify(incidentOf('kept', 1000))})
    knowledge.setNote('safe-mode', 'kept')
    process.kill(process.pid, 'SIGKILL')`
  const script = join(import.meta.dirname, `killed-${process.pid}.ts`)
  writeFileSync(script, source)
  t.teardown(() => rmSync(script, { force: true }))
  const { signal } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', script])
  t.equal(signal, 'SIGKILL')
  using knowledge = openKnowledge(path, { log })
  t.equal(knowledge.incident('kept')?.outcome, 'open')
  t.equal(knowledge.note('safe-mode'), 'kept')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.end()
})

t.test('what the disk does not take stays in memory until it does', (t) => {
  const path = newPath()
  const warned: string[] = []
  using knowledge = openKnowledge(path, { log: { ...log, warn: (event) => void warned.push(event) } })
  knowledge.save(incidentOf('before', 1000))
  const other = new DatabaseSync(path)
  other.exec(`CREATE TRIGGER full_i BEFORE INSERT ON incidents BEGIN SELECT RAISE(FAIL, 'disk is full'); END;
    CREATE TRIGGER full_n BEFORE INSERT ON notes BEGIN SELECT RAISE(FAIL, 'disk is full'); END`)
  knowledge.save(incidentOf('during', 2000))
  knowledge.setNote('safe-mode', 'said')
  t.same(
    knowledge.incidents().map(({ id }) => id),
    ['during', 'before'],
  )
  t.equal(knowledge.incident('during')?.id, 'during')
  t.equal(knowledge.note('safe-mode'), 'said')
  t.equal(warned.length, 2)
  for (let i = 0; i < 300; i++) knowledge.save(incidentOf(`x${i}`, 3000 + i))
  t.equal(knowledge.incidents().length, 201, 'and no more than 200 wait')
  other.exec('DROP TRIGGER full_i; DROP TRIGGER full_n')
  other.close()
  knowledge.save(incidentOf('after', 4000))
  knowledge.setNote('safe-mode', undefined)
  t.equal(knowledge.size(), 201)
  t.equal(knowledge.note('safe-mode'), undefined)
  t.end()
})

t.test('a file of a newer version is left alone, and a damaged one is told as such', (t) => {
  const newer = newPath()
  const database = new DatabaseSync(newer)
  database.exec('PRAGMA user_version = 99')
  database.close()
  t.throws(() => openKnowledge(newer, { log }), { code: 'HEALING_KNOWLEDGE_NEWER' })
  const damaged = newPath()
  writeFileSync(damaged, 'not a database, but long enough to be taken for one at first sight')
  chmodSync(damaged, 0o600)
  t.throws(() => openKnowledge(damaged, { log }), { code: 'HEALING_KNOWLEDGE_DAMAGED' })
  t.end()
})
