import { PassThrough } from 'node:stream'
import { createElement as h } from 'react'
import { render } from 'ink-testing-library'
import t from 'tap'
import type { ObjectInventory } from '@x0t/bpf'
import { renderWatchFrame, showWatchLive, WatchLive } from '../src/views/bpf-live.ts'
import { countersArrived, eventSeen, watchStart, type WatchState } from '../src/views/bpf-watch-state.ts'
import {
  attachedView,
  detachedView,
  featuresView,
  inventoryView,
  loadedView,
  objectView,
  programView,
  replacedView,
  unloadedView,
  watchEvent,
} from '../src/views/bpf.ts'
import { dumpView } from '../src/views/bpf-dump.ts'
import { testView, verifyView } from '../src/views/bpf-verify.ts'

const atMs = Date.parse('2026-01-01T10:00:00Z')
const counter = { program: 'p', runs: 20, runsPerSecond: 10, nsPerRun: 50 }

t.test('the live view counts all events, keeps the newest, and draws the rate of all programs', async (t) => {
  let state: WatchState = watchStart('connections')
  for (let i = 0; i < 250; i += 1)
    state = eventSeen(state, { atMs: atMs + i, map: 'ring', event: { number: i } })
  t.equal(state.eventCount, 250)
  t.equal(state.events.length, 200)
  t.match(state.events.at(-1), { event: { number: 249 } })
  for (let i = 0; i < 130; i += 1)
    state = countersArrived(state, [counter, { ...counter, program: 'q' }], atMs)
  t.equal(state.rates.length, 120)
  t.equal(state.rates[0], 20)
  const frame = renderWatchFrame({ ...state, problem: 'it broke' }, 100)
  t.match(
    frame,
    /connections  250 events[^]*! it broke[^]*runs\/s +20[^]*p +20 +10\.0 +50[^]*number=249[^]*q quits/,
  )
  t.match(renderWatchFrame(watchStart('flow'), 100), /counting …[^]*none yet/)
})

t.test('the live view is drawn again with each change, and ends on q or with the command', async (t) => {
  let state = watchStart('flow')
  const watchers = new Set<() => void>()
  const source = {
    state: () => state,
    subscribe(watch: () => void) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
  }
  const app = render(h(WatchLive, { source, size: () => ({ width: 80, height: 20 }) }))
  t.match(app.lastFrame(), /flow  0 events/)
  state = eventSeen(state, { atMs, map: 'ring', event: 'c0ffee' })
  for (const watch of watchers) watch()
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.match(app.lastFrame(), /flow  1 events[^]*ring "c0ffee"/)
  app.unmount()

  const terminal = (): PassThrough & { isTTY: boolean; columns: number; rows: number } =>
    Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 20 })
  const stdin = Object.assign(terminal(), { setRawMode() {}, ref() {}, unref() {} })
  const streams = { stdin, stdout: terminal(), stderr: terminal(), env: {} }
  const abort = new AbortController()
  const shown = showWatchLive(source, streams, abort.signal)
  setTimeout(() => abort.abort(), 50)
  await shown
  t.equal(watchers.size, 0, 'nothing listens any more')
})

const info = {
  id: 7,
  name: 'p',
  type: 'xdp',
  tag: 'abcd',
  mapIds: [1, 2],
  loadedAtMs: atMs,
  instructionBytes: 80,
  jitedBytes: 90,
  verifiedInstructions: 11,
  runCount: 0,
  runTimeNs: 0,
  pins: [],
}
const object: ObjectInventory = {
  name: 'flow',
  state: 'loaded',
  programs: [
    { name: 'p', pin: '/p', info },
    { name: 'gone', pin: '/g', info: undefined },
  ],
  maps: [{ name: 'm', pin: '/m', info: undefined }],
  links: [
    { name: 'p@eth0-xdp', pin: '/l', info: undefined },
    { name: 'p@eth1.7-ingress@4026532000', pin: '/l2', info: undefined },
  ],
  chained: [{ program: 'p', link: 'x0t_chain-1@eth2-xdp', priority: 5, proceedOn: [2] }],
}

t.test('a list tells where programs run, other network namespaces, and what is half done', async (t) => {
  const view = inventoryView({ root: '/r', namespace: null, objects: [object] })
  t.match(
    view,
    /flow +p +7 +xdp +eth0 xdp, eth1\.7 ingress \(netns 4026532000\), eth2 xdp \(chain, priority 5\) +2026-01-01 10:00:00/,
  )
  t.match(view, /flow +gone +- +- +- +-/)
  t.match(inventoryView({ root: '/r', namespace: 4026532000, objects: [object] }), /eth1\.7 ingress, /)
  t.match(inventoryView({ root: '/r', namespace: null, objects: [] }), 'nothing is loaded under /r')
  const half = { ...object, state: 'loading', programs: [] } as const
  t.match(
    inventoryView({ root: '/r', namespace: null, objects: [half, { ...object, state: 'unloading' }] }),
    /HALF LOADED[^]*HALF UNLOADED[^]*x0t bpf unload flow removes it/,
  )
  t.match(
    objectView(object),
    /PROGRAM[^]*gone +-[^]*MAP[^]*m +-[^]*p@eth0-xdp[^]*p@eth2-xdp +- +chain +eth2 xdp +priority 5/,
  )
  t.match(objectView({ ...half, maps: [], links: [], chained: [] }), /flow \(HALF LOADED\)$/)
  t.match(
    programView({ program: info, links: [], holders: [{ pid: 5, command: 'node' }] }),
    /program +7 p[^]*size +10 instructions[^]*links +none[^]*held by +node \(5\)/,
  )
})

