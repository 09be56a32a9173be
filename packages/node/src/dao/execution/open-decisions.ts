import { X0tError, type Log } from '@x0t/core'
import { decidePolicy, defaultPolicy, type PolicyDecision } from '@x0t/mape-k'
import { readConfigFile } from '../../config/read-config-file.ts'
import type { Home } from '../../home.ts'
import { readDecisions } from './decisions-file.ts'

/**
 * What votes have set in the healing policy, as of the last run of the node. What this version does not know is left
 * out: the executor reports it once the records are read.
 */
export async function openDecisions(
  home: Home,
  log: Log,
): Promise<{ readonly policy: readonly PolicyDecision[] }> {
  const { decisions, problem } = await readDecisions(home.decisionsFile, readConfigFile)
  if (problem !== undefined) log.warn('decisions-damaged', { reason: problem })
  const policy = decisions.flatMap(({ kind, key, value, proposal }): PolicyDecision[] =>
    kind === 'policy' && typeof value !== 'string' ? [{ key, value, proposal }] : [],
  )
  return {
    policy: policy.filter((one) => {
      try {
        decidePolicy(defaultPolicy, [one])
        return true
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        log.warn('decision-left-out', { key: one.key, reason: error.message })
        return false
      }
    }),
  }
}
