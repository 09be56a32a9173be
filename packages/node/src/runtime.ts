import type { Clock, Log, NodeId, Random } from '@x0t/core'
import type { BanList, IdentityStore } from '@x0t/identity'
import type { ControlPlane } from '@x0t/libp2p'
import type { Sessions } from '@x0t/session'
import type { DataPlane } from '@x0t/tunnel'
import type { AuthorityDesk } from './authority-desk.ts'
import type { NodeConfig } from './config/index.ts'
import type { DaoService } from './dao/dao-service.ts'
import type { Healing } from './healing/healing.ts'
import type { RunningSettings } from './dao/execution/running-settings.ts'
import type { EventLog } from './event-log.ts'
import type { Membership } from './membership.ts'
import type { MeshDriver } from './mesh-driver.ts'
import type { Metrics } from './metrics.ts'
import type { NeighbourLinks } from './neighbour-links.ts'
import type { PathSuspicions } from './path-suspicions.ts'
import type { SvidKeeper } from './svid-keeper.ts'

/** The parts of a running node, as its API and its metrics see them. */
export interface Runtime {
  readonly self: NodeId
  readonly name: string
  readonly version: string
  readonly startedAtMs: number
  readonly config: NodeConfig
  readonly settings: RunningSettings
  readonly keeper: SvidKeeper
  /** Undefined on all nodes but the one with the mesh's authority. */
  readonly desk: AuthorityDesk | undefined
  readonly store: IdentityStore
  readonly bans: BanList
  readonly members: Membership
  readonly mesh: MeshDriver
  readonly links: NeighbourLinks
  readonly sessions: Sessions
  readonly dataPlane: DataPlane
  readonly suspicions: PathSuspicions
  /** Undefined where it is switched off. */
  readonly healing: Healing | undefined
  readonly metrics: Metrics
  readonly events: EventLog
  readonly clock: Clock
  readonly random: Random
  readonly log: Log & { setLevel?(level: 'debug' | 'info' | 'warn' | 'error'): void }
  /** Undefined until the control plane is up. */
  readonly plane: () => ControlPlane | undefined
  /** Where the read-only HTTP listener listens; undefined where there is none. */
  readonly http: () => { readonly host: string; readonly port: number } | undefined
  /** Undefined until the control plane is up. */
  readonly dao: () => DaoService | undefined
  /** Makes the node end, soon. */
  readonly stop: () => void
}
