import { spawnSync } from 'node:child_process'

export interface ProcessResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const program = `${import.meta.dirname}/../../bin/x0t.js`

/** Runs `x0t bpf …` as a process of its own. */
export function x0tBpf(...words: readonly string[]): ProcessResult {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, program, 'bpf', ...words],
    { encoding: 'utf8' },
  )
  return { code: status, stdout, stderr }
}

/** The same as a user's shell starts it: what the test runner adds to see which lines ran takes as long as the command. */
export function x0tBpfAsUsers(...words: readonly string[]): ProcessResult {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|_?TAP)/.test(name)))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'bpf', ...words],
    { encoding: 'utf8', env },
  )
  return { code: status, stdout, stderr }
}

/** Runs a program and gives its output. */
export function run(command: string, ...words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** A pair of interfaces, both up. */
export function addVeth(one: string, other: string): void {
  run('ip', 'link', 'add', one, 'type', 'veth', 'peer', 'name', other)
  for (const name of [one, other]) run('ip', 'link', 'set', name, 'up')
}

/** Ids of all programs of the kernel, as bpftool sees them. */
export function programIds(): ReadonlySet<number> {
  const programs = JSON.parse(run('bpftool', '--json', 'prog', 'show')) as readonly { readonly id: number }[]
  return new Set(programs.map(({ id }) => id))
}
