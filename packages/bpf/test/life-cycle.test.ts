import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  applyManifest,
  attachProgram,
  detachProgram,
  findPinned,
  findPinnedMap,
  findPinnedProgram,
  linkName,
  loadAndPin,
  nameOfPin,
  objectFolder,
  parseManifest,
  pinName,
  readChains,
  readInventory,
  readPins,
  replaceLink,
  requireBpffs,
  targetFor,
  unloadObject,
  type AttachRequest,
  type LoadOptions,
  type StepHook,
} from '../src/index.ts'
import { beginObject, removeObject } from '../src/pin-tree.ts'
import { fakeChain, fakeChainable, fakeObject, FakeKernel } from './fake-kernel.ts'

const flow = fakeObject({
  programs: [
    { name: 'flow_ingress', type: 'sched_cls' },
    { name: 'flow_egress', type: 'sched_cls' },
  ],
  maps: [{ name: 'flows' }, { name: '.rodata', constant: 1 }],
})
const guard = fakeChainable({ programs: [{ name: 'guard', type: 'xdp' }] })
const tap = fakeChainable({ programs: [{ name: 'count', type: 'xdp' }] })

/** The commands, each as if by a process of its own: nothing but the kernel and the pins is shared. */
function machine(t: {
  teardown(run: () => void): void
}): ReturnType<typeof commands> & { readonly kernel: FakeKernel; readonly root: string } {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-pins-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const kernel = new FakeKernel(folder)
  const root = `${folder}/x0t`
  return { kernel, root, ...commands(kernel, root) }
}

function commands(kernel: FakeKernel, root: string) {
  const wait = async (): Promise<void> => undefined
  const chainFile = async (): Promise<Uint8Array> => fakeChain
  const ip = '[{"xdp":{"mode":1,"prog":{"id":999}}}]'
  const surroundings = { root, chainFile, wait, run: async () => ip }
  return {
    surroundings,
    load: async (name: string, object: Uint8Array, options?: LoadOptions, onStep?: StepHook) =>
      loadAndPin(kernel, {
        root,
        name,
        object,
        chainFile,
        ...(options === undefined ? {} : { options }),
        ...(onStep === undefined ? {} : { onStep }),
      }),
    attach: async (program: string, request: AttachRequest) =>
      attachProgram(kernel, await findPinnedProgram(root, program), request, surroundings),
    detach: async (reference: string) => detachProgram(kernel, { root, reference, wait }),
    unload: async (name: string) => unloadObject(kernel, { root, name, wait }),
    list: async () => readInventory(kernel, root),
  }
}

t.test(
  'what is loaded can be listed, attached, detached and unloaded, and then nothing is left',
  async (t) => {
    const { kernel, root, load, attach, detach, unload, list } = machine(t)
    t.strictSame(await list(), [])
    const loaded = await load('flow', flow)
    t.strictSame(
      loaded.maps.map(({ name }) => name),
      ['flows', '.rodata'],
    )
    t.strictSame(kernel.alive(), ['map .rodata', 'map flows', 'program flow_egress', 'program flow_ingress'])
    t.match(await attach('flow/flow_ingress', { interface: 'eth0' }), {
      kind: 'link',
      name: 'flow_ingress@eth0-ingress',
      target: 'eth0 ingress',
    })
    await attach('flow/flow_egress', { interface: 'eth0.7' })
    await t.rejects(attach('flow/flow_egress', { interface: 'eth0.7' }), { code: 'BPF_ALREADY_ATTACHED' })
    t.match(await list(), [
      {
        name: 'flow',
        state: 'loaded',
        programs: [{ name: 'flow_egress', info: { type: 'sched_cls' } }, {}],
        maps: [{ name: '.rodata' }, { name: 'flows' }],
        links: [
          { name: 'flow_egress@eth0.7-egress' },
          { name: 'flow_ingress@eth0-ingress', info: { target: 'eth0 ingress' } },
        ],
      },
    ])
    t.match(await detach('flow/flow_ingress'), { links: ['flow_ingress@eth0-ingress'] })
    t.strictSame(kernel.attachedTo('eth0 ingress'), [])
    await t.rejects(detach('flow/flow_ingress'), { code: 'BPF_NOT_ATTACHED', hint: /flow_egress@eth0\.7/ })
    t.match(await unload('flow'), { links: ['flow_egress@eth0.7-egress'], remaining: [] })
    t.strictSame(kernel.alive(), [])
    t.strictSame(await readPins(root), [])
    t.throws(() => readdirSync(root), { code: 'ENOENT' })
  },
)

