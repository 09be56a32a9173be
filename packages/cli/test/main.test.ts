import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { PassThrough, Readable, Writable } from 'node:stream'
import t from 'tap'
import { X0tError } from '@x0t/core'
import { createProgram, main, type CommandContext } from '../src/main.ts'
import { createOutput, type Streams } from '../src/output.ts'
import { version } from '../src/version.ts'
import { runCli } from './run-cli.ts'

/** Streams that keep what was written to them. */
function collecting(env: Record<string, string> = {}): {
  streams: Streams
  printed: { stdout: string; stderr: string }
} {
  const printed = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        printed[name] += String(chunk)
        done()
      },
    })
  return { streams: { stdin: process.stdin, stdout: sink('stdout'), stderr: sink('stderr'), env }, printed }
}

t.test('help goes to stdout with exit code 0, for the program and each noun', async (t) => {
  for (const argv of [
    ['--help'],
    ['node', '--help'],
    ['help'],
    ['help', 'node', 'start'],
    ['config', '-h'],
  ]) {
    const { code, stdout, stderr } = await runCli(argv)
    t.equal(code, 0, argv.join(' '))
    t.match(stdout, /Usage: x0t/)
    t.equal(stderr, '')
  }
  t.match(await runCli(['--version']), { code: 0, stdout: `${version}\n` })
})

t.test('wrong usage ends with exit code 2 and says so on stderr', async (t) => {
  for (const argv of [
    ['foo'],
    ['node', 'foo'],
    ['node', 'start', '--nope'],
    ['node', 'ban'],
    ['help', 'nope'],
    [],
  ]) {
    const { code, stdout, stderr } = await runCli(argv)
    t.equal(code, 2, argv.join(' '))
    t.equal(stdout, '')
    t.not(stderr, '')
  }
  t.match((await runCli(['nod'])).stderr, /Did you mean node\?/)
})

t.test('the one-line descriptions of --help are those of the commands', async (t) => {
  const context = {} as CommandContext
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const whole = await createProgram({ ...context, streams } as unknown as CommandContext)
  const short = await createProgram({ ...context, streams } as unknown as CommandContext, '')
  t.strictSame(
    short.commands.map((command) => [command.name(), command.description()]),
    whole.commands.map((command) => [command.name(), command.description()]),
  )
})

t.test('every command that does something takes --json', async (t) => {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const program = await createProgram({ streams } as unknown as CommandContext)
  const visit = (command: typeof program): void => {
    if (command.commands.length > 0) command.commands.forEach(visit)
    else
      t.ok(
        command.options.some((option) => option.long === '--json'),
        command.name(),
      )
  }
  visit(program)
})

t.test('--json gives errors as JSON on stderr, with code and hint', async (t) => {
  const { code, stdout, stderr } = await runCli(['node', 'status', '--json', '--home', '/nowhere/x0t'])
  t.equal(code, 4)
  t.equal(stdout, '')
  t.match(JSON.parse(stderr), {
    error: { code: 'NO_DAEMON', message: /no node answers/, hint: 'x0t node start' },
  })
})

t.test('errors show code and hint; faults of x0t their stack where asked for', async (t) => {
  const shown = (error: unknown, env: Record<string, string> = {}): string => {
    const { streams, printed } = collecting(env)
    createOutput(streams, false).error(error)
    return printed.stderr
  }
  t.equal(
    shown(new X0tError('A_CODE', 'went wrong', { hint: 'do this' })),
    'error A_CODE: went wrong\n  hint: do this\n',
  )
  t.equal(shown(new Error('oops')), 'error INTERNAL: oops\n')
  t.match(shown(new Error('oops'), { X0T_DEBUG: '1' }), /main\.test\.ts/)
  t.equal(shown('text'), 'error INTERNAL: text\n')
  t.match(shown(Object.assign(new Error('EACCES'), { syscall: 'open' })), /^error SYSTEM: EACCES/)
})

t.test('results are text or JSON; bytes and big integers become text in JSON', async (t) => {
  const { streams, printed } = collecting()
  createOutput(streams, true).result({ a: 1n, b: new Uint8Array([1]) }, () => 'unused')
  t.strictSame(JSON.parse(printed.stdout), { a: '1', b: 'AQ==' })
  printed.stdout = ''
  createOutput(streams, false).line({ a: 1 }, ({ a }) => `a is ${a}`)
  createOutput(streams, true).line({ a: 1 }, () => 'unused')
  t.equal(printed.stdout, 'a is 1\n{"a":1}\n')
  createOutput(streams, false).warn('careful')
  t.equal(printed.stderr, 'warning: careful\n')
})

t.test('a signal ends a command with 128 + its number', async (t) => {
  const { streams } = collecting()
  const stdin = Readable.from(
    (async function* () {
      process.emit('SIGTERM', 'SIGTERM')
      yield 'no token'
    })(),
  )
  t.equal(await main(['node', 'join', '-', '--home', '/nowhere/x0t'], { ...streams, stdin }), 143)
})

t.test('help errors lists the codes of the packages, or explains one', async (t) => {
  const all = JSON.parse((await runCli(['help', 'errors', '--json'])).stdout) as {
    codes: { code: string; meaning: string }[]
  }
  for (const code of ['NO_DAEMON', 'CONFIG_INVALID', 'TOKEN_MISSING'])
    t.ok(
      all.codes.some((one) => one.code === code),
      code,
    )
  t.ok(all.codes.every(({ code, meaning }) => /^[A-Z0-9_]+$/.test(code) && meaning.length > 10))
  t.match((await runCli(['help', 'errors', 'config_invalid'])).stdout, /^@x0t\/node\n {2}CONFIG_INVALID\n/)
  t.match(await runCli(['help', 'errors', 'NOPE']), { code: 2, stderr: /ERROR_CODE_UNKNOWN/ })
})

t.test('every code that a package throws is in help errors', async (t) => {
  const { codes } = JSON.parse((await runCli(['help', 'errors', '--json'])).stdout) as {
    codes: { code: string }[]
  }
  const known = new Set(codes.map(({ code }) => code))
  const root = `${import.meta.dirname}/../..`
  for (const file of globSync('*/src/**/*.ts', { cwd: root }).filter((path) => !path.startsWith('bench/')))
    for (const [, code] of readFileSync(`${root}/${file}`, 'utf8').matchAll(/X0tError\(\s*'([A-Z0-9_]+)'/g))
      t.ok(known.has(code!), `${code} of ${file}`)
})

t.test('help exit-codes and help config are complete', async (t) => {
  const codes = (await runCli(['help', 'exit-codes'])).stdout
  for (const code of ['0', '1', '2', '3', '4', '128+n'])
    t.match(codes, new RegExp(`^${code.replace('+', '\\+')} `, 'm'))
  t.match((await runCli(['help', 'config'])).stdout, /X0T_PROBE_INTERVAL_MS/)
  const { settings } = JSON.parse((await runCli(['help', 'config', '--json'])).stdout) as {
    settings: { key: string }[]
  }
  t.ok(settings.some(({ key }) => key === 'network.listen'))
})

t.test('the program flushes what it printed and passes the exit code on', async (t) => {
  const program = `${import.meta.dirname}/../bin/x0t.js`
  const help = spawnSync(process.execPath, [...process.execArgv, program, 'help', 'errors'], {
    encoding: 'utf8',
  })
  t.equal(help.status, 0)
  t.match(help.stdout, /NO_DAEMON/)
  t.equal(spawnSync(process.execPath, [program, 'nope']).status, 2)
})
