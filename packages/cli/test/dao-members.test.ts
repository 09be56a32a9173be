import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { makeHomes } from './dao-homes.ts'

interface Listed {
  readonly token: { readonly decimals: number }
  readonly members: readonly {
    readonly id: string
    readonly name: string
    readonly balance: string
    readonly weight: string
    readonly isOwn: boolean
  }[]
}

t.test('a home without keys gets some with its card, and the same card again', async (t) => {
  const homes = makeHomes(t)
  const first = await homes.json<{ id: string; madeKeys: boolean; card: string }>('ann', [
    'member',
    'card',
    '--name',
    'ann',
  ])
  t.match(first, { madeKeys: true, card: /x0t-public-identity/ })
  t.notMatch(first.card, /masterSeed/)
  t.match(await homes.json('ann', ['member', 'card']), { madeKeys: false, id: first.id })
  t.match((await homes.dao('ann', 'member', 'card')).stdout, /^\{\n/)
  const file = homes.path('ann.pub')
  t.match(await homes.dao('ann', 'member', 'card', '--out', file), { code: 0, stdout: /card +.*ann\.pub/ })
  t.match(await homes.dao('ann', 'member', 'card', '--out', file), { code: 1, stderr: /KEY_EXISTS/ })
})

t.test('a DAO is founded once in a home, with rules, members and roles that are all printed', async (t) => {
  const homes = makeHomes(t)
  const bob = await homes.card('bob')
  const words = [
    'init',
    '--name',
    'orchard',
    '--as',
    'alice',
    '--member',
    `${bob}=1.5`,
    '--token-decimals',
    '2',
    '--balance',
    '25',
    '--symbol',
    'APPLE',
  ]
  const more = [
    '--guardian',
    'bob',
    '--witness',
    'alice',
    '--registrar',
    'alice',
    '--registrar',
    'bob',
    '--registrars-needed',
    '2',
    '--quorum',
    '10:tokens',
  ]
  const made = await homes.dao('alice', ...words, ...more)
  t.equal(made.code, 0, made.stderr)
  t.match(made.stdout, /alice 25 APPLE/)
  t.match(made.stdout, /bob 1\.5 APPLE/)
  t.match(made.stdout, /guardians +bob\n/)
  t.match(made.stdout, /witnesses +alice\n/)
  t.match(made.stdout, /registrars +.*; 2 together/)
  t.match(made.stdout, /quorum +at least 10 APPLE/)
  t.match(await homes.dao('alice', ...words), { code: 1, stderr: /DAO_EXISTS/ })
  const list = await homes.json<Listed>('alice', ['member', 'list'])
  // √2500 = 50, √150 = 12.247…
  t.match(list.members, [
    { name: 'alice', balance: '2500', weight: '50.000', isOwn: true },
    { name: 'bob', balance: '150', weight: '12.247', isOwn: false },
  ])
})

t.test('what cannot found a DAO is refused before anything is written', async (t) => {
  const homes = makeHomes(t)
  const bob = await homes.card('bob')
  const refused = async (words: readonly string[], code: string, exit = 2): Promise<unknown> =>
    t.match(
      await homes.dao('x', 'init', '--name', 'n', '--as', 'x', ...words),
      { code: exit, stderr: new RegExp(`error ${code}`) },
      words.join(' '),
    )
  await refused(['--balance', '-1'], 'USAGE')
  await refused(['--balance', '1.5'], 'USAGE')
  await refused(['--member', `${bob}=x`], 'USAGE')
  await refused(['--member', bob, '--member', bob], 'USAGE')
  await refused(['--member', homes.path('none.pub')], 'KEY_NOT_FOUND', 1)
  await refused(['--member', bob, '--as', 'bob'], 'USAGE')
  await refused(['--registrars-needed', '2'], 'USAGE')
  await refused(['--guardian', 'nobody'], 'DAO_MEMBER_UNKNOWN')
  await refused(['--token-decimals', '37'], 'USAGE')
  await refused(['--quorum', '1/2'], 'USAGE')
  await refused(['--voting', 'long'], 'USAGE')
  await refused(['--members-from-mesh'], 'DAO_MESH_UNKNOWN', 1)
  t.match(await homes.dao('x', 'list'), { code: 1, stderr: /DAO_NOT_HERE/ })
  t.match(await homes.dao('x', 'init'), { code: 2 })
})

t.test('registrars admit, grant and remove; two have to sign where two are needed', async (t) => {
  const homes = makeHomes(t)
  const [bob, carol] = [await homes.card('bob'), await homes.card('carol')]
  const founding = [
    'init',
    '--name',
    'o',
    '--as',
    'alice',
    '--member',
    bob,
    '--registrar',
    'alice',
    '--registrar',
    'bob',
    '--registrars-needed',
    '2',
  ]
  await homes.json('alice', founding)
  const add = ['member', 'add', carol, '--balance', '9'] as const
  t.match(await homes.dao('alice', ...add), { code: 0, stdout: /added +carol +\w+ +NO: more registrars/ })
  await homes.carry('alice', 'bob')
  t.match((await homes.dao('bob', 'audit')).stdout, /member\.add +carol? *\w* +alice +2/)
  t.match(await homes.dao('bob', ...add), { code: 0, stdout: /added +carol +\w+ +yes/ })
  t.match(await homes.dao('bob', ...add), { code: 1, stderr: /DAO_MEMBER_EXISTS/ })
  await homes.carry('bob', 'alice')
  for (const home of ['alice', 'bob']) {
    t.equal((await homes.dao(home, 'member', 'balance', 'carol', '16', '--reason', 'grant')).code, 0)
    await homes.carry(home, home === 'alice' ? 'bob' : 'alice')
  }
  t.match(await homes.json<Listed>('alice', ['member', 'list']), {
    members: [{}, {}, { name: 'carol', balance: '16' }],
  })
  t.match(await homes.dao('alice', 'member', 'remove', 'carol'), { code: 2, stderr: /CONFIRMATION_NEEDED/ })
  for (const home of ['alice', 'bob']) {
    t.equal((await homes.dao(home, 'member', 'remove', 'carol', '--yes')).code, 0)
    await homes.carry(home, home === 'alice' ? 'bob' : 'alice')
  }
  t.equal((await homes.json<Listed>('alice', ['member', 'list'])).members.length, 2)
  t.match(await homes.dao('alice', 'member', 'remove', 'bob', '--yes'), {
    code: 1,
    stderr: /DAO_REGISTRAR_FIXED/,
  })
  await homes.carry('alice', 'carol')
  t.match(await homes.dao('carol', 'member', 'add', carol), { code: 1, stderr: /DAO_NOT_A_MEMBER/ })
})

t.test('a list of members is signed whole or not at all', async (t) => {
  const homes = makeHomes(t)
  await homes.json('alice', ['init', '--name', 'o', '--as', 'alice'])
  for (const name of ['bob', 'carol']) await homes.card(name)
  const list = homes.path('list.csv')
  writeFileSync(list, 'file,name,balance\nbob.pub,,16\nnone.pub,,1\ncarol.pub,alice,9\n')
  const bad = await homes.dao('alice', 'member', 'import', list)
  t.match(bad, {
    code: 2,
    stderr: /DAO_LIST_INVALID[^]*2 of 3 lines[^]*line 3: [^]*line 4: another member is called "alice"/,
  })
  t.equal((await homes.json<Listed>('alice', ['member', 'list'])).members.length, 1)
  writeFileSync(list, 'file,name,balance\nbob.pub,,16\ncarol.pub,carla,\n')
  t.match(await homes.dao('alice', 'member', 'import', list, '--dry-run'), {
    code: 0,
    stdout: /2 members to admit/,
  })
  t.match(await homes.dao('alice', 'member', 'import', list, '--balance', '4'), {
    code: 0,
    stdout: /added +bob[^]*added +carla/,
  })
  t.match(await homes.json<Listed>('alice', ['member', 'list']), {
    members: [{ name: 'alice' }, { name: 'bob', balance: '16' }, { name: 'carla', balance: '4' }],
  })
  t.match(await homes.dao('alice', 'member', 'import', list), { code: 2, stderr: /DAO_LIST_INVALID/ })
  t.match(await homes.dao('alice', 'member', 'import', homes.path('no.csv')), {
    code: 2,
    stderr: /DAO_LIST_UNREADABLE/,
  })
})

t.test('a member keeps its id when its keys are rotated, and votes with the new ones', async (t) => {
  const homes = makeHomes(t)
  await homes.json('alice', ['init', '--name', 'o', '--as', 'alice'])
  t.match(await homes.dao('alice', 'member', 'rotate'), { code: 1, stderr: /DAO_KEYS_NOT_NEW/ })
  const before = (await homes.json<Listed>('alice', ['member', 'list'])).members[0]!.id
  const { runCli } = await import('./run-cli.ts')
  t.equal((await runCli(['key', 'rotate', `${homes.path('alice')}/identity.key`])).code, 0)
  t.match(await homes.dao('alice', 'propose', '--title', 't'), { code: 1, stderr: /DAO_NOT_A_MEMBER/ })
  t.match(await homes.dao('alice', 'member', 'rotate'), { code: 0, stdout: /new keys of +alice +\w+ +yes/ })
  t.match(await homes.json<Listed>('alice', ['member', 'list']), { members: [{ id: before, isOwn: true }] })
  const { id } = await homes.json<{ id: string }>('alice', ['propose', '--title', 't'])
  t.equal((await homes.dao('alice', 'vote', id, 'yes')).code, 0)
  const former = homes.path('former')
  mkdirSync(former, { mode: 0o700 })
  const key = `${homes.path('alice')}/identity.key`
  writeFileSync(`${former}/identity.key`, readFileSync(key), { mode: 0o600 })
  t.equal((await runCli(['key', 'rotate', key, '--new-seed'])).code, 0)
  t.match(await homes.dao('alice', 'member', 'rotate'), { code: 1, stderr: /DAO_KEYS_UNKNOWN/ })
  t.match(await homes.dao('alice', 'member', 'rotate', '--former', `${former}/identity.key`), {
    code: 0,
    stdout: / yes/,
  })
})

t.test('keys with a passphrase sign when it is given, and never without', async (t) => {
  const homes = makeHomes(t)
  const { runCli } = await import('./run-cli.ts')
  const home = homes.path('ann')
  mkdirSync(home, { mode: 0o700 })
  const passphrase = homes.path('passphrase')
  writeFileSync(passphrase, 'four random words here\n', { mode: 0o600 })
  const keygen = ['keygen', '--out', home, '--passphrase-file', passphrase, '--scrypt-log-n', '10']
  t.equal((await runCli(keygen)).code, 0)
  const founding = ['init', '--name', 'o', '--as', 'ann'] as const
  t.match(await homes.dao('ann', ...founding), { code: 2, stderr: /KEY_PASSPHRASE_NEEDED/ })
  t.match(await homes.dao('ann', ...founding, '--passphrase-file', passphrase), { code: 0 })
  t.match(await homes.dao('ann', 'propose', '--title', 't'), { code: 2, stderr: /KEY_PASSPHRASE_NEEDED/ })
  t.match(await homes.dao('ann', 'propose', '--title', 't', '--passphrase-file', passphrase), { code: 0 })
  t.match(await homes.dao('ann', 'list'), { code: 0, stdout: /open/ }, 'reading takes no passphrase')
})
