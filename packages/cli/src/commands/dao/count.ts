import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { messageOf, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'

interface CountOptions {
  readonly bytes?: string
}

/** A hundred thousand ballots have some 10 MB. */
const maxElectionBytes = 256 * 2 ** 20

export function registerCount(dao: Command, context: CommandContext): void {
  dao
    .command('count')
    .argument('<file>', 'an election as JSON: rules, choices, ballots')
    .description('count an election of any system by the same exact arithmetic; needs no home')
    .option('--bytes <file>', 'write the bytes of the tally')
    .addHelpText(
      'after',
      `
The file: { "rules": "snapshot-quadratic", "choices": ["Oslo", "Rome"],
            "ballots": [{ "member": "a", "balance": "25", "ballot": "Oslo" }, …] }
rules: a preset (x0t dao propose --preset ? lists them), all rules, or { "preset": …, and what differs }.
ballot: a label or index; a list (approval, ranking); an object of label to number as text (shares, credits).
Optional: electorate (who did not vote), tokenDecimals, and count in a ballot for so many alike.`,
    )
    .action(async (file: string, options: CountOptions) => {
      const election = await readElection(file)
      const { parseElection, tally, tallyBytes } = await import('@x0t/dao')
      const input = parseElection(election)
      const counted = tally(input)
      const bytes = tallyBytes(counted)
      if (options.bytes !== undefined) await writeFile(options.bytes, bytes)
      const tallySha256 = createHash('sha256').update(bytes).digest('hex')
      const { electionView } = await import('../../views/dao-tally.ts')
      const { choices, rules } = input
      context.output().result({ file, choices, rules, tally: counted, tallySha256 }, electionView)
    })
}

/** @throws X0tError DAO_ELECTION_UNREADABLE */
async function readElection(file: string): Promise<unknown> {
  try {
    const { size } = await stat(file)
    if (size > maxElectionBytes)
      throw new RangeError(`it has ${size} bytes; at most ${maxElectionBytes} are read`)
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new X0tError('DAO_ELECTION_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
      hint: 'x0t dao count --help shows the form',
      exitCode: 2,
    })
  }
}
