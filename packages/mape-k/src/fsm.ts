/** Where the healing of one thing stands. */
export const healingStates = [
  'IDLE',
  'ANALYZING',
  'PLANNING',
  'EXECUTING',
  'VERIFYING',
  'COOLDOWN',
  'SAFE_MODE',
] as const
export type HealingState = (typeof healingStates)[number]

/** Every state may also go to SAFE_MODE; only a human leaves that, to IDLE. */
const allowed: Readonly<Record<HealingState, readonly HealingState[]>> = {
  IDLE: ['ANALYZING', 'VERIFYING'],
  ANALYZING: ['PLANNING'],
  PLANNING: ['IDLE', 'EXECUTING'],
  EXECUTING: ['IDLE', 'VERIFYING'],
  VERIFYING: ['IDLE', 'COOLDOWN'],
  COOLDOWN: ['IDLE'],
  SAFE_MODE: [],
}

/** What stands against entering EXECUTING, at the moment of the transition. */
export interface Guards {
  /** An earlier action on the same thing is not verified yet. */
  readonly awaitsVerification: boolean
  /** The time after the last action on the same thing is not over. */
  readonly coolsDown: boolean
}

export interface Transition {
  readonly state: HealingState
  /** Why the wish was refused; then `state` is SAFE_MODE: observe, act no more. */
  readonly refused?: string
}

/**
 * The state after the wish to go from one state to another. A refused transition, or a guard that stands against it,
 * leads to SAFE_MODE.
 */
export function transition(from: HealingState, to: HealingState, guards: Guards): Transition {
  if (to === 'SAFE_MODE') return { state: to }
  if (!allowed[from].includes(to)) return refuse(`${from} does not lead to ${to}`)
  if (to === 'EXECUTING' && guards.awaitsVerification) return refuse('an earlier action awaits verification')
  if (to === 'EXECUTING' && guards.coolsDown) return refuse('the cooldown of the last action is not over')
  return { state: to }
}

/** The state after a human has ended SAFE_MODE; any other state stays as it is. */
export function leaveSafeMode(from: HealingState): HealingState {
  return from === 'SAFE_MODE' ? 'IDLE' : from
}

function refuse(refused: string): Transition {
  return { state: 'SAFE_MODE', refused }
}
