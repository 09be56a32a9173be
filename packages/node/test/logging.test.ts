import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import t from 'tap'
import { X0tError } from '@x0t/core'
import { createLog, loggable, openLogFile, redactedNames, textLine, type LogLevel } from '@x0t/node/logging'

const wallMs = (): number => Date.parse('2026-01-02T03:04:05.678Z')

function collect(format: 'json' | 'text', level: LogLevel = 'debug', colour = false) {
  const lines: string[] = []
  const log = createLog({ format, level, colour, wallMs, stream: { write: (line) => lines.push(line) } })
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

t.test('a JSON line holds level, time, event and the fields', async (t) => {
  const { log, records, lines } = collect('json')
  log.info('neighbour-up', { peer: 'abc', rttMs: 0.5 })
  t.strictSame(records(), [
    { level: 'info', time: '2026-01-02T03:04:05.678Z', peer: 'abc', rttMs: 0.5, event: 'neighbour-up' },
  ])
  t.ok(lines[0]!.endsWith('\n'))
})

t.test('what is below the level is dropped, and the level can be changed', async (t) => {
  const { log, lines } = collect('json', 'warn')
  log.debug('a')
  log.info('a')
  log.warn('b')
  log.error('c')
  t.equal(lines.length, 2)
  t.equal(log.level(), 'warn')
  log.setLevel('debug')
  log.debug('d')
  t.equal(lines.length, 3)
})

t.test('a field of the name of a part of the record does not replace it', async (t) => {
  const { log, records } = collect('json')
  log.info('real', { event: 'forged', level: 'error', time: 1 })
  t.match(records()[0], { event: 'real', level: 'info', event_: 'forged', level_: 'error', time_: 1 })
})

t.test('no secret reaches a line, by whatever name of the list, at any depth', async (t) => {
  const { log, lines } = collect('json')
  for (const name of redactedNames)
    log.info('x', { [name]: 'S3cr3t', deep: [{ [name.toUpperCase()]: 'S3cr3t' }] })
  log.info('x', { private_key: 'S3cr3t', 'join-token': 'S3cr3t', map: new Map([['seed', 'S3cr3t']]) })
  log.info('x', { bytes: Buffer.from('S3cr3t'), buffer: new ArrayBuffer(6), view: new Uint16Array(3) })
  t.notMatch(lines.join(''), /S3cr3t|UzNjcjN0|83,51/)
  t.match(lines.at(-1), /"\[6 bytes\]"/)
})

t.test('tokens and private keys inside of texts are cut out', async (t) => {
  const token = `x0t1${'ab2'.repeat(40)}`
  const pem = `-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----`
  const { privateKey } = generateKeyPairSync('ed25519')
  const shown = JSON.stringify(
    loggable({
      a: `joined with ${token}.`,
      b: `${pem} after`,
      c: 'AGE-SECRET-KEY-1QQQ',
      d: privateKey,
      e: new Error(token),
    }),
  )
  t.notMatch(shown, /ab2ab2|SECRET|1QQQ/)
  t.match(shown, /joined with \[redacted\]\./)
  t.match(shown, /after/)
  t.match(shown, /"d":"\[redacted\]"/)
  t.match(loggable({ a: 'x0t1' }), { a: 'x0t1' })
})

t.test('errors show code, message, hint and cause; only unforeseen ones a stack', async (t) => {
  const cause = new Error('disk is full')
  const error = new X0tError('KEY_NOT_SAVED', 'cannot save', { hint: 'make room', cause })
  const shown = loggable({ error })['error'] as Record<string, unknown>
  t.match(shown, {
    code: 'KEY_NOT_SAVED',
    message: 'cannot save',
    hint: 'make room',
    cause: { message: 'disk is full' },
  })
  t.notOk('stack' in shown)
  t.type((shown['cause'] as { stack: unknown }).stack, 'string')
  t.match(loggable({ error: Object.assign(new Error('x'), { code: 1 }) }), { error: { message: 'x' } })
})

t.test('values that JSON does not know, and endless ones, are still logged', async (t) => {
  const endless: Record<string, unknown> = {}
  endless['self'] = endless
  const shown = loggable({
    big: 1n,
    none: null,
    undefined,
    date: new Date(0),
    wrong: new Date(NaN),
    set: new Set([1]),
    call: () => 1,
    symbol: Symbol('x'),
    endless,
    long: 'x'.repeat(3000),
    list: Array.from({ length: 100 }, () => 0),
  })
  t.match(shown, {
    big: '1',
    none: null,
    date: '1970-01-01T00:00:00.000Z',
    wrong: null,
    set: [1],
    call: '[function]',
  })
  t.match(shown, { symbol: '[symbol]' })
  t.notOk('undefined' in shown)
  t.match(JSON.stringify(shown['endless']), /\[deep\]/)
  t.equal((shown['long'] as string).length, 2001)
  t.equal((shown['list'] as unknown[]).length, 64)
})

t.test('a text line is for people: time, level, event, fields', async (t) => {
  const { log, lines } = collect('text')
  log.warn('link-down', { peer: 'abc', why: 'no answer', count: 3, nothing: null })
  t.equal(
    lines[0],
    `03:04:05.678 WARN  link-down${' '.repeat(15)} peer=abc why="no answer" count=3 nothing=null\n`,
  )
  log.info('up')
  t.equal(lines[1], '03:04:05.678 INFO  up\n')
})

t.test('colour is there only where it is asked for', async (t) => {
  const plain = collect('text')
  plain.log.error('x', { a: 1 })
  t.notOk(plain.lines[0]!.includes('\u001b'))
  const coloured = collect('text', 'debug', true)
  coloured.log.error('x', { a: 1 })
  t.ok(coloured.lines[0]!.includes('\u001b[31mERROR'))
  t.match(textLine({ level: 'other', time: '', event: 'x' }, { colour: true }), /OTHER/)
})

t.test('a name chosen by a peer cannot steer the terminal', async (t) => {
  const { log, lines } = collect('text')
  log.info('peer\u001b[2J', { 'na\u0007me': '\u001b]0;owned\u0007', other: ['\u202egnp'] })
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  t.notMatch(lines[0]!.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u202e]/)
})

t.test('a log file is private, is appended to, and is put aside at its limit', async (t) => {
  const path = `${t.testdir({})}/node.log`
  {
    using file = openLogFile(path, 20)
    file.write('0123456789\n')
  }
  using file = openLogFile(path, 20)
  t.equal(statSync(path).mode & 0o777, 0o600)
  file.write('01234567\n')
  t.equal(readFileSync(path, 'utf8'), '0123456789\n01234567\n')
  file.write('next\n')
  t.equal(readFileSync(path, 'utf8'), 'next\n')
  t.equal(readFileSync(`${path}.1`, 'utf8'), '0123456789\n01234567\n')
  file.write('a line longer than the limit of the file\n')
  t.equal(readFileSync(`${path}.1`, 'utf8'), 'next\n')
})
