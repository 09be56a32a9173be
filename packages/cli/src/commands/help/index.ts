import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'

const topics = {
  errors: 'every error code, what it means and what to do; help errors CODE for one',
  'exit-codes': 'what the exit codes of x0t mean',
  config: 'every setting of a node with its default, flag and variable',
} as const

/** `x0t help [command or topic]`, in place of commander's own. */
export function registerHelp(program: Command, context: CommandContext): void {
  program
    .helpCommand(false)
    .command('help')
    .argument('[words...]', 'a command or a topic')
    .description('show help for a command or a topic')
    .addHelpText(
      'after',
      `\nTopics:\n${Object.entries(topics)
        .map(([name, text]) => `  ${name.padEnd(11)} ${text}`)
        .join('\n')}`,
    )
    .action(async (words: readonly string[]) => {
      const output = context.output()
      const [topic = ''] = words
      if (topic === 'errors') {
        const { collectErrorCodes } = await import('./error-codes.ts')
        const { errorCodesView } = await import('../../views/help.ts')
        const codes = await collectErrorCodes(words[1])
        output.result({ codes }, (value) => errorCodesView(value.codes))
      } else if (topic === 'exit-codes') {
        const { exitCodesView, exitCodeList } = await import('../../views/help.ts')
        output.result({ exitCodes: exitCodeList }, (value) => exitCodesView(value.exitCodes))
      } else if (topic === 'config') {
        const { configReference, namedSettings } = await import('@x0t/node/config')
        const settings = namedSettings.map(({ key, variable, setting }) => ({
          key,
          variable,
          flag: setting.flag,
          accepts: setting.kind.accepts,
          default: setting.fallback,
          help: setting.help,
        }))
        output.result({ settings }, () => configReference())
      } else output.result({ help: find(program, words).helpInformation() }, (value) => value.help)
    })
}

/** The command that these words name. @throws X0tError HELP_TOPIC_UNKNOWN */
function find(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (next === undefined) {
      throw new X0tError(
        'HELP_TOPIC_UNKNOWN',
        `there is no command or topic ${JSON.stringify(words.join(' '))}`,
        {
          hint: 'x0t --help lists the commands, x0t help help the topics',
          exitCode: 2,
        },
      )
    }
    command = next
  }
  return command
}
