import { readFile } from 'node:fs/promises'
import { messageOf, X0tError, type Log } from '@x0t/core'
import { createMemoryKnowledge, defaultPolicy, openKnowledge, type Knowledge, type Policy } from '@x0t/mape-k'
import type { NodeConfig } from '../config/index.ts'
import type { Home } from '../home.ts'
import { parsePolicyFile } from './policy-file.ts'

/**
 * The policy that the configuration names, or the built-in one.
 * @throws X0tError POLICY_FILE_UNREADABLE, HEALING_POLICY_INVALID
 */
export async function loadPolicy({ healing }: Pick<NodeConfig, 'healing'>): Promise<Policy> {
  if (healing.policyFile === '') return defaultPolicy
  let text: string
  try {
    text = await readFile(healing.policyFile, 'utf8')
  } catch (error) {
    throw new X0tError('POLICY_FILE_UNREADABLE', `cannot read ${healing.policyFile}: ${messageOf(error)}`, {
      cause: error,
      hint: 'set healing.policy_file to a file that is there, or leave it out',
    })
  }
  return parsePolicyFile(text)
}

/** The history of healing in the home. A damaged one must not keep the node down: then it lasts until the next start. */
export function openHistory(home: Home, { healing }: Pick<NodeConfig, 'healing'>, log: Log): Knowledge {
  const limits = { maxAgeMs: healing.historyDays * 86_400_000 }
  try {
    return openKnowledge(home.healingFile, { log, limits })
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    log.error('healing-history-unusable', { code: error.code, reason: error.message, hint: error.hint })
    return createMemoryKnowledge(limits)
  }
}