t.test('what commands did is told in words', async (t) => {
  const refusal = { program: 'q', code: 'BPF_UNSUPPORTED', message: 'no', hint: 'try', log: 'line' } as const
  t.match(
    loadedView({ name: 'o', folder: '/f', programs: [{ name: 'p', id: 1 }], maps: [], refusals: [refusal] }),
    /p \(1\)[^]*maps +none\nREFUSED q: no\n  hint: try/,
  )
  const chain = { number: 0, link: 'x', entries: [{ programId: 1, priority: 1, proceedOn: [2] }] }
  t.match(
    attachedView({ attached: [{ kind: 'chain', object: 'o', program: 'p', target: 'eth0 xdp', chain }] }),
    'attached o/p to the chain of eth0 xdp, 1 program',
  )
  t.equal(
    detachedView({ object: 'o', links: ['p@eth0-xdp'], chains: ['x0t_chain-0@eth1-xdp'] }),
    'detached o/p@eth0-xdp\ndetached o from the chain of eth1 xdp',
  )
  const remaining = [
    { kind: 'program', id: 4, name: 'p', holders: [{ pid: 9, command: 'other' }] },
    { kind: 'map', id: 5, name: 'm', holders: [] },
  ] as const
  t.match(
    unloadedView({ name: 'o', programs: ['p'], maps: ['m', 'n'], links: [], remaining }),
    /0 links, 1 program, 2 maps\nSTILL IN THE KERNEL: program 4 p, held by other \(9\)\n.*map 5 m, held by no process/,
  )
  const replaced = {
    outcome: 'rolled-back',
    object: 'o',
    name: 'p@eth0-xdp',
    id: 1,
    path: '/',
    previousProgramId: 1,
    programId: 2,
    checks: 1,
  } as const
  t.match(replacedView(replaced), /^ROLLED BACK to program 1[^]*\(1 health check\)/)
  t.match(
    replacedView({ ...replaced, outcome: 'replaced', checks: 0 }),
    /^replaced program 1 by 2 at o\/p@eth0-xdp$/,
  )
  t.equal(watchEvent({ atMs, map: 'r', event: { a: 'x', b: [1] } }), '10:00:00.000 r a=x b=[1]')
  const feature = {
    name: 'xdp',
    status: 'refused',
    detail: 'no right',
    hint: 'be root',
    usedBy: 'guard',
  } as const
  t.match(
    featuresView({ reason: 'bpftool, because', features: [feature] }),
    /xdp +REFUSED +no right +guard\n\nby bpftool, because\nxdp: be root/,
  )
  t.match(
    featuresView({
      reason: 'x',
      features: [{ ...feature, status: 'works', detail: 'works', hint: undefined }],
    }),
    /all is well/,
  )
})

t.test('entries are columns by field; nested fields have their path', async (t) => {
  const entries = [
    { key: { peer: { peer: 'x', port: 80 }, list: [1, 2] }, value: 5 },
    { key: { peer: { peer: 'y', port: 81 } }, value: null },
  ]
  t.equal(
    dumpView({ object: 'o', map: 'm', type: 'hash', entries }).replaceAll(/ +/g, ' '),
    'PEER.PEER PEER.PORT LIST VALUE\nx 80 [1,2] 5\ny 81 null',
  )
  t.equal(dumpView({ object: 'o', map: 'm', type: 'hash', entries: [] }), 'o/m (hash) has no such entries')
})

t.test('what a kernel does not tell is a dash', async (t) => {
  const program = {
    name: 'p',
    section: 'xdp',
    instructions: 2,
    jitedBytes: null,
    processedInstructions: undefined,
    peakStates: undefined,
    stackBytes: [],
  }
  const refusal = {
    program: 'q',
    code: 'BPF_PROGRAM_REFUSED',
    message: 'no',
    hint: undefined,
    log: 'x.c:1: y',
  } as const
  t.match(
    verifyView({ object: 'o', programs: [{ ...program, log: 'text' }], maps: [], refusals: [refusal] }),
    /p +xdp +2 +- +- +- +-[^]*LOG OF p\ntext[^]*REFUSED q: no\nx\.c:1: y/,
  )
  t.match(verifyView({ object: 'o', programs: [], maps: [], refusals: [] }), /takes all of o/)
  t.match(
    testView({ program: 'p', results: [{ bytes: 4, verdictName: 'tx', expected: false, changed: true }] }),
    /1 +4 +tx +yes +NO/,
  )
})
