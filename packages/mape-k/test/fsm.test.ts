import fc from 'fast-check'
import t from 'tap'
import { healingStates, leaveSafeMode, transition, type HealingState } from '../src/index.ts'

const seed = 20_261
const free = { awaitsVerification: false, coolsDown: false }

/** The state machine as the original's contract writes it. */
const contract = new Set([
  'IDLE ANALYZING',
  'IDLE VERIFYING',
  'ANALYZING PLANNING',
  'PLANNING IDLE',
  'PLANNING EXECUTING',
  'EXECUTING IDLE',
  'EXECUTING VERIFYING',
  'VERIFYING IDLE',
  'VERIFYING COOLDOWN',
  'COOLDOWN IDLE',
])

t.test('every transition of the contract is taken, and every other one leads to SAFE_MODE', (t) => {
  for (const from of healingStates)
    for (const to of healingStates) {
      const { state, refused } = transition(from, to, free)
      if (to === 'SAFE_MODE') t.same([state, refused], ['SAFE_MODE', undefined])
      else if (contract.has(`${from} ${to}`)) t.same([state, refused], [to, undefined])
      else t.match({ state, refused }, { state: 'SAFE_MODE', refused: /does not lead to/ }, `${from} ${to}`)
    }
  t.end()
})

t.test('nothing is executed while an action awaits verification or a cooldown runs', (t) => {
  t.match(transition('PLANNING', 'EXECUTING', { ...free, awaitsVerification: true }), {
    state: 'SAFE_MODE',
    refused: /awaits verification/,
  })
  t.match(transition('PLANNING', 'EXECUTING', { ...free, coolsDown: true }), {
    state: 'SAFE_MODE',
    refused: /cooldown/,
  })
  t.same(transition('PLANNING', 'IDLE', { awaitsVerification: true, coolsDown: true }), { state: 'IDLE' })
  t.end()
})

t.test('whatever is wished for, only a human leaves SAFE_MODE, and only to IDLE', (t) => {
  const wishes = fc.array(
    fc.record({
      to: fc.constantFrom(...healingStates),
      awaitsVerification: fc.boolean(),
      coolsDown: fc.boolean(),
      isHuman: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(wishes, (list) => {
      let state: HealingState = 'IDLE'
      for (const { to, isHuman, ...guards } of list) {
        const before: HealingState = state
        state = isHuman ? leaveSafeMode(state) : transition(state, to, guards).state
        if (before === 'SAFE_MODE' && state !== 'SAFE_MODE') return isHuman && state === 'IDLE'
        if (
          state === 'EXECUTING' &&
          before !== 'EXECUTING' &&
          (guards.awaitsVerification || guards.coolsDown)
        )
          return false
        if (before !== state && state !== 'SAFE_MODE' && !contract.has(`${before} ${state}`)) return false
      }
      return true
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})
