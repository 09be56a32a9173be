import { X0tError } from '@x0t/core'
import { Option, type Command } from 'commander'

/** Whole number of an option, within bounds. @throws X0tError USAGE */
export function wholeNumber(flag: string, from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= from && value <= to) return value
    throw new X0tError(
      'USAGE',
      `${flag} ${JSON.stringify(text)}: expected a whole number from ${from} to ${to}`,
      {
        exitCode: 2,
      },
    )
  }
}

/** `name=value` of `--set`: the values of an object's globals. @throws X0tError USAGE */
export function globalsOf(
  words: readonly string[] | undefined,
): Readonly<Record<string, string>> | undefined {
  if (words === undefined) return undefined
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=')
      if (equals < 1)
        throw new X0tError('USAGE', `--set ${JSON.stringify(word)}: expected NAME=VALUE`, { exitCode: 2 })
      return [word.slice(0, equals), word.slice(equals + 1)] as const
    }),
  )
}

/** Where a program is to be attached. */
export interface PlaceOptions {
  readonly interface?: string
  readonly direction?: 'ingress' | 'egress'
  readonly mode?: 'native' | 'generic'
  readonly cgroup?: string
  readonly before?: string
  readonly after?: string
  readonly priority?: number
  readonly proceedOn?: readonly string[]
}

export function withPlace(command: Command): Command {
  return command
    .option('--interface <name>', 'for XDP and tc programs')
    .addOption(
      new Option('--direction <way>', 'for tc programs, if the name does not tell').choices([
        'ingress',
        'egress',
      ]),
    )
    .addOption(
      new Option('--mode <mode>', 'for XDP; native if the driver can').choices(['native', 'generic']),
    )
    .option('--cgroup <folder>', 'for sock_ops and cgroup programs: a folder of cgroup2')
    .option('--before <program>', 'tc: run before this program (OBJECT/PROGRAM or id)')
    .option('--after <program>', 'tc: run after this program (OBJECT/PROGRAM or id)')
    .option(
      '--priority <number>',
      'XDP: share the interface with others, the lowest first (0 to 1000); one that is there alone goes on with 800',
      wholeNumber('--priority', 0, 1000),
    )
    .option('--proceed-on <verdicts>', 'XDP: go on to the next program after these (pass)', (text) =>
      text.split(','),
    )
}
