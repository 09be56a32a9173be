import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { makeHomes, type Homes } from './dao-homes.ts'

/** A vote that ends as soon as nobody can change it: no test waits for a clock. */
const soon = ['--closes-early', '--voting', '1h', '--grace', '0s', '--timelock', '0s']

interface Proposal {
  readonly id: string
  readonly state: string
}
interface Report {
  readonly state: string
  readonly isFinal: boolean
  readonly tallySha256: string
  readonly tally: {
    readonly outcome: string
    readonly scores: readonly { readonly score: string; readonly ballots: number }[]
  }
  readonly explained?: readonly object[]
}

/** alice (25) founds a DAO with bob (16) and carol (9); all have its records. √: 5, 4, 3. */
async function orchard(t: Parameters<typeof makeHomes>[0], ...more: readonly string[]): Promise<Homes> {
  const homes = makeHomes(t)
  const [bob, carol] = [await homes.card('bob'), await homes.card('carol')]
  const members = ['--member', `${bob}=16`, '--member', `${carol}=9`]
  await homes.json('alice', [
    'init',
    '--name',
    'orchard',
    '--as',
    'alice',
    '--balance',
    '25',
    ...members,
    ...soon,
    ...more,
  ])
  for (const name of ['bob', 'carol']) await homes.carry('alice', name)
  return homes
}

async function propose(homes: Homes, ...words: readonly string[]): Promise<string> {
  const { id } = await homes.json<Proposal>('alice', ['propose', '--title', 'Plant pears', ...words])
  for (const name of ['bob', 'carol']) await homes.carry('alice', name)
  return id
}

t.test(
  'a ballot is signed on a machine without network and handed in by another without its keys',
  async (t) => {
    const homes = await orchard(t)
    const id = await propose(homes)
    const file = homes.path('ballot.x0t')
    t.match(await homes.dao('carol', 'vote', id, 'no', '--sign-only', file), {
      code: 0,
      stdout: /written to/,
    })
    t.match(await homes.dao('carol', 'vote', id, 'yes', '--sign-only', file), {
      code: 2,
      stderr: /DAO_FILE_EXISTS/,
    })
    t.match(await homes.dao('carol', 'vote', id, 'yes', '--sign-only', file, '--force'), { code: 0 })
    t.match(await homes.dao('alice', 'vote', '--submit', file), {
      code: 0,
      stdout: /read +2 records\nnew +2/,
    })
    t.match(await homes.dao('alice', 'vote', '--submit', file), { code: 0, stdout: /new +0\nknown +2/ })
    t.match(await homes.json<Report>('alice', ['tally', id]), {
      tally: { scores: [{ score: '3.000000000' }, {}, {}] },
    })
    const all = homes.path('all.x0t')
    await homes.dao('bob', 'export', all)
    t.match(
      await homes.dao('alice', 'vote', '--submit', all),
      { code: 0 },
      'records that are known are no offence',
    )
  },
)

t.test('a vote that cannot count is refused with its code, and nothing is signed', async (t) => {
  const homes = await orchard(t)
  const id = await propose(homes)
  const refused = async (home: string, words: readonly string[], code: string, exit = 1): Promise<unknown> =>
    t.match(
      await homes.dao(home, ...words),
      { code: exit, stderr: new RegExp(`error ${code}`) },
      words.join(' '),
    )
  await refused('bob', ['vote', id, 'perhaps'], 'DAO_CHOICE_UNKNOWN', 2)
  await refused('bob', ['vote', id, 'yes=1'], 'DAO_BALLOT_KIND', 2)
  await refused('bob', ['vote', 'zzzz', 'yes'], 'DAO_PROPOSAL_UNKNOWN', 2)
  await refused('bob', ['vote', 'zz', 'yes'], 'DAO_PROPOSAL_UNKNOWN', 2)
  await refused('bob', ['vote', id], 'USAGE', 2)
  await refused('bob', ['vote'], 'USAGE', 2)
  await refused('bob', ['vote', id, 'yes', '--interactive'], 'USAGE', 2)
  await refused('bob', ['vote', id, '--interactive'], 'USAGE', 2)
  await refused('bob', ['vote', id, '--submit', 'x'], 'USAGE', 2)
  await refused('nobody', ['vote', id, 'yes'], 'DAO_NOT_HERE')
  await homes.carry('alice', 'nobody')
  await refused('nobody', ['vote', id, 'yes'], 'DAO_KEYS_MISSING')
  await homes.card('nobody')
  await refused('nobody', ['vote', id, 'yes'], 'DAO_NOT_A_MEMBER')
  const later = await propose(homes, '--opens', '2h')
  await refused('bob', ['vote', later, 'yes'], 'DAO_NOT_OPEN')
  const past = await propose(homes, '--opens', '2020-01-01')
  await refused('bob', ['vote', past, 'yes'], 'DAO_CLOSED')
  t.match(await homes.json<Report>('bob', ['tally', id]), {
    tally: { scores: [{ ballots: 0 }, { ballots: 0 }, {}] },
  })
  await refused('bob', ['vote', 'baf', 'yes'], 'DAO_PROPOSAL_UNKNOWN', 2)
})

