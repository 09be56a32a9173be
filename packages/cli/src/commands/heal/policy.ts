import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { messageOf, X0tError } from '@x0t/core'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerPolicy(heal: Command, context: CommandContext): void {
  const policy = heal
    .command('policy')
    .description('what the loop may do and when: each value, its bounds, its origin')
  withHome(policy.command('show', { isDefault: true }).description('show the policy in force')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const current = await daemon.healPolicy(undefined, { signal: context.signal })
      const { healPolicyView } = await import('../../views/heal.ts')
      context.output().result(current, healPolicyView)
    },
  )
  policy
    .command('check')
    .argument('<file>', 'policy in TOML: [thresholds], [limits], [actions.NAME], [plans]')
    .description('say whether a policy file holds; exit code 3 if not')
    .action(async (file: string) => {
      const { parsePolicyFile } = await import('@x0t/node/healing-policy')
      let problem: string | null = null
      const text = await readPolicyText(file)
      try {
        parsePolicyFile(text)
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        problem = error.message
      }
      context.output().result({ file, problem }, () => problem ?? `${file}: the policy holds`)
      if (problem !== null) context.exitCode(exitCodes.wanting)
    })
  withHome(
    policy
      .command('apply')
      .argument('<file>', 'policy in TOML')
      .description(
        'let the running node use a policy until it is started again; one that raises alarms is taken back',
      ),
  ).action(async (file: string, options: HomeOption) => {
    const text = await readPolicyText(file)
    const daemon = await openDaemon(options, context)
    const current = await daemon.setHealPolicy({ text }, { signal: context.signal })
    const { healPolicyView } = await import('../../views/heal.ts')
    context.output().result(current, healPolicyView)
  })
}

/** @throws X0tError POLICY_FILE_UNREADABLE */
async function readPolicyText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new X0tError('POLICY_FILE_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    })
  }
}
