import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from './home-option.ts'

interface InstallFlags extends HomeOption {
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly enable?: boolean
  readonly user?: string
  readonly program?: string
  readonly mesh?: string
  readonly unitFolder: string
}

export function registerInstall(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('install')
      .description('write a hardened systemd unit, so that the node runs as a service without root')
      .option('--dry-run', 'print the unit and change nothing')
      .option('--enable', 'start it now and at boot')
      .option('--force', 'replace a unit that differs')
      .option(
        '--user <name>',
        'run as this user (default: a dynamic user); root may use the fast path in the kernel',
      )
      .option('--program <path>', 'the x0t command to run (default: this one)')
      .option('--mesh <name>', 'name of the mesh that a first node makes')
      .option('--unit-folder <path>', 'folder of unit files', '/etc/systemd/system'),
  ).action(async (options: InstallFlags) => {
    const { installService, systemInstallHost } = await import('@x0t/node/install')
    const installed = await installService(
      {
        program: options.program ?? ownProgram(),
        user: options.user === undefined ? 'dynamic' : { name: options.user },
        home: options.home ?? '/var/lib/x0t',
        unitFolder: options.unitFolder,
        dryRun: options.dryRun === true,
        force: options.force === true,
        enable: options.enable === true,
        ...(options.mesh === undefined ? {} : { mesh: options.mesh }),
      },
      systemInstallHost(),
    )
    const output = context.output()
    if (options.dryRun === true) {
      output.note(`# would be ${installed.path}`)
      output.result(installed, (value) => value.unit)
      return
    }
    const verb = installed.written ? 'wrote' : 'unchanged:'
    output.result(installed, (value) => `${verb} ${value.path}${value.enabled ? ', running' : ''}`)
    if (!output.json) for (const line of installed.next) output.note(`next: ${line}`)
  })
}

/** The launcher of this checkout: it finds the Node that x0t brings. */
function ownProgram(): string {
  return realpathSync(fileURLToPath(new URL('../../../../../bin/x0t', import.meta.url)))
}