t.test('every method takes its own kind of ballot', async (t) => {
  const homes = await orchard(t)
  const cities = ['--choice', 'Oslo', '--choice', 'Rome', '--choice', 'Riga']
  for (const [method, ballot, words] of [
    ['quadratic-credits', 'Rome=3,Oslo=-1', /ballot +Oslo -1, Rome 3/],
    ['quadratic-funding', '1=0.5,2=0.5', /ballot +Oslo 0\.5, Rome 0\.5/],
    ['linear', 'Rome', /ballot +Rome/],
    ['approval', '1,3', /ballot +Oslo, Riga/],
    ['ranked-choice', '2>1>3', /ballot +Rome > Oslo > Riga/],
    ['weighted', 'Rome=2,Riga=1', /ballot +Rome 2, Riga 1/],
  ] as const) {
    const { id } = await homes.json<Proposal>('alice', [
      'propose',
      '--title',
      method,
      '--method',
      method,
      ...cities,
    ])
    t.match(await homes.dao('alice', 'vote', id, ballot), { code: 0, stdout: words }, method)
    t.match(
      await homes.dao('alice', 'tally', id, '--explain'),
      { code: 0, stdout: /MEMBER +BALANCE/ },
      method,
    )
  }
  const { id } = await homes.json<Proposal>('alice', [
    'propose',
    '--title',
    'c',
    '--method',
    'quadratic-credits',
    '--credits',
    '9',
  ])
  t.match(await homes.dao('alice', 'vote', id, 'yes=3,no=1'), { code: 2, stderr: /DAO_BUDGET_EXCEEDED/ })
})

t.test('a delegate is heard for who casts none, and an own ballot comes first', async (t) => {
  const homes = await orchard(t)
  t.match(await homes.dao('carol', 'delegate', 'bob'), { code: 0, stdout: /bob votes for carol/ })
  await homes.carry('carol', 'alice')
  await homes.carry('alice', 'bob')
  t.match((await homes.dao('alice', 'member', 'list')).stdout, /carol .* bob +witness/)
  const id = await propose(homes)
  t.match(await homes.dao('bob', 'vote', id, 'no'), { code: 0 })
  // against: √16 + √9 = 7
  const heard = (await homes.dao('bob', 'tally', id, '--explain')).stdout
  t.match(heard, /no +7 [^]*carol +9 VOTE +no +delegate bob +no 3/)
  await homes.carry('bob', 'carol')
  await homes.dao('carol', 'vote', id, 'yes')
  t.match((await homes.dao('carol', 'tally', id)).stdout, /yes +3 [^]*no +4 /)
  t.match(await homes.dao('bob', 'delegate', 'carol'), { code: 1, stderr: /DAO_DELEGATION_CYCLE/ })
  t.match(await homes.dao('bob', 'delegate', 'bob'), { code: 2, stderr: /DAO_DELEGATE_SELF/ })
  t.match(await homes.dao('bob', 'delegate', 'dora'), { code: 2, stderr: /DAO_MEMBER_UNKNOWN/ })
  t.match(await homes.dao('bob', 'delegate'), { code: 2, stderr: /USAGE/ })
  t.match(await homes.dao('carol', 'delegate', '--revoke'), { code: 0, stdout: /nobody votes for carol/ })
})

