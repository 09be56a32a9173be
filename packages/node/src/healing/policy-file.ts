import { messageOf, X0tError } from '@x0t/core'
import { readPolicy, type Policy } from '@x0t/mape-k'
import { parse } from 'smol-toml'

/**
 * A healing policy in TOML: tables `[thresholds]`, `[limits]`, `[actions.NAME]` and `[plans]`.
 * @throws X0tError HEALING_POLICY_INVALID, also for text that is no TOML
 */
export function parsePolicyFile(text: string): Policy {
  let content: unknown
  try {
    content = parse(text)
  } catch (error) {
    throw new X0tError('HEALING_POLICY_INVALID', `the policy is no TOML: ${messageOf(error)}`, {
      cause: error,
      exitCode: 3,
    })
  }
  return readPolicy(content, 'file')
}
