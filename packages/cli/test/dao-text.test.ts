import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { defaultRules, rulesOfMethod, type Ballot, type Choice, type Method, type Rules } from '@x0t/dao'
import { createIdentity, generateMasterSeed, newIdentityRecord, publicIdentityFile } from '@x0t/keys'
import { ballotSyntax, ballotWords, readBallotText } from '../src/commands/dao/ballot-text.ts'
import { findChoice, parseChoice, usualChoices } from '../src/commands/dao/choice-text.ts'
import { readCard } from '../src/commands/dao/founding-members.ts'
import { readMemberList } from '../src/commands/dao/member-list-file.ts'
import { publishedRoot } from '../src/commands/dao/published-root.ts'
import { rulesOf } from '../src/commands/dao/rules-options.ts'
import {
  parseBudget,
  parseQuorum,
  parseShare,
  parseSupport,
  quorumWords,
  supportWords,
} from '../src/commands/dao/rules-text.ts'
import { formatTokens, parseTokens } from '../src/commands/dao/token-amount.ts'

const motion: Rules = defaultRules
const cities: readonly Choice[] = ['Oslo', 'Ostrava', 'Rome'].map((label) => ({ label, role: 'option' }))
const rulesFor = (method: Method): Rules => rulesOfMethod(method, 'plurality')

t.test('tokens are read and written exactly, up to the last unit below 2^256', async (t) => {
  t.equal(parseTokens('12.5', 2), '1250')
  t.equal(parseTokens('0', 0), '0')
  t.equal(parseTokens('0.01', 2), '1')
  const largest = String(2n ** 256n - 1n)
  t.equal(parseTokens(largest, 0), largest)
  for (const [text, decimals] of [
    [String(2n ** 256n), 0],
    ['1'.repeat(200), 0],
    ['-1', 0],
    ['+1', 0],
    ['1e3', 0],
    ['01', 0],
    ['1.', 2],
    ['.5', 2],
    ['1.234', 2],
    ['1.5', 0],
    ['', 0],
    ['0x10', 0],
    [' 1', 0],
  ] as const)
    t.throws(() => parseTokens(text, decimals), RangeError, `${text} with ${decimals} decimals`)
  t.equal(formatTokens('1250', 2), '12.5')
  t.equal(formatTokens('5', 2, 'APPLE'), '0.05 APPLE')
  t.equal(formatTokens('1234567', 0, 'V'), '1 234 567 V')
  t.equal(formatTokens('100', 2), '1')
})

t.test('a choice is found by number, label or the beginning of one label', async (t) => {
  t.equal(findChoice('2', cities), 1)
  t.equal(findChoice('rome', cities), 2)
  t.equal(findChoice('R', cities), 2)
  t.throws(() => findChoice('os', cities), { code: 'DAO_CHOICE_UNKNOWN', message: /fits 2 choices/ })
  for (const word of ['', '0', '4', '-1', '1.0', 'Paris'])
    t.throws(() => findChoice(word, cities), { code: 'DAO_CHOICE_UNKNOWN', exitCode: 2 }, word)
  const numbers: readonly Choice[] = ['2', '1', '7'].map((label) => ({ label, role: 'option' }))
  t.throws(() => findChoice('1', numbers), { message: /number of one choice and the label of another/ })
  t.equal(findChoice('7', numbers), 2)
})

t.test('a label may hold a colon: only a role after the last one is a role', async (t) => {
  t.same(parseChoice('yes:for'), { label: 'yes', role: 'for' })
  t.same(parseChoice('Plan B: wait'), { label: 'Plan B: wait', role: 'option' })
  t.same(parseChoice('Plan: B:against'), { label: 'Plan: B', role: 'against' })
  t.same(parseChoice(':for'), { label: ':for', role: 'option' })
})

t.test('each kind of ballot is written as its method needs it', async (t) => {
  const read = (text: string, method: Method): Ballot => readBallotText(text, cities, rulesFor(method))
  t.same(readBallotText('ye', usualChoices, motion), { kind: 'single', choice: 0 })
  t.same(read('Rome', 'linear'), { kind: 'single', choice: 2 })
  t.same(read('3=0.5,1=0.5', 'weighted'), {
    kind: 'shares',
    shares: [
      [0, '0.5'],
      [2, '0.5'],
    ],
  })
  t.same(read('rome', 'quadratic-funding'), { kind: 'single', choice: 2 })
  t.same(read('rome=-1,oslo=3', 'quadratic-credits'), {
    kind: 'credits',
    votes: [
      [0, '3'],
      [2, '-1'],
    ],
  })
  t.same(read('3,1', 'approval'), { kind: 'approval', choices: [0, 2] })
  t.same(read('2', 'approval'), { kind: 'approval', choices: [1] })
  t.same(read('2>1>3', 'ranked-choice'), { kind: 'ranking', ranking: [1, 0, 2] })
  t.same(read('rome', 'ranked-choice'), { kind: 'ranking', ranking: [2] })
  const odd: readonly Choice[] = ['a=b', 'x,y', 'p>q'].map((label) => ({ label, role: 'option' }))
  t.same(readBallotText('x,y', odd, rulesFor('approval')), { kind: 'approval', choices: [1] })
})

