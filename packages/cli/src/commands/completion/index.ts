import { Argument, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'

const shells = ['bash', 'zsh', 'fish'] as const

/** `x0t completion <shell>`: made from the command tree, so that it knows every command. */
export function registerCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(shells))
    .description('print a completion script')
    .addHelpText('after', '\nIn ~/.bashrc: eval "$(x0t completion bash)"')
    .action(async (shell: (typeof shells)[number]) => {
      const { completedCommands } = await import('../../completion/command-tree.ts')
      const commands = completedCommands(program)
      const script = await scriptOf[shell](commands)
      context.output().result({ shell, script }, (value) => value.script)
    })
}

type Commands = readonly import('../../completion/command-tree.ts').CompletedCommand[]

const scriptOf: Readonly<Record<(typeof shells)[number], (commands: Commands) => Promise<string>>> = {
  bash: async (commands) => (await import('../../completion/bash.ts')).bashCompletion(commands),
  zsh: async (commands) => (await import('../../completion/zsh.ts')).zshCompletion(commands),
  fish: async (commands) => (await import('../../completion/fish.ts')).fishCompletion(commands),
}
