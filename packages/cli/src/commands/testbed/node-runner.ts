import { fileURLToPath } from 'node:url'
import { X0tError } from '@x0t/core'
import type { RunnerSpec } from '@x0t/testbed'

/**
 * Runs real nodes by the command that runs this process.
 * @param assignments settings of the nodes, `section.key=value`
 * @throws X0tError USAGE if one has no `=`
 */
export function nodeRunner(assignments: readonly string[]): Extract<RunnerSpec, { kind: 'x0t' }> {
  const program = fileURLToPath(new URL('../../../bin/x0t.js', import.meta.url))
  const settings = Object.fromEntries(assignments.map(settingOf))
  return { kind: 'x0t', command: [process.execPath, ...process.execArgv, program], settings }
}

function settingOf(assignment: string): [string, string] {
  const at = assignment.indexOf('=')
  if (at >= 1) return [assignment.slice(0, at).trim(), assignment.slice(at + 1).trim()]
  throw new X0tError('USAGE', `--set takes section.key=value, not ${JSON.stringify(assignment)}`, {
    exitCode: 2,
  })
}
