import { writeFileSync } from 'node:fs'
import t from 'tap'
import { collectErrorCodes } from '../src/commands/help/error-codes.ts'
import { fakeDaemon } from './fake-daemon.ts'
import { makeHomes } from './dao-homes.ts'
import { runCli } from './run-cli.ts'

t.test('an election of another system is counted without a home', async (t) => {
  const file = `${t.testdir()}/e.json`
  const election = {
    rules: 'snapshot-quadratic',
    choices: ['X', 'Y'],
    ballots: [
      { balance: '25', ballot: 'X' },
      { balance: '16', ballot: 'Y' },
      { balance: '9', ballot: 'Y' },
    ],
  }
  writeFileSync(file, JSON.stringify(election))
  // (√25)² = 25 against (√16 + √9)² = 49: 49/74 = 66.21 %
  const counted = await runCli(['dao', 'count', file, '--bytes', `${file}.bytes`])
  t.match(counted, { code: 0, stdout: /outcome +passed: Y[^]*\* +Y +33\.108108108 +66\.21 %/ })
  writeFileSync(
    file,
    JSON.stringify({
      ...election,
      rules: 'snapshot-ranked-choice',
      ballots: [{ balance: '3', ballot: ['Y', 'X'] }],
    }),
  )
  t.match(await runCli(['dao', 'count', file]), { code: 0, stdout: /ROUND 1/ })
  writeFileSync(file, '{')
  t.match(await runCli(['dao', 'count', file]), { code: 2, stderr: /DAO_ELECTION_UNREADABLE/ })
  writeFileSync(file, '{"rules":"nobody"}')
  t.match(await runCli(['dao', 'count', file]), { code: 2, stderr: /DAO_PRESET_UNKNOWN/ })
})

t.test('execution asks the running node: exit code 4 without, a dry run needs none', async (t) => {
  const homes = makeHomes(t)
  await homes.json('a', ['init', '--name', 'o', '--as', 'a'])
  const action = 'update_threshold:thresholds.loss_percent=8'
  const { id } = await homes.json<{ id: string }>('a', ['propose', '--title', 't', '--action', action])
  t.match(await homes.dao('a', 'execute', id), { code: 4, stderr: /NO_DAEMON/ })
  t.match(await homes.dao('a', 'execute', id, '--dry-run'), {
    code: 0,
    stdout: /loss_percent to 8 +not-passed/,
  })
  t.match((await homes.dao('a', 'show', id)).stdout, /loss_percent to 8[^]*timelock +1d after/)
  const plain = await homes.json<{ id: string }>('a', ['propose', '--title', 'u'])
  t.match(await homes.dao('a', 'execute', plain.id), { code: 1, stderr: /DAO_NO_ACTIONS/ })
  const asked: unknown[] = []
  let synced = 0
  await using daemon = await fakeDaemon(`${homes.path('a')}/x0t.sock`, {
    daoSync() {
      synced++
      return { dao: null, problem: null }
    },
    daoExecute(request) {
      asked.push(request)
      const what = 'set it'
      return {
        proposal: request.proposal,
        actions: [
          {
            action: 0,
            what,
            stage: 'executed',
            untilMs: null,
            detail: '',
            from: '5',
            to: '8',
            takesEffect: 'live',
          },
        ],
      }
    },
  })
  void daemon
  t.match(await homes.dao('a', 'execute', id), { code: 0, stdout: /executed +5 → 8/ })
  t.same(asked, [{ proposal: id }])
  t.match(await homes.dao('a', 'vote', id, 'yes'), { code: 0, stderr: '' })
  t.equal(synced, 1, 'a running node is told of a new record')
})

t.test('a proposal is shown with every rule before anything is signed', async (t) => {
  const homes = makeHomes(t)
  await homes.json('a', ['init', '--name', 'o', '--as', 'a'])
  const text = homes.path('why.md')
  writeFileSync(text, 'Because.\nTwice.\n')
  const dry = await homes.dao(
    'a',
    'propose',
    '--title',
    't',
    '--text-file',
    text,
    '--dry-run',
    '--late-quorum',
    '1h',
    '--tiebreak',
    'none',
  )
  t.match(dry, {
    code: 0,
    stdout: /not signed yet[^]*Because\.\nTwice\.[^]*late quorum +reached in the last 1h/,
  })
  t.match(await homes.dao('a', 'list'), { code: 0, stdout: /no proposals/ })
  const refused = async (words: readonly string[], code: string): Promise<unknown> =>
    t.match(
      await homes.dao('a', 'propose', '--title', 't', ...words),
      { code: 2, stderr: new RegExp(`error ${code}`) },
      words.join(' '),
    )
  await refused(['--text', 'x', '--text-file', text], 'USAGE')
  await refused(['--text-file', homes.path('none')], 'DAO_TEXT_UNREADABLE')
  await refused(['--opens', 'tomorrow'], 'USAGE')
  await refused(['--action', 'reboot:all'], 'DAO_ACTION_INVALID')
  await refused(['--action', 'update_threshold:thresholds.loss_percent=99'], 'DAO_ACTION_OUT_OF_BOUNDS')
  await refused(['--choice', 'one'], 'DAO_CHOICES_INVALID')
  await refused(['--action', 'ban_node:nobody'], 'DAO_MEMBER_UNKNOWN')
  t.match(await homes.dao('a', 'propose', '--title', 't', '--voting', '1h'), {
    code: 1,
    stderr: /DAO_TIMES_INVALID/,
  })
  t.match(await homes.dao('a', 'list', '--state', 'open'), { code: 0, stdout: /no proposals/ })
})

t.test('watching gives one document a line: what stands, then what comes', async (t) => {
  const homes = makeHomes(t)
  await homes.json('a', ['init', '--name', 'o', '--as', 'a'])
  const { id } = await homes.json<{ id: string }>('a', ['propose', '--title', 't'])
  const watching = homes.dao('a', 'watch', '--for', '3s', '--json')
  await new Promise((resolve) => setTimeout(resolve, 800))
  await homes.dao('a', 'vote', id, 'yes')
  const lines = (await watching).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(lines[0], { event: 'proposal', id, voices: 0 })
  t.ok(lines.some(({ event, kind }) => event === 'record' && kind === 'vote'))
  t.ok(lines.some(({ event, voices }) => event === 'proposal' && voices === 1))
  t.match(await homes.dao('a', 'watch', '--for', '50ms'), { code: 0, stdout: /open +1 of 1 +yes 1/ })
  t.match(await homes.dao('a', 'watch', '--for', 'ever'), { code: 2 })
})

t.test('every code that the commands throw is explained in x0t help errors', async (t) => {
  const codes = new Set((await collectErrorCodes()).map(({ code }) => code))
  const { globSync, readFileSync } = await import('node:fs')
  for (const file of globSync(`${import.meta.dirname}/../src/commands/dao/*.ts`))
    for (const [, code = ''] of readFileSync(file, 'utf8').matchAll(/'(DAO_[A-Z_]+)'/g))
      t.ok(codes.has(code), code)
})
