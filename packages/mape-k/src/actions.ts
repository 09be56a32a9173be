/** What must hold before an action is taken. What is not known to hold does not. */
export type Precondition =
  /** Another path leads to what is behind the neighbour. */
  | 'second-path'
  /** More than half of the neighbour's neighbours, and two at least, report it. */
  | 'quorum'
  /** An earlier policy is kept that did not raise the alarm. */
  | 'last-good-policy'
  /** The part can be started again without ending the daemon. */
  | 'can-restart'

export interface ActionKind {
  readonly words: string
  /** Whose sensors have to fall quiet for it to have worked: what users feel, or the cause. */
  readonly cures: 'service' | 'cause' | 'both'
  readonly needs: readonly Precondition[]
}

/** All actions beside `no-action`, which is to go on observing. */
export const actions = {
  reroute: {
    words: 'lead traffic round the neighbour for a while',
    cures: 'service',
    needs: ['second-path'],
  },
  'restart-session': { words: 'drop the session and make a new one', cures: 'both', needs: [] },
  redial: {
    words: 'connect to the neighbour again, or agree its link anew',
    cures: 'cause',
    needs: [],
  },
  'renew-svid': { words: "renew this node's certificate now", cures: 'both', needs: [] },
  rekey: { words: 'make new session keys', cures: 'both', needs: [] },
  'restart-subsystem': {
    words: 'start the part of the daemon again',
    cures: 'both',
    needs: ['can-restart'],
  },
  'quarantine-neighbour': {
    words: 'refuse the neighbour as a relay for a while',
    cures: 'service',
    needs: ['quorum', 'second-path'],
  },
  'rollback-config': {
    words: 'return to the last policy that was well',
    cures: 'both',
    needs: ['last-good-policy'],
  },
} as const satisfies Readonly<Record<string, ActionKind>>

export type ActionName = keyof typeof actions
export const actionNames = Object.keys(actions) as readonly ActionName[]

export function actionOf(name: ActionName): ActionKind {
  return actions[name]
}