t.test(
  'names that are not loaded, not unique or not of this object are errors with what there is',
  async (t) => {
    const { root, load, detach, unload } = machine(t)
    await load('flow', flow)
    await t.rejects(load('flow', flow), { code: 'BPF_ALREADY_LOADED' })
    await t.rejects(load('a b', flow), { code: 'BPF_NAME_INVALID' })
    await t.rejects(findPinnedProgram(root, 'flow'), { code: 'BPF_PROGRAM_NOT_FOUND', message: /2 programs/ })
    await t.rejects(findPinnedProgram(root, 'flow/x'), {
      code: 'BPF_PROGRAM_NOT_FOUND',
      hint: /flow\/flow_egress, flow\/flow_ingress/,
    })
    await t.rejects(findPinnedMap(root, 'flow/x'), { code: 'BPF_MAP_NOT_FOUND' })
    t.equal((await findPinnedMap(root, 'flow/flows')).map.name, 'flows')
    await t.rejects(unload('other'), { code: 'BPF_NOT_LOADED' })
    await t.rejects(detach('other'), { code: 'BPF_NOT_LOADED' })
    await t.rejects(requireBpffs(root), { code: 'BPF_NO_BPFFS', hint: /mount -t bpf/ })
  },
)

t.test('objects can be begun while others take theirs, and the folder of all, away', async (t) => {
  const { root } = machine(t)
  const round = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) {
      await beginObject(root, name)
      await removeObject(root, name)
    }
  }
  await t.resolves(Promise.all(['a', 'b', 'c', 'd'].map(round)))
  t.strictSame(await readPins(root), [])
})

t.test('refused programs are left out; if all are, nothing is left', async (t) => {
  const { kernel, load, list } = machine(t)
  const programs = [
    { name: 'a', type: 'xdp' },
    { name: 'b', type: 'xdp' },
  ]
  t.match(await load('half', fakeObject({ programs, refused: ['b'] })), {
    programs: [{ name: 'a' }],
    refusals: [{ program: 'b' }],
  })
  await t.rejects(load('none', fakeObject({ programs, refused: ['a', 'b'] })), {
    code: 'BPF_NOTHING_LOADED',
    message: /a: invalid access; b: invalid access/,
  })
  await t.rejects(load('empty', fakeObject({ programs: [] })), { message: /holds no program/ })
  t.strictSame(
    (await list()).map(({ name }) => name),
    ['half'],
  )
  t.strictSame(kernel.alive(), ['program a'])
})

t.test('a load that is killed at any step leaves only what list shows and unload removes', async (t) => {
  const steps: string[] = []
  await machine(t).load('flow', flow, undefined, (step) => void steps.push(step))
  t.equal(steps.length, 2 + 2 + 2, 'folder, load, two maps, two programs')
  for (const killedAt of steps) {
    const { kernel, load, unload, list } = machine(t)
    // A killed process runs nothing more, so this load never goes on: its handles are those that the kernel closes.
    await new Promise<void>((resolve) => {
      void load('flow', flow, undefined, async (step) => {
        if (step !== killedAt) return
        resolve()
        await new Promise(() => {})
      })
    })
    kernel.closeAllHandles()
    t.match(await list(), [{ name: 'flow', state: 'loading' }], killedAt)
    await t.rejects(load('flow', flow), { code: 'BPF_HALF_DONE' }, killedAt)
    await unload('flow')
    t.strictSame(await list(), [], killedAt)
    t.strictSame(kernel.alive(), [], killedAt)
    await load('flow', flow)
  }
})

