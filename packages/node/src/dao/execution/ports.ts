import type { Clock, Log, NodeId } from '@x0t/core'
import type {
  ActionExecution,
  DaoState,
  MemberId,
  ProposalResult,
  RecordBodies,
  RecordId,
  SignedRecord,
} from '@x0t/dao'
import type { Chosen } from '@x0t/mape-k'
import type { EventLog } from '../../event-log.ts'
import type { Decision } from './decision.ts'

/** What the executor needs of the DAO of its home: built by the DAO service. */
export interface DaoPort {
  /** The state of all records now known; undefined before the first replay. */
  state(): DaoState | undefined
  resultOf(proposal: RecordId, nowMs: number): ProposalResult
  /** The member that this node signs as: it keeps its id when its keys are rotated. Of no member: nothing is reported. */
  member(): MemberId | undefined
  /** All records, for the pieces of published files. */
  records(): AsyncIterable<SignedRecord>
  /** Signs and keeps a report in this node's lane `node:<proposal>`. */
  report(body: RecordBodies['execution']): Promise<void>
}

/** The healing loop's policy, where the loop runs. */
export interface PolicyTarget {
  /** Lays decisions over the policy of default and file; those no longer among them are lifted. */
  decide(decisions: readonly Decision[]): void
  /** The value in force of a number (`thresholds.loss_percent`) or a plan (`plans.link-dead`). */
  valueOf(key: string): Chosen<number | readonly string[]>
}

/** The settings of this node. */
export interface SettingsTarget {
  /** Lets settings that can change while the node runs have these values; of the others nothing changes. */
  decide(decisions: readonly Decision[]): void
  /** What the node works with now. `origin` is `vote <proposal>`, or where else it comes from: `flag --name`. */
  valueOf(key: string): {
    readonly value: string
    readonly origin: string
    readonly proposal: RecordId | null
  }
}

/** Who is kept out. */
export interface BansTarget {
  isBanned(node: NodeId): boolean
  /** Only on the node with the mesh's authority; undefined elsewhere. */
  readonly authority:
    | { readonly self: NodeId; ban(node: NodeId, reason: string): void; unban(node: NodeId): void }
    | undefined
  /** Nodes that hold an authority, as far as the map shows. */
  authorities(): readonly NodeId[]
}

/** A key in use: it stands for the key, and says nothing about it. */
export interface KeyInUse {
  readonly peer: NodeId
  readonly kind: 'session' | 'link'
  readonly generation: string
}

export interface KeysTarget {
  /** Keys with which this node sends now, and of which the peer has shown that it has them. */
  inUse(): readonly KeyInUse[]
  /** Whether a link has keys just made, by either side, that are not among those yet. */
  isMaking(): boolean
  /** Begins to make new ones with a peer; false where that cannot be done now. */
  renew(key: KeyInUse): boolean
}

/** What decisions change on this node. */
export interface ExecutionTargets {
  /** Undefined where the healing loop is switched off. */
  readonly policy: PolicyTarget | undefined
  readonly settings: SettingsTarget
  readonly bans: BansTarget
  readonly keys: KeysTarget
  /** Folder of published files. */
  readonly artifactsDirectory: string
  /** File of the decisions in force, read at the next start before anything is opened. */
  readonly decisionsFile: string
}

export interface ExecutorOptions {
  /** The node, which bans and keys are of. */
  readonly self: NodeId
  readonly dao: DaoPort
  readonly targets: ExecutionTargets
  readonly events: Pick<EventLog, 'emit'>
  readonly clock: Clock
  readonly log: Log
}

/** What would be changed, or was. */
export interface PlannedChange extends ActionExecution {
  readonly what: string
  /** Value in force now and after it; null where there is no such thing. */
  readonly from: string | null
  readonly to: string | null
  readonly takesEffect: 'live' | 'start'
}

/** Carries out what was decided, on this node. */
export interface Executor extends AsyncDisposable {
  /** Records came. Never throws; several calls in a row are one look. */
  recordsChanged(): void
  /** Carries out what is due, and settles when that is done or under way. */
  look(): Promise<void>
  /**
   * What a proposal's actions change on this node, without changing anything.
   * @throws X0tError DAO_PROPOSAL_UNKNOWN
   */
  plan(proposal: RecordId): Promise<readonly PlannedChange[]>
}
