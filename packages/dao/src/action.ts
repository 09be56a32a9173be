import type { NodeId } from '@x0t/core'

/** What a passed proposal does to the mesh. Typed and bounded: nothing else can be decided. */
export type Action =
  /** A number of the healing policy (`thresholds.loss_percent`), as decimal text. */
  | { readonly type: 'update_threshold'; readonly key: string; readonly value: string }
  /** The actions for one diagnosis of the healing loop, the preferred first. */
  | { readonly type: 'update_policy'; readonly diagnosis: string; readonly actions: readonly string[] }
  /** A setting of every node that may be voted on (`probe.misses`), as in the configuration file. */
  | { readonly type: 'update_config'; readonly key: string; readonly value: string }
  | { readonly type: 'ban_node'; readonly node: NodeId; readonly reason: string }
  | { readonly type: 'readmit_node'; readonly node: NodeId }
  /** Session and link keys of one node, or of all. */
  | { readonly type: 'rotate_keys'; readonly node: NodeId | 'all' }
  /**
   * A signed file that every node keeps and none runs by itself. It and its detached signature travel in `artifact`
   * records, each under its own digest.
   */
  | {
      readonly type: 'publish_artifact'
      readonly artifact: 'model' | 'program'
      readonly name: string
      /** SHA-256 of the content, 64 hexadecimal digits. */
      readonly digest: string
      readonly sizeBytes: number
      /** Whose keys must have signed it. */
      readonly signer: NodeId
      /** SHA-256 of the text of the signature: `x0t bpf sign` for a program, `x0t key sign --context model` for a model. */
      readonly signatureDigest: string
    }

export const actionTypes = [
  'update_threshold',
  'update_policy',
  'update_config',
  'ban_node',
  'readmit_node',
  'rotate_keys',
  'publish_artifact',
] as const satisfies readonly Action['type'][]
