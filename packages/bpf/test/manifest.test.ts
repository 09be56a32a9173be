import fc from 'fast-check'
import { hasCode } from '@x0t/core'
import t from 'tap'
import { objectNameOfFile, parseManifest } from '../src/index.ts'

const whole = {
  objects: [
    {
      object: 'flow',
      attach: [{ program: 'x0t_flow_ingress', interface: 'eth0', direction: 'ingress', before: 'a/b' }],
    },
    {
      name: 'g2',
      object: './build/guard.bpf.o',
      globals: { rate: 5, name: 'x', on: true },
      programs: ['guard'],
      attach: [{ program: 'guard', interface: 'eth0', mode: 'generic', priority: 10, proceedOn: ['pass'] }],
    },
    { object: 'rtt', attach: [{ program: 'rtt', cgroup: '/sys/fs/cgroup/unified' }] },
    { object: 'drops' },
  ],
}

t.test('a manifest says what to load and where it runs; names come from files', async (t) => {
  const { objects } = parseManifest(JSON.stringify(whole))
  t.strictSame(
    objects.map(({ name }) => name),
    ['flow', 'g2', 'rtt', 'drops'],
  )
  t.strictSame(objects[1]!.attach, whole.objects[1]!.attach)
  t.strictSame(objects[1]!.globals, { rate: 5, name: 'x', on: true })
  t.strictSame(objects[3]!.attach, [])
  t.equal(objectNameOfFile('/a/b/flow.bpf.o'), 'flow')
  t.equal(objectNameOfFile('x.o'), 'x')
})

t.test('what is wrong with a manifest is named with its place', async (t) => {
  const one = (object: object): string => JSON.stringify({ objects: [{ object: 'flow', ...object }] })
  const attach = (attachment: object): string => one({ attach: [{ program: 'p', ...attachment }] })
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{', /no JSON/],
    ['[]', /the whole is no object/],
    ['{}', /objects is no list/],
    ['{"objects":[],"version":2}', /version is no field/],
    ['{"objects":[1]}', /objects\[0\] is no object/],
    ['{"objects":[{}]}', /objects\[0\]\.object is no text/],
    ['{"objects":[{"object":"a"},{"object":"b/a.o"}]}', /objects\[1\]\.name is a a second time/],
    [one({ name: 'a b' }), /objects\[0\]\.name .*cannot name an object/],
    [one({ size: 1 }), /objects\[0\]\.size is no field/],
    [one({ globals: { a: [] } }), /globals\.a is no number/],
    [one({ programs: [''] }), /programs\[0\] is no text/],
    [attach({ direction: 'up' }), /attach\[0\]\.direction is none of ingress, egress/],
    [attach({ mode: 'fast' }), /mode is none of/],
    [attach({ priority: 1.5 }), /priority is no whole number/],
    [attach({ proceedOn: 'pass' }), /proceedOn is no list/],
    [attach({ interfaces: 'x' }), /attach\[0\]\.interfaces is no field/],
    [attach({ program: 1 }), /program is no text/],
  ]
  for (const [text, message] of cases)
    t.throws(() => parseManifest(text), { code: 'BPF_MANIFEST_INVALID', message }, text)
})

t.test('any JSON gives a manifest or BPF_MANIFEST_INVALID', async () => {
  const check = (text: string): void => {
    try {
      parseManifest(text)
    } catch (error) {
      if (!hasCode(error, 'BPF_MANIFEST_INVALID')) throw error
    }
  }
  fc.assert(
    fc.property(fc.json(), fc.string(), fc.object(), (json, text, fields) => {
      check(json)
      check(text)
      check(JSON.stringify({ objects: [{ object: 'a', ...fields, attach: [fields] }] }))
    }),
    { seed: 11, numRuns: 300 },
  )
})