t.test('an unload that is killed half-way is shown and finished by the next', async (t) => {
  const { kernel, root, load, unload, list } = machine(t)
  mkdirSync(`${objectFolder(root, 'flow', 'unloading')}/maps`, { recursive: true })
  t.match(await list(), [{ name: 'flow', state: 'unloading' }])
  await t.rejects(findPinned(root, 'flow'), { code: 'BPF_HALF_DONE' })
  await load('flow', flow)
  t.match(await list(), [{ state: 'loaded' }, { state: 'unloading' }])
  await unload('flow')
  t.strictSame(kernel.alive(), [])
  mkdirSync(`${root}/of+someone+else`, { recursive: true })
  writeFileSync(`${root}/note`, 'program 0')
  t.strictSame(await readPins(root), [], 'what is not ours is not touched')
})

t.test('what is still held after an unload is reported', async (t) => {
  const { kernel, load, unload } = machine(t)
  const { programs } = await load('flow', flow)
  using held = await kernel.openProgram({ id: programs[0]!.id })
  t.match((await unload('flow')).remaining, [{ kind: 'program', id: held.id, name: 'flow_ingress' }])
})

t.test('XDP programs share an interface in the order of their priority', async (t) => {
  const { kernel, root, load, attach, detach, unload, list } = machine(t)
  await load('guard', guard)
  await load('tap', tap)
  t.strictSame(
    (await list()).map(({ name }) => name),
    ['chain', 'guard', 'tap'],
  )
  await attach('guard', { interface: 'eth0', priority: 20 })
  await attach('tap', { interface: 'eth0', priority: 10, proceedOn: ['pass', 'tx'] })
  await attach('tap', { interface: 'eth1', proceedOn: ['drop'] })
  const ids = Object.fromEntries((await kernel.listPrograms()).map(({ name, id }) => [name, id]))
  const chains = async (): Promise<unknown> =>
    (await readChains(kernel, root)).map(({ link, entries }) => [
      link,
      ...entries.map(({ programId, priority, proceedOn }) => [programId, priority, ...proceedOn]),
    ])
  t.strictSame(await chains(), [
    ['x0t_chain-0@eth0-xdp', [ids['count'], 10, 2, 3], [ids['guard'], 20, 2]],
    ['x0t_chain-1@eth1-xdp', [ids['count'], 500, 1]],
  ])
  t.equal(kernel.attachedTo('eth0 xdp').length, 1, 'one head is attached')
  t.match(
    (await list()).find(({ name }) => name === 'tap'),
    { chained: [{ program: 'count', priority: 10 }, { priority: 500 }] },
  )
  await t.rejects(unload('chain'), { code: 'BPF_CHAIN_IN_USE' })
  // Detached from one interface only; then the chain of eth0 holds the guard alone, and that of eth1 is left.
  t.match(await detach('tap/count@eth0-xdp'), { chains: ['x0t_chain-0@eth0-xdp'], links: [] })
  t.strictSame(await chains(), [
    ['x0t_chain-0@eth0-xdp', [ids['guard'], 20, 2]],
    ['x0t_chain-1@eth1-xdp', [ids['count'], 500, 1]],
  ])
  await unload('tap')
  t.strictSame(kernel.attachedTo('eth1 xdp'), [], 'an empty chain is taken off')
  t.notOk(kernel.alive().includes('program count'))
  await unload('guard')
  t.strictSame(kernel.alive(), [], 'the chain goes with the last program of it')
})

