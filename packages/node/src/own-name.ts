import type { NodeId } from '@x0t/core'
import type { IdentityStore } from '@x0t/identity'
import type { LoadedConfig, NodeConfig } from './config/index.ts'

/**
 * The name that a node goes by: what file, environment or flag say; where they say nothing, the name that it was made
 * or let in with. The host name is for nodes that have neither.
 */
export function ownName(
  nodeId: NodeId,
  {
    config,
    settings,
    store,
  }: {
    readonly config: Pick<NodeConfig, 'node'>
    /** Settings with their origins; where absent, the configuration counts as chosen. */
    readonly settings: LoadedConfig['entries'] | undefined
    readonly store: Pick<IdentityStore, 'nodes'>
  },
): string {
  const origin = settings?.find(({ key }) => key === 'node.name')?.origin.source
  if (origin !== 'default') return config.node.name
  return store.nodes.find(nodeId)?.name ?? config.node.name
}
