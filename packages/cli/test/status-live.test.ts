import { PassThrough, Writable } from 'node:stream'
import { createElement as h } from 'react'
import { render } from 'ink-testing-library'
import t from 'tap'
import { openClient } from '@x0t/local-api'
import type { Clock } from '@x0t/core'
import { openStatusFeed } from '../src/commands/node/status-feed.ts'
import {
  eventArrived,
  sampleArrived,
  sparkline,
  startState,
  type LiveState,
} from '../src/views/live-state.ts'
import { renderStatusFrame, showStatusLive, StatusLive } from '../src/views/status-live.ts'
import { fakeDaemon, nodeB, sampleEvents, samplePeer, sampleRoute, sampleStatus } from './fake-daemon.ts'
import { runCli, shortFolder } from './run-cli.ts'

const nowMs = Date.parse('2026-01-01T12:00:00Z')
const sample = { status: sampleStatus, peers: [samplePeer], routes: [sampleRoute], nowMs }

t.test('a sparkline scales to its largest value and shows the newest on the right', async (t) => {
  t.equal(sparkline([0, 1, 2, 7], 4), '▁▂▃█')
  t.equal(sparkline([9, 0, 0], 2), '▁▁')
  t.equal(sparkline([], 3), '▁')
})

t.test('samples add to the rates, and never more than two minutes are kept', async (t) => {
  let state: LiveState = startState
  for (let second = 0; second < 200; second++) state = sampleArrived(state, sample)
  t.equal(state.sent.length, 120)
  t.equal(state.sent.at(-1), 125_000)
  t.equal(state.received.at(-1), 12_500)
})

t.test('peers stand by name and routes by cost', async (t) => {
  const other = { ...samplePeer, name: 'aaron' }
  const near = { ...sampleRoute, costUs: 1 }
  const state = sampleArrived(startState, {
    ...sample,
    peers: [samplePeer, other, samplePeer],
    routes: [sampleRoute, near],
  })
  t.strictSame(
    state.peers.map(({ name }) => name),
    ['aaron', 'beta', 'beta'],
  )
  t.strictSame(
    state.routes.map(({ costUs }) => costUs),
    [1, 1234],
  )
})

t.test('events are kept, the last fifty, without debug', async (t) => {
  let state = startState
  for (let i = 0; i < 60; i++) for (const event of sampleEvents) state = eventArrived(state, event)
  t.equal(state.events.length, 50)
  t.ok(state.events.every(({ level }) => level !== 'debug'))
})

t.test('a frame shows node, rates, peers, routes and events', async (t) => {
  const state = eventArrived(sampleArrived(startState, sample), sampleEvents[0]!)
  const frame = renderStatusFrame(state, 120)
  for (const words of [
    'alpha',
    'fd78::1',
    'up 1h 2m',
    '1.0 Mbit/s',
    'beta',
    '0.42 ms',
    '0.50 %',
    'gamma',
    '1.23 ms',
    'neighbour-up',
  ])
    t.ok(frame.includes(words), words)
  const lonely = sampleArrived(startState, { ...sample, peers: [], routes: [] })
  t.match(renderStatusFrame({ ...lonely, problem: 'gone\u001b[2J' }, 80), /! gone\uFFFD\[2J/)
  t.match(renderStatusFrame(lonely, 80), /no neighbours/)
  t.match(renderStatusFrame({ ...lonely, routes: [{ ...sampleRoute, alternate: nodeB }] }, 80), /bbbbbbbbbb/)
  t.match(renderStatusFrame(startState, 80), /asking the node/)
})

t.test('the live view follows its feed and q ends it', async (t) => {
  let state = sampleArrived(startState, sample)
  let watch = (): void => {}
  let watchers = 0
  const feed = {
    state: () => state,
    subscribe(run: () => void) {
      watch = run
      watchers++
      return () => void watchers--
    },
  }
  const app = render(h(StatusLive, { source: feed, size: () => ({ width: 100, height: 40 }) }))
  const until = async (good: () => boolean): Promise<void> => {
    while (!good()) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => watchers === 1)
  t.match(app.lastFrame(), /none yet/)
  state = eventArrived(state, sampleEvents[0]!)
  watch()
  await until(() => app.lastFrame()?.includes('neighbour-up') === true)
  app.stdin.write('x')
  t.equal(watchers, 1)
  app.stdin.write('q')
  await until(() => watchers === 0)
})

/** Streams of a terminal that keep what is printed. */
function terminal(printed: string[]): Parameters<typeof showStatusLive>[1] {
  const stdout = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        printed.push(String(chunk))
        done()
      },
    }),
    { isTTY: true, columns: 80, rows: 20 },
  )
  return { stdin: new PassThrough(), stdout, stderr: stdout, env: {} }
}