t.test('a program that has the interface for itself is joined there, in one step', async (t) => {
  const { kernel, root, surroundings, load, attach, detach, unload, list } = machine(t)
  await load('guard', guard)
  await load('tap', tap)
  await attach('guard', { interface: 'eth0' })
  const [link] = await kernel.listLinks()
  const ids = Object.fromEntries((await kernel.listPrograms()).map(({ name, id }) => [name, id]))
  const chains = async (): Promise<unknown> =>
    (await readChains(kernel, root)).map(({ link, entries }) => [
      link,
      ...entries.map(({ programId, priority }) => [programId, priority]),
    ])
  await attach('tap', { interface: 'eth0', priority: 5 })
  const shared = [['x0t_chain-0@eth0-xdp', [ids['count'], 5], [ids['guard'], 800]]]
  t.strictSame(await chains(), shared)
  t.match(await kernel.listLinks(), [{ id: link!.id }], 'the link that was there has the chain now')
  t.match(await list(), [{ name: 'chain', links: [{}] }, { name: 'guard', links: [] }, { name: 'tap' }])
  const manifest = parseManifest(
    '{"objects": [{"object": "guard", "attach": [{"program": "guard", "interface": "eth0"}]}]}',
  )
  t.match(
    await applyManifest(kernel, { ...surroundings, manifest, readObject: async () => guard }),
    [{ action: 'unchanged' }, { action: 'unchanged' }],
    'a manifest that wants it attached finds it so',
  )
  t.match(await detach('guard'), { chains: ['x0t_chain-0@eth0-xdp'] })
  await attach('guard', { interface: 'eth1' })
  await attach('guard', { interface: 'eth1', priority: 7 })
  t.match(await chains(), [[], ['x0t_chain-1@eth1-xdp', [ids['guard'], 7]]], 'itself too, with a priority')

  // Killed when the link had its new name, but the chain not yet its head.
  await detach('guard')
  await attach('guard', { interface: 'eth1' })
  const pins = (await readPins(root)).find(({ name }) => name === 'guard')!.links
  renameSync(pins[0]!.path, `${root}/chain/links/x0t_chain-1@eth1-xdp`)
  await attach('tap', { interface: 'eth1', priority: 9 })
  t.match(await chains(), [[], ['x0t_chain-1@eth1-xdp', [ids['count'], 9], [ids['guard'], 800]]])
  t.notMatch(kernel.attachedTo('eth1 xdp'), [ids['guard']])

  // An interface that went away and came back has no chain.
  kernel.removeInterface('eth0')
  await attach('guard', { interface: 'eth0', priority: 3 })
  t.match(await chains(), [
    ['x0t_chain-0@eth0-xdp', [ids['guard'], 3]],
    ['x0t_chain-1@eth1-xdp', [], []],
  ])
  t.equal(kernel.attachedTo('eth0 xdp').length, 1)
  await unload('guard')
  await unload('tap')
  t.strictSame(kernel.alive(), [])
})

t.test('a program that is in the way is named, and how to go on', async (t) => {
  const { load, attach } = machine(t)
  await load('guard', guard)
  await attach('guard', { interface: 'eth0' })
  await load('tap', tap)
  await t.rejects(attach('tap', { interface: 'eth0' }), {
    code: 'BPF_BUSY',
    message: /program 999/,
    hint: /x0t bpf show 999/,
  })
  await load('plain', fakeObject({ programs: [{ name: 'plain', type: 'xdp' }] }))
  await t.rejects(attach('plain', { interface: 'eth1', priority: 1 }), { code: 'BPF_NOT_CHAINABLE' })
  await load('flow', flow)
  await t.rejects(attach('flow/flow_ingress', { interface: 'eth1', priority: 1 }), {
    code: 'BPF_TARGET_INVALID',
  })
})

t.test('a replacement that is healthy stays, one that is not is rolled back', async (t) => {
  const { kernel, root, load, attach, list } = machine(t)
  await load('flow', flow)
  await load('flow2', flow)
  await attach('flow/flow_ingress', { interface: 'eth0' })
  const [before] = kernel.attachedTo('eth0 ingress')
  const next = await findPinnedProgram(root, 'flow2/flow_ingress')
  let nowMs = 0
  const base = {
    root,
    link: 'flow/flow_ingress',
    next,
    timeoutMs: 1000,
    everyMs: 300,
    signal: new AbortController().signal,
    monotonicMs: () => nowMs,
    wait: async (delayMs: number) => void (nowMs += delayMs),
  }
  const running: unknown[] = []
  t.match(
    await replaceLink(kernel, {
      ...base,
      check: async () => {
        running.push(kernel.attachedTo('eth0 ingress')[0])
        return false
      },
    }),
    { outcome: 'rolled-back', object: 'flow', checks: 4 },
  )
  t.not(running[0], before, 'the new program ran while it was judged')
  t.strictSame(kernel.attachedTo('eth0 ingress'), [before])
  await t.rejects(
    replaceLink(kernel, { ...base, check: async () => Promise.reject(new Error('no such command')) }),
    { message: 'no such command' },
  )
  t.strictSame(kernel.attachedTo('eth0 ingress'), [before], 'a check that cannot be made rolls back too')

  let looks = 0
  t.match(await replaceLink(kernel, { ...base, check: async () => ++looks === 2 }), {
    outcome: 'replaced',
    object: 'flow2',
    name: 'flow_ingress@eth0-ingress',
    previousProgramId: before,
  })
  t.not(kernel.attachedTo('eth0 ingress')[0], before)
  t.match(await list(), [
    { name: 'flow', links: [] },
    { name: 'flow2', links: [{}] },
  ])
  await t.rejects(replaceLink(kernel, base), { code: 'BPF_NOT_ATTACHED' })
  t.match(
    await replaceLink(kernel, {
      ...base,
      link: 'flow2',
      next: await findPinnedProgram(root, 'flow/flow_ingress'),
    }),
    {
      outcome: 'replaced',
      checks: 0,
    },
  )
})

