import { hostname } from 'node:os'
import { Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { LoadedConfig } from '@x0t/node/config'
import type { CommandContext } from '../../main.ts'
import { homeOf, type HomeOption } from './home-option.ts'
import { repeatable } from '../repeatable.ts'

export interface ConfigOptions extends HomeOption {
  readonly name?: string
  readonly logLevel?: string
  readonly logFormat?: string
  readonly listen?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly advertise?: readonly string[]
  readonly mdns?: boolean
  readonly tunnel?: string
  readonly interface?: string
  readonly mtu?: string
  readonly carrier?: string
  readonly http?: string
  readonly set?: readonly string[]
}

/** The flag of each setting that has one of its own; the rest is set by `--set`. */
const keyOfFlag = {
  name: 'node.name',
  logLevel: 'node.log_level',
  logFormat: 'node.log_format',
  listen: 'network.listen',
  bootstrap: 'network.bootstrap',
  advertise: 'network.advertise',
  mdns: 'network.mdns',
  tunnel: 'tunnel.enabled',
  interface: 'tunnel.interface',
  mtu: 'tunnel.mtu',
  carrier: 'tunnel.carrier',
  http: 'http.listen',
} as const

/** Adds the flags of settings. */
export function withConfigFlags(command: Command): Command {
  return command
    .option(
      '--name <name>',
      'name shown to the other members (default: that of the join token, else the host name)',
    )
    .option('--listen <host:port>', 'address to listen on, TCP and UDP; repeatable', repeatable)
    .option('--bootstrap <host:port>', 'member to connect to at start; repeatable', repeatable)
    .option('--advertise <host:port>', 'address to give to the others; repeatable', repeatable)
    .addOption(new Option('--mdns <on|off>', 'find members on the local network').choices(['on', 'off']))
    .addOption(new Option('--tunnel <when>', 'make the network interface').choices(['auto', 'on', 'off']))
    .option('--interface <name>', 'name of the network interface')
    .option('--mtu <bytes>', 'MTU of the network interface')
    .addOption(new Option('--carrier <name>', 'what carries packets').choices(['auto', 'udp', 'tls']))
    .option('--http <host:port|off>', 'address of read-only health and metrics')
    .addOption(
      new Option('--log-level <level>', 'least level logged').choices(['debug', 'info', 'warn', 'error']),
    )
    .addOption(new Option('--log-format <format>', 'form of the log').choices(['auto', 'json', 'text']))
    .option('--set <section.key=value>', 'any setting (x0t help config); repeatable', repeatable)
}

/** Values of the flags by key of the setting. @throws X0tError USAGE if a `--set` has no `=` */
export function flagValues(options: ConfigOptions): Record<string, string | readonly string[]> {
  const values: Record<string, string | readonly string[]> = {}
  for (const [flag, key] of Object.entries(keyOfFlag)) {
    const value = options[flag as keyof typeof keyOfFlag]
    if (value !== undefined) values[key] = typeof value === 'boolean' ? String(value) : value
  }
  for (const assignment of options.set ?? []) {
    const at = assignment.indexOf('=')
    if (at < 1) {
      throw new X0tError('USAGE', `--set takes section.key=value, not ${JSON.stringify(assignment)}`, {
        hint: 'x0t node start --set probe.interval_ms=50',
        exitCode: 2,
      })
    }
    const key = assignment.slice(0, at).trim()
    const before = values[key] ?? []
    values[key] = [...(typeof before === 'string' ? [before] : before), assignment.slice(at + 1).trim()]
  }
  return values
}

/** A configuration, and the home that it belongs to. */
export type NodeSettings = LoadedConfig & { readonly home: string }

/** The configuration by flags, environment, file and defaults. */
export async function readSettings(options: ConfigOptions, context: CommandContext): Promise<NodeSettings> {
  const { homeAt, loadConfig, readConfigFile, readDecisions } = await import('@x0t/node/config')
  const home = await homeOf(options, context)
  const flags = flagValues(options)
  const { env } = context.streams
  const { decisions, problem } = await readDecisions(homeAt(home).decisionsFile, readConfigFile)
  const sources = { home, flags, env, readFile: readConfigFile, hostname: hostname(), decisions }
  const loaded = await loadConfig(sources)
  const warnings = problem === undefined ? loaded.warnings : [...loaded.warnings, problem]
  return { ...loaded, warnings, home }
}

/** As {@link readSettings}, and shows what is doubtful about them. */
export async function configOf(options: ConfigOptions, context: CommandContext): Promise<NodeSettings> {
  const settings = await readSettings(options, context)
  for (const warning of settings.warnings) context.output().warn(warning)
  return settings
}