t.test(
  'two copies of one home that vote differently are found, and exit code 3 names the member',
  async (t) => {
    const homes = await orchard(t)
    const id = await propose(homes)
    const { cpSync } = await import('node:fs')
    cpSync(homes.path('bob'), homes.path('twin'), { recursive: true })
    await homes.dao('bob', 'vote', id, 'yes')
    await homes.dao('twin', 'vote', id, 'no')
    await homes.carry('bob', 'alice')
    await homes.carry('twin', 'alice')
    t.match(await homes.dao('alice', 'audit'), {
      code: 3,
      stdout: /SIGNED TWO RECORDS[^]*bob[^]*! bob signed two records with number 0/,
    })
    t.match(await homes.json<Report>('alice', ['tally', id]), {
      tally: { scores: [{ ballots: 0 }, { ballots: 0 }, {}] },
    })
    t.match(
      await homes.dao('bob', 'diff', homes.path('bob'), homes.path('twin')),
      { code: 2 },
      'diff takes no home',
    )
  },
)

t.test('bundles are compared, taken in once, and refused when they are not whole', async (t) => {
  const homes = await orchard(t)
  const id = await propose(homes)
  const [before, after, cut] = [homes.path('a.x0t'), homes.path('b.x0t'), homes.path('c.x0t')]
  await homes.dao('alice', 'export', before)
  t.match(await homes.dao('alice', 'export', before), { code: 2, stderr: /DAO_FILE_EXISTS/ })
  await homes.dao('alice', 'vote', id, 'yes')
  await homes.dao('alice', 'export', after, '--proposal', id)
  const { runCli } = await import('./run-cli.ts')
  t.match(await runCli(['dao', 'diff', before, before]), { code: 0, stdout: /in both +2/ })
  t.match(await runCli(['dao', 'diff', before, after]), { code: 3, stdout: /in both +2[^]*> +\w+ +vote/ })
  t.match(await runCli(['dao', 'diff', homes.path('bob'), after]), { code: 3 })
  writeFileSync(cut, readFileSync(after).subarray(0, -100))
  t.match(await homes.dao('bob', 'import', cut), { code: 1, stderr: /DAO_BUNDLE_TRUNCATED/ })
  t.match(await homes.dao('bob', 'import', cut, '--partial'), { code: 0, stdout: /new +0\nknown +2/ })
  t.match(await homes.dao('bob', 'import', after), { code: 0, stdout: /new +1\nknown +2\nrefused +0/ })
  t.match(await homes.dao('bob', 'import', homes.path('none')), { code: 1, stderr: /DAO_BUNDLE_NOT_FOUND/ })
  const { dao } = await homes.json<{ dao: string }>('eve', ['init', '--name', 'other', '--as', 'eve'])
  const strange = homes.path('e.x0t')
  await homes.dao('eve', 'export', strange)
  t.match(await homes.dao('bob', 'import', strange), { code: 1, stdout: /refused +1[^]*DAO_OTHER_DAO/ })
  t.match(await homes.dao('fresh', 'import', after, '--dao', dao), { code: 1, stderr: /DAO_GENESIS_MISSING/ })
})

t.test('the author takes a proposal back, and nobody else', async (t) => {
  const homes = await orchard(t, '--guardian', 'carol')
  const id = await propose(homes)
  t.match(await homes.dao('bob', 'cancel', id, '--yes'), { code: 1, stderr: /DAO_NOT_THE_AUTHOR/ })
  t.match(await homes.dao('bob', 'veto', id, '--yes'), { code: 1, stderr: /DAO_NOT_A_GUARDIAN/ })
  t.match(await homes.dao('alice', 'cancel', id), { code: 2, stderr: /CONFIRMATION_NEEDED/ })
  t.match(await homes.dao('alice', 'cancel', id, '--yes', '--reason', 'a typing error'), { code: 0 })
  t.match((await homes.dao('alice', 'list')).stdout, /canceled/)
  t.match(await homes.dao('carol', 'veto', id, '--yes', '--reason', 'too cold'), {
    code: 0,
    stdout: /vetoed/,
  })
  t.match((await homes.dao('carol', 'show', id)).stdout, /VETO +carol: too cold/)
})
