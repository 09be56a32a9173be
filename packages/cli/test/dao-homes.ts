import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli, type CliResult } from './run-cli.ts'

interface Teardown {
  teardown(run: () => void): void
}

/** Homes of members on machines that have no daemon, and files that are carried between them. */
export interface Homes {
  readonly folder: string
  path(name: string): string
  /** `x0t dao …` in the home of this name. */
  dao(home: string, ...words: readonly string[]): Promise<CliResult>
  /** The same with --json; throws unless the exit code is `code`. */
  json<T = Record<string, unknown>>(home: string, words: readonly string[], code?: number): Promise<T>
  /** Makes keys for a member; the path of its card. */
  card(name: string): Promise<string>
  /** Carries all records from one home to another. */
  carry(from: string, to: string): Promise<void>
}

export function makeHomes(t: Teardown): Homes {
  const folder = mkdtempSync(`${tmpdir()}/x0t-`)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string): string => join(folder, name)
  const dao: Homes['dao'] = (home, ...words) => runCli(['dao', ...words, '--home', path(home)])
  return {
    folder,
    path,
    dao,
    async json<T>(home: string, words: readonly string[], code = 0): Promise<T> {
      const result = await dao(home, ...words, '--json')
      if (result.code !== code)
        throw new Error(`dao ${words.join(' ')}: exit code ${result.code}\n${result.stderr}${result.stdout}`)
      return JSON.parse(result.stdout) as T
    },
    async card(name) {
      const file = path(`${name}.pub`)
      const { code, stderr } = await dao(name, 'member', 'card', '--name', name, '--out', file, '--force')
      if (code !== 0) throw new Error(stderr)
      return file
    },
    async carry(from, to) {
      const file = path('carried.x0t')
      for (const [home, words] of [
        [from, ['export', file, '--force']],
        [to, ['import', file]],
      ] as const) {
        const { code, stderr } = await dao(home, ...words)
        if (code !== 0) throw new Error(stderr)
      }
    },
  }
}
