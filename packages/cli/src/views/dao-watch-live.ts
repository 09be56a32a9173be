import { Box, renderToString, Text } from 'ink'
import { createElement as h, useState, type ReactElement } from 'react'
import { shortId } from '../commands/dao/find-by-prefix.ts'
import type { Streams } from '../output.ts'
import { scoresTable } from './dao-tally.ts'
import { arrivedWords } from './dao-watch-lines.ts'
import { watchOrder, type DaoWatchState, type WatchedProposal } from './dao-watch-state.ts'
import { away, count } from './dao-words.ts'
import {
  defaultHeight,
  footer,
  problemLine,
  section,
  showLive,
  useKeys,
  useLiveState,
  type LiveProps,
  type LiveSource,
} from './live-screen.ts'
import { safe } from './node.ts'
import { columns } from './table.ts'

/** One frame: the proposals, the count of one of them, and the records that came last. */
export function DaoWatchFrame(props: {
  readonly state: DaoWatchState
  readonly at: number
  readonly width: number
  readonly height?: number
}): ReactElement {
  const { state, width } = props
  const proposals = watchOrder(state.proposals)
  const at = Math.min(props.at, Math.max(0, proposals.length - 1))
  const chosen = proposals[at]
  const height = props.height ?? defaultHeight
  const listRoom = Math.max(3, Math.floor(height / 3))
  const first = Math.max(0, at - listRoom + 1)
  const eventRoom = Math.max(
    3,
    height - Math.min(proposals.length, listRoom) - (chosen?.report.choices.length ?? 0) - 13,
  )
  return h(
    Box,
    { flexDirection: 'column', width },
    h(Text, { bold: true, wrap: 'truncate-end' }, `${safe(state.name)}  ${count(state.records, 'record')}`),
    problemLine(state.problem),
    section('PROPOSALS', listRows(proposals.slice(first, first + listRoom), at - first, state.nowMs)),
    chosen === undefined ? null : section(`COUNT: ${safe(chosen.title)}`, countRows(chosen, width)),
    section('RECORDS', state.arrived.slice(-eventRoom).map(arrivedWords).join('\n') || 'none came yet'),
    footer(state.nowMs, '↑ ↓ another proposal   q quits'),
  )
}

function listRows(proposals: readonly WatchedProposal[], at: number, nowMs: number): string {
  if (proposals.length === 0) return 'none'
  return columns(
    ['', 'PROPOSAL', 'STATE', 'ENDS', 'BALLOTS', 'TITLE'],
    proposals.map((one, index) => [
      index === at ? '>' : ' ',
      shortId(one.id),
      one.state,
      away(one.closesMs, nowMs),
      `${one.voices} of ${one.electorate}`,
      safe(one.title).slice(0, 50),
    ]),
  )
}

function countRows({ report }: WatchedProposal, width: number): string {
  const barWidth = Math.max(8, Math.min(40, width - 60))
  const checks = report.tally.checks
    .map(({ rule, holds, found, needed }) => `${rule} ${holds ? 'holds' : 'FAILS'} (${found} of ${needed})`)
    .join(', ')
  return `${scoresTable(report.tally, report.choices, barWidth)}\n${report.isFinal ? 'final' : 'provisional'}: ${report.tally.outcome}${checks === '' ? '' : `; ${checks}`}`
}

/** The frame of a source, drawn again at each change; `q` ends it. */
export function DaoWatchLive({ source, size }: LiveProps<DaoWatchState>): ReactElement {
  const state = useLiveState(source)
  const [at, setAt] = useState(0)
  useKeys((key) => {
    if (key.upArrow) setAt(Math.max(0, at - 1))
    if (key.downArrow) setAt(Math.min(Math.max(0, state.proposals.length - 1), at + 1))
  })
  return h(DaoWatchFrame, { state, at, ...size() })
}

/** The frame as text. */
export function renderDaoWatchFrame(state: DaoWatchState, width: number, at = 0): string {
  return renderToString(h(DaoWatchFrame, { state, at, width }), { columns: width })
}

/** Shows the view on the terminal's second screen until `q`, Ctrl-C or `signal`. */
export async function showDaoWatchLive(
  source: LiveSource<DaoWatchState>,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  await showLive(DaoWatchLive, source, streams, signal)
}