t.test('a signal ends the live view, and leaves the terminal as it was', async (t) => {
  const abort = new AbortController()
  const printed: string[] = []
  let watchers = 0
  const subscribed = Promise.withResolvers<void>()
  const state = sampleArrived(startState, sample)
  const feed = {
    state: () => state,
    subscribe() {
      watchers++
      subscribed.resolve()
      return () => void watchers--
    },
  }
  const shown = showStatusLive(feed, terminal(printed), abort.signal)
  await subscribed.promise
  abort.abort(new Error('stop'))
  await t.rejects(shown, { message: 'stop' })
  t.equal(watchers, 0)
  const text = printed.join('')
  t.equal(text.includes('\u001b[?1049h'), text.includes('\u001b[?1049l'))
})

t.test('a signal that came while the view was loaded ends it too', { timeout: 10_000 }, async (t) => {
  // As a connection to the node would: with nothing left to wait for, Node.js ends a view by itself.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  const state = sampleArrived(startState, sample)
  const feed = { state: () => state, subscribe: () => () => {} }
  const shown = showStatusLive(feed, terminal([]), AbortSignal.abort(new Error('stop')))
  await t.rejects(shown, { message: 'stop' })
})

t.test('the feed asks every second, hears events, and shows a node that went away', async (t) => {
  const socketPath = `${shortFolder(t)}/s`
  let answers = 0
  let tick = (): void => {}
  const clock: Clock = {
    wallMs: () => nowMs,
    monotonicMs: () => 0,
    setTimer(_, run) {
      tick = run
      return () => void (tick = () => {})
    },
  }
  const daemon = await fakeDaemon(socketPath, {
    status: () => ({ ...sampleStatus, peers: answers++ }),
    peers: () => ({ peers: [samplePeer] }),
    meshRoutes: () => ({ routes: [sampleRoute] }),
    async *events() {
      yield* sampleEvents
    },
  })
  await using feed = await openStatusFeed(openClient({ socketPath }), {
    clock,
    signal: new AbortController().signal,
  })
  t.equal(feed.state().status?.name, 'alpha')
  const until = (good: (state: LiveState) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!good(feed.state())) return
        stop()
        resolve()
      }
      const stop = feed.subscribe(look)
      look()
    })
  await until((state) => state.events.length === 1)
  tick()
  await until((state) => state.sent.length === 2)
  t.equal(answers, 2)
  await daemon[Symbol.asyncDispose]()
  tick()
  await until((state) => state.problem !== undefined)
  t.match(feed.state().problem, /no node answers/)
})

t.test('in a pipe status --watch prints one frame', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    status: () => sampleStatus,
    peers: () => ({ peers: [samplePeer] }),
    meshRoutes: () => ({ routes: [] }),
    async *events() {},
  })
  void daemon
  const { code, stdout } = await runCli(['node', 'status', '--watch', '--home', home])
  t.equal(code, 0)
  t.match(stdout, /PEERS\n.*\nbeta/)
  t.notOk(stdout.includes('\u001b'))
})
