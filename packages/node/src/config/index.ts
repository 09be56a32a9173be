/**
 * Configuration of a node: one table of settings from which file, environment, flags and reference are made.
 *
 * @example
 * import { loadConfig, readConfigFile } from '@x0t/node/config'
 * const { config, origins } = await loadConfig({ home: '/var/lib/x0t', env: {}, readFile: readConfigFile })
 * config.network.listen // [{ host: '0.0.0.0', port: 7800 }, { host: '::', port: 7800 }]
 */
export { annotatedConfigFile, fallbackText } from './annotated-file.ts'
export { didYouMean } from './did-you-mean.ts'
export { formatEndpoint, isLoopback, parseEndpoint, type Endpoint } from './endpoint.ts'
export { homeAt, resolveHome, type Home, type HomeSources } from './home.ts'
export type { Kind, RawValue } from './kind.ts'
export {
  inspectConfig,
  loadConfig,
  type ConfigEntry,
  type ConfigSources,
  type LoadedConfig,
  type Origin,
} from './load-config.ts'
export { readDecisions } from '../dao/execution/decisions-file.ts'
export { readConfigFile } from './read-config-file.ts'
export { configReference } from './reference.ts'
export { namedSettings, settings, type NamedSetting, type NodeConfig, type Setting } from './settings.ts'
export { maxConfigBytes, toToml } from './toml-file.ts'
export { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from './units.ts'
