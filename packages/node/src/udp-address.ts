import type { NodeConfig } from './config/index.ts'

/** UDP listens where TCP does: the wildcard takes both families. */
export function udpAddress({ network }: Pick<NodeConfig, 'network'>): {
  readonly host?: string
  readonly port?: number
} {
  const [first, ...more] = network.listen
  if (first === undefined) return {}
  const isWildcard = first.host === '0.0.0.0' || more.length > 0
  return { host: isWildcard ? '::' : first.host, port: first.port }
}
