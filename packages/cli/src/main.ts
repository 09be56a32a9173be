import { Command, CommanderError, type Argument } from 'commander'
import { X0tError } from '@x0t/core'
import { registerCommands } from './commands/index.ts'
import { exitCodes } from './exit-codes.ts'
import { createOutput, type Output, type Streams } from './output.ts'
import { version } from './version.ts'

export { exitCodes } from './exit-codes.ts'

/** What every command's action gets. */
export interface CommandContext {
  /** The output that `--json` asked for; call it inside the action. */
  output(): Output
  readonly streams: Streams
  /** Ends on SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal
  /** Sets the exit code of a command that did its work and found something wanting (3), for example. */
  exitCode(code: number): void
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/**
 * Runs one command line and returns its exit code; never ends the process.
 * @param argv the words after `x0t`
 */
export async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const abort = new AbortController()
  let code: number = exitCodes.done
  let signalCode: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    signalCode = 128 + signalNumbers[name as keyof typeof signalNumbers]
    abort.abort(new X0tError('INTERRUPTED', `interrupted by ${name}`, { exitCode: signalCode }))
  }
  const json = argv.includes('--json')
  const context: CommandContext = {
    output: () => createOutput(streams, json),
    streams,
    signal: abort.signal,
    exitCode: (value) => void (code = value),
  }
  for (const name of Object.keys(signalNumbers)) process.on(name, onSignal)
  try {
    const program = await createProgram(context, argv.find((word) => !word.startsWith('-')) ?? '')
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    if (signalCode !== undefined) return signalCode
    context.output().error(error)
    return error instanceof X0tError ? error.exitCode : exitCodes.failed
  } finally {
    for (const name of Object.keys(signalNumbers)) process.removeListener(name, onSignal)
  }
}

/**
 * The command tree; help, completion and the reference are made from it.
 * @param word the only noun whose commands are needed; all where it is absent
 */
export async function createProgram(context: CommandContext, word?: string): Promise<Command> {
  const { streams } = context
  const program = new Command('x0t')
    .description('A self-healing, post-quantum mesh network, and the toolkit around it')
    .version(version, '-V, --version', 'print the version')
    .option('--json', 'print the result as JSON')
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(term)].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
      getOutHelpWidth: () => streams.stdout.columns ?? 100,
      getErrHelpWidth: () => 100,
    })
  await registerCommands(program, context, word)
  eachCommand(program, (command) => {
    command.exitOverride().helpCommand(false)
    if (command !== program && command.commands.length === 0)
      command.option('--json', 'print the result as JSON')
  })
  return program
}

function eachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const sub of command.commands) eachCommand(sub, visit)
}

/** An argument as help writes it: `<node>`, `[words...]`. */
function term(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}
