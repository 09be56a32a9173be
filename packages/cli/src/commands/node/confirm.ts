import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'

/**
 * Asks on the terminal, on stderr, and goes on only after a `y`.
 * @throws X0tError CONFIRMATION_NEEDED if there is no terminal to ask on, or the answer is another
 */
export async function confirm(question: string, { streams, signal }: CommandContext): Promise<void> {
  if (streams.stdin.isTTY !== true || streams.stderr.isTTY !== true) {
    throw new X0tError(
      'CONFIRMATION_NEEDED',
      'this needs a confirmation, and there is no terminal to ask on',
      {
        hint: 'add --yes',
        exitCode: 2,
      },
    )
  }
  const { createInterface } = await import('node:readline/promises')
  using lines = createInterface({ input: streams.stdin, output: streams.stderr })
  const answer = await lines.question(`${question} [y/N] `, { signal })
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new X0tError('CONFIRMATION_NEEDED', 'not confirmed; nothing was changed')
}