t.test('a manifest is applied once; again it changes nothing, and edits change what they say', async (t) => {
  const { kernel, surroundings, unload } = machine(t)
  const files: Record<string, Uint8Array> = { flow, guard, tap }
  const up = async (...objects: readonly object[]): Promise<readonly string[]> =>
    (
      await applyManifest(kernel, {
        ...surroundings,
        manifest: parseManifest(JSON.stringify({ objects })),
        readObject: async (name) => files[name]!,
      })
    ).map(({ action, what, note }) => `${action} ${what}${note === undefined ? '' : ` (${note})`}`)
  const ingress = { program: 'flow_ingress', interface: 'eth0' }
  const inChain = { program: 'guard', interface: 'eth0', priority: 5 }
  t.strictSame(await up({ object: 'flow', attach: [ingress] }, { object: 'guard', attach: [inChain] }), [
    'loaded flow',
    'loaded guard',
    'attached flow/flow_ingress@eth0-ingress',
    'attached guard/guard@eth0-xdp',
  ])
  const unchanged = [
    'unchanged flow',
    'unchanged guard',
    'unchanged flow/flow_ingress@eth0-ingress',
    'unchanged guard/guard@eth0-xdp',
  ]
  t.strictSame(
    await up({ object: 'flow', attach: [ingress] }, { object: 'guard', attach: [inChain] }),
    unchanged,
  )
  t.strictSame(
    await up(
      {
        object: 'flow',
        attach: [{ program: 'flow_egress', interface: 'eth0', before: 'flow/flow_ingress' }],
      },
      { object: 'guard', attach: [{ ...inChain, priority: 6 }] },
    ),
    [
      'unchanged flow',
      'unchanged guard',
      'attached flow/flow_egress@eth0-egress',
      'detached flow/flow_ingress@eth0-ingress',
      'attached guard/guard@eth0-xdp',
    ],
  )
  // Other instructions, other constants: replaced while attached.
  const before = kernel.attachedTo('eth0 egress')
  files['flow'] = fakeObject({
    programs: [{ name: 'flow_egress', type: 'sched_cls', tag: 'new' }],
    maps: [{ name: 'flows' }],
  })
  files['guard'] = fakeChainable({ programs: [{ name: 'guard', type: 'xdp', tag: 'new' }] })
  const egress = { program: 'flow_egress', interface: 'eth0' }
  t.strictSame(await up({ object: 'flow', attach: [egress] }, { object: 'guard' }), [
    'replaced flow (while attached: flow_egress@eth0-egress)',
    'replaced guard',
    'unchanged flow/flow_egress@eth0-egress',
    'detached guard/guard@eth0-xdp',
  ])
  t.not(kernel.attachedTo('eth0 egress')[0], before[0])
  files['flow'] = flow
  t.match(await up({ object: 'flow', globals: { limit: 5 } }), [
    'replaced flow (while attached: flow_egress@eth0-egress)',
    'detached flow/flow_egress@eth0-egress',
  ])
  t.strictSame(await up({ object: 'flow', globals: { limit: 5 } }), ['unchanged flow'])
  t.strictSame(await up({ object: 'flow', globals: { limit: 6 } }), ['replaced flow'])
  files['flow'] = fakeObject({ programs: [{ name: 'x', type: 'xdp' }], refused: ['x'] })
  await t.rejects(up({ object: 'flow' }), { code: 'BPF_NOTHING_LOADED', message: /old ones still run/ })
  await unload('flow')
  await unload('guard')
  t.strictSame(kernel.alive(), [])
})

