import { Box, render, Text, useApp, useInput } from 'ink'
import { createElement as h, useState, type ReactElement } from 'react'
import type { Ballot } from '@x0t/dao'
import type { Streams } from '../output.ts'
import { filledBallot, spent, voteKey, type VoteState } from './dao-vote-state.ts'
import { untilExit } from './live-screen.ts'
import { safe } from './node.ts'

const helpOf: Readonly<Record<Ballot['kind'], string>> = {
  single: '↑ ↓ move   space chooses   enter casts   q leaves',
  approval: '↑ ↓ move   space approves   enter casts   q leaves',
  ranking: '↑ ↓ move   space puts next in the ranking   enter casts   q leaves',
  shares: '↑ ↓ move   ← → less, more   enter casts   q leaves',
  credits: '↑ ↓ move   ← → fewer, more votes   enter casts   q leaves',
}

/** One frame: the choices, what each has, and what is left. */
export function VoteFrame({ state }: { readonly state: VoteState }): ReactElement {
  const { choices, values, at, kind, budget } = state
  const width = Math.max(...choices.map(({ label }) => safe(label).length))
  return h(
    Box,
    { flexDirection: 'column' },
    h(Text, { bold: true }, safe(state.title)),
    h(Text, null, ''),
    ...choices.map(({ label }, index) =>
      h(
        Text,
        { key: index, inverse: index === at },
        `${index === at ? '>' : ' '} ${index + 1}  ${safe(label).padEnd(width)}  ${mark(kind, values[index]!, values)}`,
      ),
    ),
    h(Text, null, ''),
    budget === null ? null : h(Text, null, `credits: ${spent(state)} of ${budget} spent`),
    state.remark === '' ? null : h(Text, { color: 'yellow' }, `! ${state.remark}`),
    h(Text, { dimColor: true }, helpOf[kind]),
  )
}

function mark(kind: Ballot['kind'], value: number, values: readonly number[]): string {
  if (kind === 'single') return value === 1 ? '(x)' : '( )'
  if (kind === 'approval') return value === 1 ? '[x]' : '[ ]'
  if (kind === 'ranking') return value === 0 ? ' -' : `${value}.`
  if (kind === 'credits') return `${String(value).padStart(4)} votes, ${value * value} credits`
  const sum = values.reduce((total, one) => total + one, 0)
  return `${String(value).padStart(4)}  ${sum === 0 ? '-' : `${Math.floor((value * 100) / sum)} %`}`
}

/** The frame, driven by keys; `done` gets the ballot, or null if the voter left. */
export function VoteLive(props: {
  readonly start: VoteState
  readonly done: (ballot: Ballot | null) => void
}): ReactElement {
  const [state, setState] = useState(props.start)
  const { exit } = useApp()
  const leave = (ballot: Ballot | null): void => {
    props.done(ballot)
    exit()
  }
  useInput((input, key) => {
    if (input === 'q' || key.escape) return leave(null)
    if (key.return) {
      // Enter on a single choice takes what the cursor is on.
      const asked =
        state.kind === 'single' && filledBallot(state) === undefined ? voteKey(state, 'toggle') : state
      const ballot = filledBallot(asked)
      if (ballot !== undefined) return leave(ballot)
      return setState({ ...state, remark: 'nothing is chosen yet' })
    }
    if (key.upArrow) setState(voteKey(state, 'up'))
    if (key.downArrow) setState(voteKey(state, 'down'))
    if (key.leftArrow || input === '-') setState(voteKey(state, 'left'))
    if (key.rightArrow || input === '+') setState(voteKey(state, 'right'))
    if (input === ' ') setState(voteKey(state, 'toggle'))
  })
  return h(VoteFrame, { state })
}

/** Lets a person fill in a ballot on the terminal; null if they leave without one. */
export async function askBallot(
  start: VoteState,
  streams: Streams,
  signal: AbortSignal,
): Promise<Ballot | null> {
  let result: Ballot | null = null
  // The ballot is asked on stderr: stdout carries the result and nothing else.
  const app = render(h(VoteLive, { start, done: (ballot) => void (result = ballot) }), {
    stdout: streams.stderr,
    stdin: streams.stdin,
    patchConsole: false,
  })
  await untilExit(app, signal)
  signal.throwIfAborted()
  return result
}
