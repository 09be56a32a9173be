import t from 'tap'
import type { NodeId } from '@x0t/core'
import type { Route } from '@x0t/mesh'
import { loadConfig } from '../src/config/index.ts'
import { hitlessClasses, hitlessness, isHitless } from '../src/hitless.ts'

const id = (letter: string): NodeId => `${letter.repeat(51)}a` as NodeId
const [b, c, d, e] = ['b', 'c', 'd', 'e'].map(id) as [NodeId, NodeId, NodeId, NodeId]
const route = (extra: Partial<Route>): Route => ({
  destination: d,
  nextHop: b,
  costUs: 10,
  feasibleUs: 9,
  hops: 2,
  path: [b, d],
  pathDatagramBytes: 1472,
  ...extra,
})
const red = { nextHop: b, hops: 2, path: [b, d] }
const member = (reference: string) => ({ kind: 'member', reference }) as const

t.test('a rule means everybody, a class of traffic, or whom its name or id fits', async (t) => {
  t.ok(isHitless([{ kind: 'all' }], d, ''))
  t.notOk(isHitless([], d, 'delta'))
  t.notOk(isHitless([{ kind: 'class', dscp: 46 }], d, 'delta'))
  t.ok(isHitless([member('delta')], d, 'delta'))
  t.ok(isHitless([member('dddd')], d, 'delta'))
  t.notOk(isHitless([member('ddd'), member('delt'), member('gamma')], d, 'delta'))
  t.strictSame(
    hitlessClasses([{ kind: 'all' }, { kind: 'class', dscp: 46 }, { kind: 'class', dscp: 0 }]),
    [46, 0],
  )
})

t.test('what both trees pass is named, and unknown trees are no protection', async (t) => {
  const rules = [{ kind: 'all' }] as const
  const disjoint = { red, blue: { nextHop: c, hops: 2, path: [c, d] } }
  t.strictSame(hitlessness(rules, route(disjoint), ''), { isAsked: true, sharedNodes: [] })
  const shared = {
    red: { nextHop: b, hops: 3, path: [b, e, d] },
    blue: { nextHop: c, hops: 3, path: [c, e, d] },
  }
  t.strictSame(hitlessness(rules, route(shared), ''), { isAsked: true, sharedNodes: [e] })
  t.strictSame(hitlessness([], route({ red }), ''), { isAsked: false, sharedNodes: null })
})

t.test(
  'the setting takes all, members and classes, and nothing that looks like a class but is none',
  async (t) => {
    const load = (...words: string[]) =>
      loadConfig({
        home: '/h',
        hostname: 'host',
        readFile: () => Promise.resolve(undefined),
        env: {},
        flags: { 'tunnel.hitless': words },
      })
    t.strictSame((await load('all', 'dscp:46', 'kitchen-pi')).config.tunnel.hitless, [
      { kind: 'all' },
      { kind: 'class', dscp: 46 },
      { kind: 'member', reference: 'kitchen-pi' },
    ])
    for (const wrong of ['dscp:64', 'dscp:', 'dscp:x', '-x', 'a/b'])
      await t.rejects(load(wrong), { code: 'CONFIG_INVALID' }, wrong)
  },
)
