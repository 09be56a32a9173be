import { Box, render, Text, useApp, useInput, useStdin, type Instance, type Key } from 'ink'
import { createElement as h, useSyncExternalStore, type ReactElement } from 'react'
import type { Streams } from '../output.ts'
import { safe } from './node.ts'

/** A state that changes, as React reads it. */
export interface LiveSource<State> {
  state(): State
  subscribe(watch: () => void): () => void
}

/** What a live view needs. */
export interface LiveProps<State> {
  readonly source: LiveSource<State>
  /** Columns and lines of the terminal as it is now. */
  readonly size: () => { readonly width: number; readonly height: number }
}

/** Lines of a terminal that does not say how many it has. */
export const defaultHeight = 30
const defaultWidth = 100

/** A titled part of a frame; lines that do not fit are cut off. */
export function section(title: string, text: string): ReactElement {
  return h(
    Box,
    { flexDirection: 'column', marginTop: 1 },
    h(Text, { color: 'cyan', wrap: 'truncate-end' }, title),
    ...text.split('\n').map((line, index) => h(Text, { key: index, wrap: 'truncate-end' }, line)),
  )
}

/** What went wrong, in red; nothing where nothing did. */
export function problemLine(problem: string | undefined): ReactElement | null {
  return problem === undefined ? null : h(Text, { color: 'red', wrap: 'truncate-end' }, `! ${safe(problem)}`)
}

/** The last line of a frame: the time, and what the keys do. */
export function footer(nowMs: number, keys = 'q quits'): ReactElement {
  return h(Text, { dimColor: true }, `${new Date(nowMs).toISOString().slice(11, 19)} UTC   ${keys}`)
}

/** The state of a source, read anew at each change. */
export function useLiveState<State>(source: LiveSource<State>): State {
  return useSyncExternalStore(
    (watch) => source.subscribe(watch),
    () => source.state(),
  )
}

/** Ends the view at `q`; other keys go to `onKey`. Without a terminal for input there are none. */
export function useKeys(onKey: (key: Key) => void = () => {}): void {
  const { isRawModeSupported } = useStdin()
  const { exit } = useApp()
  useInput((input, key) => (input === 'q' ? exit() : onKey(key)), { isActive: isRawModeSupported })
}

/** Shows a live view on the terminal's second screen until `q`, Ctrl-C or `signal`. */
export async function showLive<State>(
  view: (props: LiveProps<State>) => ReactElement,
  source: LiveSource<State>,
  streams: Streams,
  signal: AbortSignal,
): Promise<void> {
  const stdout = streams.stdout as NodeJS.WriteStream
  const size = (): { width: number; height: number } => ({
    width: stdout.columns ?? defaultWidth,
    height: stdout.rows ?? defaultHeight,
  })
  const app = render(h(view, { source, size }), {
    stdout,
    stdin: streams.stdin,
    alternateScreen: true,
    incrementalRendering: true,
    patchConsole: false,
  })
  await untilExit(app, signal)
}

/** Waits for the end of a view, and ends it at `signal`. */
export async function untilExit(app: Instance, signal: AbortSignal): Promise<void> {
  const onAbort = (): void => app.unmount()
  signal.addEventListener('abort', onAbort, { once: true })
  // It may have come while the view was being loaded.
  if (signal.aborted) onAbort()
  try {
    await app.waitUntilExit()
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