t.test(
  'a tracepoint is replaced by attaching the new program first; a replacement that fails goes back',
  async (t) => {
    const { kernel, surroundings, list, load, attach } = machine(t)
    const drops = (tag: string): Uint8Array =>
      fakeObject({
        programs: [
          { name: 'drop', type: 'tracing', tag },
          { name: 'x', type: 'xdp', tag },
        ],
      })
    await load('drops', drops('old'))
    await attach('drops/drop', {})
    await attach('drops/x', { interface: 'eth0' })
    const up = async (): Promise<unknown> =>
      applyManifest(kernel, {
        ...surroundings,
        manifest: parseManifest(
          '{"objects": [{"object": "drops", "attach": [{"program": "drop"}, {"program": "x", "interface": "eth0"}]}]}',
        ),
        readObject: async () => drops('new'),
      })
    const [before] = kernel.attachedTo('eth0 xdp')
    kernel.refuseNext('pin', 'drop@tracepoint')
    await t.rejects(up(), { message: /refused/ })
    t.strictSame(kernel.attachedTo('eth0 xdp'), [before])
    t.match(await list(), [
      { name: 'drops', state: 'loaded', links: [{ name: 'drop@tracepoint' }, { name: 'x@eth0-xdp' }] },
    ])
    t.equal((await list()).length, 1)
    await up()
    t.not(kernel.attachedTo('eth0 xdp')[0], before)
    t.equal(kernel.attachedTo('tracepoint').length, 1)
    t.match(await up(), [{ action: 'unchanged' }, { action: 'unchanged' }, { action: 'unchanged' }])
  },
)

t.test('names of pins hold what bpffs does not allow, and come back', async (t) => {
  for (const name of ['.rodata', 'a@eth0.7-xdp', '/sys/fs/cgroup/unified']) {
    t.notMatch(pinName(name), /[./]/)
    t.equal(nameOfPin(pinName(name)), name)
  }
  for (const name of ['', 'a+b', 'a%b', 'a\0', 'x'.repeat(201)])
    t.throws(() => pinName(name), { code: 'BPF_NAME_INVALID' })
})

t.test('where a program can be attached follows from its type', async (t) => {
  const at = (type: string, request: object, name = 'p'): unknown => targetFor({ name, type }, request)
  t.strictSame(at('xdp', { interface: 'eth0', mode: 'generic' }), {
    kind: 'xdp',
    interface: 'eth0',
    mode: 'generic',
  })
  t.strictSame(at('sched_cls', { interface: 'eth0', before: 7 }, 'flow_egress'), {
    kind: 'tcx',
    interface: 'eth0',
    direction: 'egress',
    before: 7,
  })
  t.strictSame(at('tracing', {}), { kind: 'tracepoint' })
  t.strictSame(at('sock_ops', { cgroup: '/c' }), { kind: 'cgroup', path: '/c' })
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ['xdp', {}, /runs on an interface/],
    ['xdp', { interface: 'a/b' }, /no name of an interface/],
    ['xdp', { interface: 'eth0', direction: 'ingress' }, /takes no direction/],
    ['sched_cls', { interface: 'eth0' }, /one direction/],
    ['sched_cls', { interface: 'eth0', direction: 'ingress', before: 1, after: 2 }, /exclude each other/],
    ['tracing', { interface: 'eth0' }, /takes no interface/],
    ['sock_ops', {}, /cgroup/],
    ['kprobe', {}, /attaches no programs of type kprobe/],
  ]
  for (const [type, request, message] of cases)
    t.throws(
      () => at(type, request),
      { code: 'BPF_TARGET_INVALID', message },
      `${type} ${JSON.stringify(request)}`,
    )
  t.equal(linkName('p', { kind: 'xdp', interface: 'eth0' }, 12), 'p@eth0-xdp@12')
  t.equal(linkName('p', { kind: 'tracepoint' }, 12), 'p@tracepoint')
  t.equal(linkName('p', { kind: 'cgroup', path: `/${'x'.repeat(300)}` }).length, 2 + 120)
})
