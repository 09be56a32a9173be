import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { completedCommands, type CompletedCommand } from '../src/completion/command-tree.ts'
import { createProgram, type CommandContext } from '../src/main.ts'
import { runCli } from './run-cli.ts'

async function commands(): Promise<readonly CompletedCommand[]> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  return completedCommands(await createProgram({ streams } as unknown as CommandContext))
}

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

t.test('each script names every command and every long option', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runCli(['completion', shell])
    t.equal(code, 0)
    for (const { path, options } of await commands()) {
      t.ok(stdout.includes(`'${path}'`) || stdout.includes(`'${path}\\'`), `${shell}: ${path}`)
      for (const flag of options.flatMap(({ flags }) => flags).filter((one) => one.startsWith('--')))
        t.ok(stdout.includes(shell === 'fish' ? `-l ${flag.slice(2)}` : flag), `${shell}: ${path} ${flag}`)
    }
  }
  t.match(await runCli(['completion', 'tcsh']), { code: 2 })
})

t.test('hidden options are not offered', async (t) => {
  t.notMatch((await runCli(['completion', 'bash'])).stdout, /report-ready/)
})

t.test(
  'bash completes nouns, verbs, options and their choices',
  { skip: has('bash') ? false : 'no bash' },
  async (t) => {
    const script = `${t.testdir({})}/x0t.bash`
    writeFileSync(script, (await runCli(['completion', 'bash'])).stdout)
    const complete = (...words: string[]): string[] => {
      const quoted = words.map((word) => `'${word}'`).join(' ')
      const { stdout, stderr } = spawnSync(
        'bash',
        [
          '-c',
          `. "$0"; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _x0t; printf '%s\\n' "\${COMPREPLY[@]}"`,
          script,
        ],
        { encoding: 'utf8' },
      )
      t.equal(stderr, '')
      return stdout.trim().split('\n').toSorted()
    }
    t.strictSame(complete('x0t', 'nod'), ['node'])
    t.strictSame(complete('x0t', 'node', 'un'), ['unban'])
    t.strictSame(
      complete('x0t', 'node', 'tokens', ''),
      ['list', 'revoke'].toSorted().concat(['-h', '--help']).toSorted(),
    )
    t.strictSame(complete('x0t', 'node', 'start', '--det'), ['--detach'])
    t.strictSame(complete('x0t', 'node', 'start', '--carrier', ''), ['auto', 'tls', 'udp'])
    t.strictSame(
      complete('x0t', 'node', '--home', '/tmp', 'st').filter((word) => word !== ''),
      ['start', 'status', 'stop'],
    )
  },
)

for (const shell of ['zsh', 'fish'] as const) {
  t.test(`${shell} accepts its script`, { skip: has(shell) ? false : `no ${shell}` }, async (t) => {
    const script = `${t.testdir({})}/script`
    writeFileSync(script, (await runCli(['completion', shell])).stdout)
    t.match(spawnSync(shell, ['-n', script], { encoding: 'utf8' }), { status: 0, stderr: '' })
  })
}
