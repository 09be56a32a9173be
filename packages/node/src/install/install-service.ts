import { dirname } from 'node:path'
import { X0tError } from '@x0t/core'
import { systemdUnit, type UnitOptions } from './systemd-unit.ts'

/** The part of the system that an installation reads and changes. */
export interface InstallHost {
  readonly uid: number
  readFile(path: string): Promise<string | undefined>
  writeFile(path: string, content: string, mode: number): Promise<void>
  /** Mode bits, or undefined where there is nothing. */
  mode(path: string): Promise<number | undefined>
  /** Runs a program and returns its exit code with what it printed. */
  run(program: string, args: readonly string[]): Promise<{ readonly code: number; readonly text: string }>
  /** True if systemd is the running init. */
  systemdRuns(): Promise<boolean>
}

export interface InstallOptions extends UnitOptions {
  /** Folder of unit files. */
  readonly unitFolder: string
  readonly dryRun: boolean
  /** Replaces a different unit file. */
  readonly force: boolean
  /** Starts the service at once and at boot. */
  readonly enable: boolean
}

export interface Installed {
  readonly path: string
  readonly unit: string
  /** False in a dry run, and where the same file stood there already. */
  readonly written: boolean
  readonly enabled: boolean
  /** What remains to be done by hand. */
  readonly next: readonly string[]
}

/**
 * Writes the systemd unit of the node, has systemd read it, and starts it if asked to.
 * @throws X0tError INSTALL_HOME_INVALID, INSTALL_UNREACHABLE, INSTALL_NEEDS_ROOT, INSTALL_EXISTS, INSTALL_FAILED
 */
export async function installService(options: InstallOptions, host: InstallHost): Promise<Installed> {
  if (!/^\/var\/lib\/(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/.test(options.home)) {
    throw new X0tError(
      'INSTALL_HOME_INVALID',
      `a service keeps its state below /var/lib, not in ${options.home}`,
      {
        hint: 'x0t node install --home /var/lib/x0t',
        exitCode: 2,
      },
    )
  }
  const unit = systemdUnit(options)
  const path = `${options.unitFolder}/x0t.service`
  const enableCommand = 'systemctl enable --now x0t.service'
  if (options.dryRun)
    return {
      path,
      unit,
      written: false,
      enabled: false,
      next: [`sudo x0t node install`, `sudo ${enableCommand}`],
    }

  await checkReachable(options.program, host)
  if (host.uid !== 0) {
    throw new X0tError('INSTALL_NEEDS_ROOT', `writing ${path} needs root`, { hint: 'sudo x0t node install' })
  }
  const before = await host.readFile(path)
  if (before !== undefined && before !== unit && !options.force) {
    throw new X0tError('INSTALL_EXISTS', `${path} is there and differs`, {
      hint: 'compare with x0t node install --dry-run, replace with --force',
    })
  }
  const written = before !== unit
  if (written) await host.writeFile(path, unit, 0o644)
  if (!(await host.systemdRuns()))
    return {
      path,
      unit,
      written,
      enabled: false,
      next: [`systemd is not running here; where it is: ${enableCommand}`],
    }
  await systemctl(host, ['daemon-reload'])
  if (!options.enable) return { path, unit, written, enabled: false, next: [enableCommand] }
  await systemctl(host, ['enable', '--now', 'x0t.service'])
  return { path, unit, written, enabled: true, next: ['systemctl status x0t', 'journalctl -u x0t -f'] }
}

/** The service has its own user: every folder on the way to the program must let it pass. */
async function checkReachable(program: string, host: InstallHost): Promise<void> {
  for (let path = program; ; path = dirname(path)) {
    const mode = await host.mode(path)
    const needed = path === program ? 0o005 : 0o001
    if (mode === undefined || (mode & needed) !== needed) {
      throw new X0tError(
        'INSTALL_UNREACHABLE',
        `the service's user could not run ${program}: ${path} is closed to it`,
        {
          hint: 'move x0t below /opt or /usr/local, or open the folder with chmod o+x',
        },
      )
    }
    if (path === dirname(path)) return
  }
}

async function systemctl(host: InstallHost, args: readonly string[]): Promise<void> {
  const { code, text } = await host.run('systemctl', args)
  if (code === 0) return
  throw new X0tError(
    'INSTALL_FAILED',
    `systemctl ${args.join(' ')} ended with ${code}: ${text.trim().slice(0, 500)}`,
    {
      hint: 'journalctl -u x0t -n 50',
    },
  )
}
