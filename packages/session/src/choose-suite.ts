import { X0tError } from '@x0t/core'
import type { Suite } from './security-association.ts'

/**
 * The suite for two lists in order of preference. Where the two prefer different ones, ChaCha20-Poly1305 is taken:
 * who puts it first has no AES in its processor and would lose more by AES than the other by ChaCha20.
 * @throws X0tError SESSION_NO_COMMON_SUITE
 */
export function chooseSuite(ours: readonly Suite[], theirs: readonly Suite[]): Suite {
  const common = ours.filter((suite) => theirs.includes(suite))
  const [first] = common
  if (first === undefined)
    throw new X0tError(
      'SESSION_NO_COMMON_SUITE',
      `we allow ${ours.join(', ') || 'nothing'}, the peer ${theirs.join(', ') || 'nothing that we know'}`,
    )
  const theirFirst = theirs.find((suite) => common.includes(suite))
  return first === theirFirst ? first : 'chacha20-poly1305'
}
