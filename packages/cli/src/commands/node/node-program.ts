import type { Log } from '@x0t/core'
import type { LoadedConfig, NodeConfig } from '@x0t/node/config'
import type { LevelledLog } from '@x0t/node/logging'
import type { NodeIdentity } from '../../views/node.ts'

/** The part of `@x0t/node` that starts nodes; tests pass their own. */
export interface NodeProgram {
  initNode(options: {
    readonly home: string
    readonly meshName: string
    readonly name: string
    readonly log: Log
  }): Promise<NodeIdentity & { readonly created: boolean }>
  startNode(options: {
    readonly home: string
    readonly config: NodeConfig
    /** Settings with their origins, which the running node shows. */
    readonly settings: LoadedConfig['entries']
    readonly log: LevelledLog
    readonly signal: AbortSignal
    readonly version: string
  }): Promise<RunningNode>
}

/** A node that is up. `done` settles when it has ended by itself or by `x0t node stop`. */
export interface RunningNode extends AsyncDisposable {
  readonly done: Promise<void>
}

/** Name of the mesh that a first node makes: `--mesh`, else from the name of the node. */
export function meshNameOf(mesh: string | undefined, nodeName: string): string {
  if (mesh !== undefined) return mesh
  const name = nodeName
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return name === '' ? 'mesh' : name
}