t.test('a ballot that its method cannot take is refused with the way to write it', async (t) => {
  for (const [text, method] of [
    ['1,2', 'linear'],
    ['1>2', 'linear'],
    ['rome', 'quadratic-credits'],
    ['rome=1.5', 'quadratic-credits'],
    ['rome=', 'quadratic-credits'],
    ['=3', 'quadratic-credits'],
    ['rome=01', 'quadratic-credits'],
    ['1=1', 'approval'],
    ['1,2', 'ranked-choice'],
    ['1>1', 'ranked-choice'],
    ['1=1,1=2', 'weighted'],
    ['1=-1', 'weighted'],
    ['1=1e3', 'weighted'],
  ] as const)
    t.throws(
      () => readBallotText(text, cities, rulesFor(method)),
      { code: 'DAO_BALLOT_UNREADABLE', hint: ballotSyntax(rulesFor(method)), exitCode: 2 },
      `${text} for ${method}`,
    )
  t.match(ballotSyntax({ ...motion, split: 'linear' }), /shares/)
})

t.test('a ballot is shown with the labels', async (t) => {
  t.equal(ballotWords({ kind: 'single', choice: 1 }, usualChoices), 'no')
  t.equal(ballotWords({ kind: 'approval', choices: [] }, cities), 'none')
  t.equal(ballotWords({ kind: 'approval', choices: [0, 2] }, cities), 'Oslo, Rome')
  t.equal(ballotWords({ kind: 'ranking', ranking: [1, 0] }, cities), 'Ostrava > Oslo')
  t.equal(ballotWords({ kind: 'credits', votes: [[9, '-2']] }, cities), 'choice 10 -2')
})

t.test('a quorum always says of what', async (t) => {
  const options = { decides: 'support', tokens: (text: string) => parseTokens(text, 2) } as const
  const every = ['abstain', 'against', 'for']
  t.same(parseQuorum('1/2:weight', options), { unit: 'weight', counts: every, share: '1/2' })
  t.same(parseQuorum('20%:tokens:for+abstain', options), {
    unit: 'tokens',
    counts: ['abstain', 'for'],
    share: '20/100',
  })
  t.same(parseQuorum('1.5:tokens', options), { unit: 'tokens', counts: every, amount: '150' })
  t.same(parseQuorum('3:members', { ...options, decides: 'plurality' }), {
    unit: 'members',
    counts: ['abstain', 'option'],
    amount: '3',
  })
  t.equal(parseQuorum('none', options), null)
  for (const text of [
    '1/2',
    '',
    '1/2:votes',
    '1/0:weight',
    '3/2:weight',
    '101%:weight',
    '1/2:weight:all',
    '1:members:for:x',
    '-1:members',
    '1.5:members',
  ])
    t.throws(() => parseQuorum(text, options), RangeError, text)
  const tokens = (amount: string): string => formatTokens(amount, 2, 'APPLE')
  const words = (text: string): string =>
    quorumWords({ decides: 'support', quorum: parseQuorum(text, options) }, tokens)
  t.equal(
    words('1/2:weight'),
    "at least 1/2 of the electorate's weight (sum of roots); every ballot counts towards it, abstentions too",
  )
  t.equal(words('1.5:tokens:for'), 'at least 1.5 APPLE; counted are ballots for')
  t.equal(words('3:members'), 'at least 3 members; every ballot counts towards it, abstentions too')
  t.equal(words('none'), 'none')
  t.match(
    quorumWords(
      { decides: 'support', quorum: { unit: 'tokens', counts: ['for'], share: '4/100', roundsDown: true } },
      tokens,
    ),
    /rounded down/,
  )
})

t.test('support is more than its share, or as much where that is said', async (t) => {
  t.same(parseSupport('1/2:cast'), { threshold: '1/2', isStrict: true, base: 'cast' })
  t.same(parseSupport('>1/2:cast'), { threshold: '1/2', isStrict: true, base: 'cast' })
  t.same(parseSupport('>=2/3:for+against'), { threshold: '2/3', isStrict: false, base: 'for+against' })
  for (const text of ['1/2', '1/2:all', '<1/2:cast', '2:cast', 'none'])
    t.throws(() => parseSupport(text), RangeError, text)
  t.equal(supportWords(null), 'none')
  t.equal(
    supportWords(parseSupport('1/2:cast')),
    'for has more than 1/2 of all that was cast, abstentions too',
  )
  t.equal(supportWords(parseSupport('>=2/3:for+against')), 'for has at least 2/3 of for and against')
  t.equal(parseShare('007/010'), '7/10')
  t.same(parseBudget('balance'), { kind: 'balance' })
  t.same(parseBudget('100'), { kind: 'fixed', credits: '100' })
  for (const text of ['0', '-1', '1.5', 'all']) t.throws(() => parseBudget(text), RangeError, text)
})

