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

t.test('three homes vote, close and count without a daemon, and all print the same', async (t) => {
  const homes = await orchard(t)
  const id = await propose(homes)
  const short = id.slice(7, 15)
  t.match(
    (await homes.dao('bob', 'list')).stdout,
    new RegExp(`${short}.* open .*0 of 3 +quadratic-weight +Plant pears`),
  )
  t.match(await homes.dao('alice', 'vote', short, 'yes'), { code: 0, stdout: /ballot +yes/ })
  t.match(await homes.dao('bob', 'vote', short, 'yes'), { code: 0 })
  t.match(await homes.dao('bob', 'vote', short, '2'), { code: 0, stdout: /ballot +no\nreplaces +yes/ })
  t.match(await homes.dao('carol', 'vote', short, 'y', '--dry-run'), {
    code: 0,
    stdout: /signed +NO: dry run/,
  })
  t.match(await homes.dao('carol', 'vote', short, 'y'), { code: 0 })
  const provisional = await homes.json<Report>('carol', ['tally', id])
  t.match(provisional, { isFinal: false, state: 'open' })
  for (const [from, to] of [
    ['bob', 'alice'],
    ['carol', 'alice'],
    ['alice', 'bob'],
    ['alice', 'carol'],
  ] as const)
    await homes.carry(from, to)

  // Each says which ballots it holds, then they agree in two steps.
  for (let turn = 0; turn < 4; turn++)
    for (const [from, to] of [
      ['alice', 'bob'],
      ['bob', 'carol'],
      ['carol', 'alice'],
    ] as const) {
      t.equal((await homes.dao(from, 'close', id)).code, 0)
      await homes.carry(from, to)
    }
  await homes.carry('alice', 'bob')
  const reports = await Promise.all(
    ['alice', 'bob', 'carol'].map((home) => homes.json<Report>(home, ['tally', id, '--explain'])),
  )
  for (const report of reports) {
    t.match(report, { isFinal: true, state: 'passed', tallySha256: reports[0]!.tallySha256 })
    // for: √25 + √9 = 8, against: √16 = 4
    t.match(report.tally, {
      outcome: 'passed',
      scores: [{ score: '8.000000000' }, { score: '4.000000000' }, {}],
    })
    t.equal(report.explained?.length, 3)
  }
  const shown = (await homes.dao('bob', 'tally', id, '--explain')).stdout
  t.match(shown, /result +final[^]*yes +8 +66\.66 % +2 +█{20}/)
  t.match(shown, /quorum +yes +12 weight +at least 6 weight[^]*support +yes +8 score +more than 6 score/)
  t.match(shown, /certificate +round 1, \d records, root [0-9a-f]{16}, signed by/)
  t.match(await homes.dao('bob', 'vote', id, 'yes'), { code: 1, stderr: /DAO_CLOSED/ })
  const bytes = homes.path('tally.json')
  t.equal((await homes.dao('carol', 'tally', id, '--bytes', bytes)).code, 0)
  t.match(JSON.parse(readFileSync(bytes, 'utf8')), { outcome: 'passed' })
  const { runCli } = await import('./run-cli.ts')
  const [receipt, board, broken] = [
    homes.path('receipt.x0t'),
    homes.path('board.x0t'),
    homes.path('broken.x0t'),
  ]
  t.match(await homes.dao('carol', 'receipt', id, '--out', receipt), { code: 0, stdout: /yes, of carol/ })
  t.match(await homes.dao('carol', 'receipt', id, '--out', receipt), { code: 2, stderr: /DAO_FILE_EXISTS/ })
  t.match(await homes.dao('alice', 'receipt', id, '--member', 'bob'), {
    code: 0,
    stdout: /^c2sp\.org\/tlog-proof/,
  })
  t.equal((await homes.dao('bob', 'export', board)).code, 0)
  const { dao } = await homes.json<{ dao: string }>('bob', ['list'])
  const nowhere = { env: { X0T_HOME: homes.path('nowhere') } }
  const verify = async (...words: string[]): ReturnType<typeof runCli> =>
    runCli(['dao', 'verify', ...words], nowhere)
  t.match(await verify(board, '--dao', dao), { code: 0, stdout: /passed +yes +3 of 3[^]*everything adds up/ })
  t.match(await verify(board, '--dao', id), { code: 3, stdout: /genesis +NO/ })
  t.match(await verify(receipt, '--with', board), {
    code: 0,
    stdout: /yes, of carol[^]*in the certified set/,
  })
  t.match(await verify(receipt), { code: 2, stderr: /DAO_MEMBERS_NEEDED/ })
  t.match(await verify(receipt, '--with', board, '--dao', id), { code: 3, stdout: /it is of the DAO/ })
  t.match(await verify(receipt, '--home', homes.path('bob')), { code: 0 })
  const cards = await Promise.all(
    ['alice', 'bob', 'carol'].map(async (name) => ['--member', await homes.card(name)]),
  )
  t.match(await verify(receipt, ...cards.flat()), { code: 0 })
  t.match(await verify(receipt, ...cards[0]!), { code: 3, stdout: /NO/ })
  const whole = readFileSync(board)
  for (const [what, bytes] of [
    [
      'a bit of a record is changed',
      Buffer.from(whole).fill(whole[whole.length - 5000]! ^ 1, whole.length - 5000, whole.length - 4999),
    ],
    ['the end is missing', whole.subarray(0, -50)],
    ['it is something else', Buffer.from('a letter')],
  ] as const) {
    writeFileSync(broken, bytes)
    t.match(await verify(broken), { code: 3, stdout: /NO[^]*does not add up/ }, what)
  }
  const text = readFileSync(receipt, 'utf8')
  writeFileSync(broken, text.replace(/^index \d+/m, 'index 77'))
  t.match(await verify(broken, '--with', board), { code: 3, stdout: /inclusion/ })
  writeFileSync(broken, text.slice(0, -10))
  t.match(await verify(broken, '--with', board), { code: 3, stdout: /! / })
  t.match(await verify(homes.path('none')), { code: 1, stderr: /DAO_BUNDLE_NOT_FOUND/ })
  t.match(await homes.dao('alice', 'audit'), { code: 0, stdout: /nothing found wanting/ })
})

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

t.test('a copy under a forged signature keeps the real record out of no home', async (t) => {
  const homes = await orchard(t)
  const id = await propose(homes)
  await homes.dao('bob', 'vote', id, 'yes')
  const [whole, forged, both] = [homes.path('whole.x0t'), homes.path('forged.x0t'), homes.path('both.x0t')]
  await homes.dao('bob', 'export', whole)
  const { readBundle, writeBundle } = await import('@x0t/dao')
  const records = await Array.fromAsync(readBundle(whole))
  const ballot = records.find(({ record }) => record.kind === 'vote')!
  const forgery = { ...ballot, signature: ballot.signature.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) }
  const founding = records.filter(({ record }) => record.kind === 'genesis')
  await writeBundle(forged, [...founding, forgery])
  await writeBundle(both, [...records, forgery])
  t.match(
    await homes.dao('late', 'import', forged),
    { code: 1, stdout: /new +1\n[^]*refused +1/ },
    'its proposal is not there yet, and nobody signed it',
  )
  t.match(await homes.dao('late', 'import', whole), { code: 0, stdout: /refused +0/ })
  t.match(await homes.json<Report>('late', ['tally', id]), { tally: { scores: [{ ballots: 1 }, {}, {}] } })
  await homes.dao('other', 'import', both)
  t.match(await homes.json<Report>('other', ['tally', id]), { tally: { scores: [{ ballots: 1 }, {}, {}] } })
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
