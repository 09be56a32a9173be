import type { Command } from 'commander'

export interface CompletedOption {
  /** `-f`, `--follow`. */
  readonly flags: readonly string[]
  readonly help: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

/** A command as a shell's completion sees it. */
export interface CompletedCommand {
  /** From the program's name on: `x0t node start`. */
  readonly path: string
  readonly subcommands: readonly { readonly name: string; readonly help: string }[]
  readonly options: readonly CompletedOption[]
}

/** Every command of a program that is not hidden, parents first. */
export function completedCommands(program: Command, prefix = ''): readonly CompletedCommand[] {
  const path = `${prefix}${program.name()}`
  const help = program.createHelp()
  const visible = help.visibleCommands(program)
  const options = help.visibleOptions(program).map((option) => ({
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    help: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  }))
  const subcommands = visible.map((command) => ({ name: command.name(), help: command.description() }))
  return [
    { path, subcommands, options },
    ...visible.flatMap((command) => completedCommands(command, `${path} `)),
  ]
}