t.test('flags change the rules of the DAO, and nothing of another method is left in them', async (t) => {
  const motionChoices = { choices: usualChoices, tokenDecimals: 0 }
  t.match(await rulesOf({}, motion, motionChoices), { method: 'quadratic-weight', decides: 'support' })
  const which = await rulesOf({}, motion, { choices: cities, tokenDecimals: 0 })
  t.match(which, { decides: 'plurality', support: null, quorum: { counts: ['abstain', 'option'] } })
  const credits = await rulesOf({ method: 'quadratic-credits', credits: '99' }, motion, motionChoices)
  t.match(credits, { budget: { kind: 'fixed', credits: '99' }, support: { threshold: '1/2' } })
  t.match(await rulesOf({ method: 'linear' }, credits, motionChoices), { budget: null })
  t.match(await rulesOf({ method: 'approval' }, motion, { choices: cities, tokenDecimals: 0 }), {
    decides: 'plurality',
  })
  t.match(
    await rulesOf(
      { lateQuorum: '2h', decimals: '3', closesEarly: true, support: '>=3/4:cast', split: 'linear' },
      motion,
      motionChoices,
    ),
    {
      lateQuorumMs: 7_200_000,
      decimals: 3,
      closesEarly: true,
      split: 'linear',
      support: { isStrict: false },
    },
  )
  t.match(await rulesOf({ quorum: 'none' }, { ...motion, lateQuorumMs: 5 }, motionChoices), {
    quorum: null,
    lateQuorumMs: null,
  })
  t.match(await rulesOf({ lateQuorum: 'none' }, { ...motion, lateQuorumMs: 5 }, motionChoices), {
    lateQuorumMs: null,
  })
  t.match(await rulesOf({ preset: 'aragon' }, motion, motionChoices), { method: 'linear' })
  const refused = async (options: object, code: string): Promise<unknown> =>
    t.rejects(rulesOf(options, motion, motionChoices), { code, exitCode: 2 }, JSON.stringify(options))
  await refused({ preset: 'nobody' }, 'DAO_PRESET_UNKNOWN')
  await refused({ decimals: '1.5' }, 'USAGE')
  await refused({ quorum: '1/2' }, 'USAGE')
  await refused({ credits: '99' }, 'DAO_RULES_INVALID')
  await refused({ method: 'linear', split: 'linear' }, 'DAO_RULES_INVALID')
})

t.test('a root is published rounded down', async (t) => {
  // √2 = 1.41421356…, √(9/2) = 2.1213203…
  t.equal(publishedRoot(2n, 3), '1.414')
  t.equal(publishedRoot(9n, 4, 2n), '2.1213')
  t.equal(publishedRoot(25n, 3), '5.000')
})

t.test('a list of members is read whole: every line that does not hold is named', async (t) => {
  const folder = t.testdir()
  const card = (name: string): string => {
    const seed = generateMasterSeed()
    writeFileSync(join(folder, `${name}.pub`), publicIdentityFile(newIdentityRecord(name, seed)))
    return createIdentity(seed).nodeId
  }
  const [ann, ben] = [card('ann'), card('ben')]
  const options = { tokenDecimals: 1, balance: '10', readIdentity: readCard }
  const path = join(folder, 'list.csv')
  const read = async (text: string): ReturnType<typeof readMemberList> => readMemberList(path, text, options)
  const good = await read(`file,name,id,balance\nann.pub,"Ann, of the lake",${ann},2.5\nben.pub,,,\n`)
  t.same(good.problems, [])
  t.match(good.members, [
    { line: 2, name: 'Ann, of the lake', balance: '25', identity: { nodeId: ann } },
    { line: 3, name: 'ben', balance: '10', identity: { nodeId: ben } },
  ])
  const bad = await read(
    `file,id,balance\nann.pub,${ben},1\nben.pub,,1.25\n,,1\nann.pub,,1\nann.pub,,2\nlist.csv,,1\n`,
  )
  t.equal(bad.members.length, 1)
  t.match(bad.problems, [
    /^line 2: the keys in ann\.pub belong to/,
    /^line 3: balance "1\.25": expected a number of tokens/,
    /^line 4: no file/,
    /^line 6: the same member as on line 5/,
    /^line 7: /,
  ])
  t.match(await read(`file,weight\nann.pub,3\n`), { problems: [/"weight" is no field/] })
  const json = await read(JSON.stringify([{ file: 'ann.pub', balance: '3' }]))
  t.match(json, { members: [{ line: 1, balance: '30' }], problems: [] })
  for (const text of ['[1]', '[{"file":1}]', '[', '["a"]', 'file,name\n"ann', 'file\na,b,c\n'])
    await t.rejects(read(text), { code: 'DAO_LIST_UNREADABLE', exitCode: 2 }, text)
  await t.rejects(read(`file\n${'x\n'.repeat(10_001)}`), { message: /more than 10000 lines/ })
})
