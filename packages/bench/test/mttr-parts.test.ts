import t from 'tap'
import { parseShape, planNetwork } from '@x0t/testbed'
import { oppositeEnds, withAuthorityApart } from '../src/mttr/ends.ts'
import { countDelayed, countDropped, countTampered } from '../src/mttr/evidence.ts'
import { factsOf, mttrFaults, parseFaultNames } from '../src/mttr/fault-names.ts'
import { halfAround } from '../src/mttr/injection.ts'
import { judgeRun, type RunFacts } from '../src/mttr/judge-run.ts'
import { resultsOf } from '../src/mttr/mttr-results.ts'
import { parseSentBytes, pathsInUse } from '../src/mttr/path-in-use.ts'
import type { RunRecord } from '../src/mttr/run-record.ts'
import { decodeArrivalLog, decodeSendLog } from '../src/mttr/stream/log.ts'
import { socketAddress } from '../src/mttr/stream/socket-address.ts'
import { instantOf, reactionsOf } from '../src/mttr/x0t-system.ts'

const diamond = planNetwork('p', parseShape('diamond'))

t.test('bytes sent are read from /proc/net/dev', (t) => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:       7       1    0    0    0     0          0         0        8       1    0    0    0     0       0          0',
    '  to-a:    1000      10    0    0    0     0          0         0     2345      20    0    0    0     0       0          0',
  ].join('\n')
  t.strictSame(
    [...parseSentBytes(text)],
    [
      ['lo', 8],
      ['to-a', 2345],
    ],
  )
  t.end()
})

t.test('the path is where the bytes of the stream went', (t) => {
  const question = (after: Readonly<Record<string, number>>) => ({
    source: 's',
    destination: 'd',
    streamBytes: 1000,
    before: new Map([['s>b', 5000]]),
    after: new Map(Object.entries(after)),
  })
  // s>b has sent 20 bytes since: only probes. Answers go back from d to a and from a to s.
  const one = { 's>a': 1100, 's>b': 5020, 'a>d': 1100, 'a>s': 700, 'd>a': 700, 'b>d': 20 }
  t.strictSame(pathsInUse(diamond, question(one)), [['s', 'a', 'd']])
  const both = { 's>a': 1100, 's>b': 6090, 'a>d': 1100, 'b>d': 1090 }
  t.strictSame(pathsInUse(diamond, question(both)), [
    ['s', 'a', 'd'],
    ['s', 'b', 'd'],
  ])
  t.throws(() => pathsInUse(diamond, question({ 's>a': 1100 })), { code: 'BENCH_PATH_UNKNOWN' })
  t.end()
})

t.test('source and destination lie as far apart as can be', (t) => {
  t.strictSame(oppositeEnds(parseShape('diamond')), { source: 's', destination: 'd' })
  t.strictSame(oppositeEnds(parseShape('ring:6')), { source: 'n0', destination: 'n3' })
  t.strictSame(oppositeEnds(parseShape('grid:3x2')), { source: 'n0', destination: 'n5' })
  t.end()
})

t.test('an authority apart is the first host, behind the source', (t) => {
  const { hosts, links } = withAuthorityApart(parseShape('diamond'))
  t.strictSame(hosts, ['authority', 's', 'a', 'b', 'd'])
  t.strictSame(links[0], { a: 'authority', b: 's' })
  t.equal(planNetwork('p', { hosts, links }).links.length, 5)
  t.end()
})

t.test('a partition takes half of the hosts, the source among them and the destination not', (t) => {
  t.strictSame(halfAround(diamond, 's', 'd'), ['s', 'a'])
  // From n0 of a ring of five: n1 and n4 are next to it.
  t.strictSame(halfAround(planNetwork('p', parseShape('ring:5')), 'n0', 'n2'), ['n0', 'n1'])
  t.strictSame(halfAround(planNetwork('p', parseShape('pair')), 'a', 'b'), ['a'])
  t.end()
})

t.test('an undisturbed system has no recovery time', (t) => {
  const judge = (facts: Partial<RunFacts>) =>
    judgeRun({
      fault: 'blackhole',
      hitless: false,
      forwards: 'process',
      measure: { lost: 0, late: 0, recoveryMs: 0 },
      evidence: 'seen',
      avoids: false,
      ...facts,
    })
  t.match(judge({}), {
    outcome: 'no-outage',
    reason: /BENCH_NO_OUTAGE: no outage observed; the probe saw: seen/,
  })
  t.match(judge({ evidence: undefined }), { outcome: 'no-outage', reason: /the probe saw no fault/ })
  t.match(judge({ hitless: true }), { outcome: 'undisturbed' })
  t.match(
    judge({ hitless: true, evidence: undefined }),
    { outcome: 'no-outage' },
    'hitless, but no fault was there',
  )
  t.match(judge({ hitless: true, fault: 'partition' }), { outcome: 'no-outage' })
  t.match(
    judge({ avoids: true }),
    { outcome: 'invalid', reason: /missed/ },
    'the path moved before the fault',
  )
  t.match(judge({ fault: 'link-down', avoids: true }), { outcome: 'undisturbed' }, 'less than one interval')
  t.match(judge({ fault: 'link-down' }), { outcome: 'no-outage' }, 'the stream still uses the link')
  t.match(judge({ fault: 'freeze', forwards: 'kernel' }), { outcome: 'undisturbed' })
  t.match(judge({ fault: 'freeze' }), { outcome: 'no-outage' })
  t.match(judge({ fault: 'latency' }), { outcome: 'no-outage' })
  t.match(
    judge({ measure: { lost: 0, late: 50, recoveryMs: 90 } }),
    { outcome: 'no-outage' },
    'late is not lost',
  )
  const lost = { lost: 30, late: 0, recoveryMs: 31 }
  t.strictSame(judge({ measure: lost }), { outcome: 'recovered' })
  t.match(judge({ measure: lost, evidence: undefined }), { outcome: 'failed', reason: /BENCH_FAULT_UNSEEN/ })
  t.match(judge({ measure: { ...lost, bent: 'the sender stalled' } }), {
    outcome: 'invalid',
    reason: /stalled/,
  })
  t.match(judge({ measure: { lost: 30, late: 0 } }), { outcome: 'not-recovered' })
  t.match(judge({ fault: 'latency', measure: { lost: 0, late: 90, recoveryMs: 400 } }), {
    outcome: 'recovered',
  })
  t.end()
})

t.test('counters of rules that drop or delay are evidence, others are not', (t) => {
  const rules = [
    'counter packets 12 bytes 900 drop',
    'numgen random mod 1000000 < 200000 counter packets 3 bytes 90 drop',
    'counter packets 55 bytes 5000 accept',
    'counter packets 7 bytes 500 fwd to "x0tdelay1000"',
  ].join('\n')
  t.equal(countDropped(rules), 15)
  t.equal(
    countTampered('tcp sport 7800 @ih,0,16 0x1703 counter packets 4 bytes 400 @ih,64,32 set 0x42424242'),
    4,
  )
  t.equal(countDelayed('', rules), 7)
  t.equal(
    countDelayed(
      'qdisc netem 8001: root refcnt 2 limit 1000 delay 200ms\n Sent 4242 bytes 42 pkt (dropped 0)',
      '',
    ),
    42,
  )
  t.equal(countDelayed('qdisc noqueue 0: root refcnt 2\n Sent 0 bytes 0 pkt', ''), 0)
  t.end()
})

t.test('logs of the stream are read as far as they are written', (t) => {
  const sent = new Uint8Array(20)
  new DataView(sent.buffer).setFloat64(0, 12.5, true)
  new DataView(sent.buffer).setFloat64(8, NaN, true)
  t.strictSame([...decodeSendLog(sent)], [12.5, NaN])
  const arrived = new Uint8Array(40)
  const view = new DataView(arrived.buffer)
  view.setUint32(0, 7, true)
  view.setFloat64(8, 13.25, true)
  view.setUint32(16, 0xffff_ffff, true)
  view.setUint32(20, 6500, true)
  view.setFloat64(24, 20, true)
  t.strictSame(decodeArrivalLog(arrived), {
    arrivals: [{ sequence: 7, atMs: 13.25 }],
    receiverStalls: [{ fromMs: 13.5, ms: 6.5 }],
  })
  t.end()
})

t.test('addresses become what the kernel takes', (t) => {
  const hex = (host: string) => Buffer.from(socketAddress(host, 0x1234).bytes).toString('hex')
  t.equal(hex('10.0.0.2'), '020012340a0000020000000000000000')
  t.equal(hex('fd00::2'), '0a00123400000000fd00000000000000000000000000000200000000')
  t.equal(hex('::ffff:1.2.3.4'), '0a0012340000000000000000000000000000ffff0102030400000000')
  t.equal(hex('1:2:3:4:5:6:7:8'), '0a001234000000000001000200030004000500060007000800000000')
  for (const wrong of ['fe80::1%2', 'localhost', '']) t.throws(() => socketAddress(wrong, 1), TypeError)
  t.end()
})

t.test('what nodes tell becomes detection and verification', (t) => {
  const events = [
    { host: 's', atMs: 900, event: 'link-down' },
    { host: 's', atMs: 1030, event: 'link-down' },
    { host: 'a', atMs: 1028.5, event: 'link-down' },
    { host: 'a', atMs: 1020, event: 'session-renewed' },
    { host: 's', atMs: 1100, event: 'healing.verified' },
  ]
  t.match(reactionsOf(events, 1000), { detectedMs: 1028.5, verifiedMs: 1100 })
  t.match(reactionsOf([{ host: 's', atMs: 999.5, event: 'link-down' }], 1000), { detectedMs: 1000 })
  t.strictSame(reactionsOf([], 1000), { told: [] })
  t.end()
})

t.test('an event is placed by the clock of its node, unless that clock has jumped', (t) => {
  t.equal(instantOf(1_000_000, 1_000_020, 500), 480)
  t.equal(instantOf(1_000_000 + 3_600_000, 1_000_020, 500), 500)
  t.equal(instantOf(1_000_000 - 3_600_000, 1_000_020, 500), 500)
  t.end()
})

t.test('faults are chosen by name, and all of them by none', (t) => {
  t.strictSame(parseFaultNames(['crash', 'blackhole', 'crash']), ['crash', 'blackhole'])
  t.strictSame(parseFaultNames([]), Object.keys(mttrFaults))
  t.throws(() => parseFaultNames(['fire']), { code: 'BENCH_FAULT_UNKNOWN', exitCode: 2 })
  t.strictSame(factsOf('crash').failures, ['F1'])
  t.end()
})

const record: RunRecord = {
  system: 'x0t',
  fault: 'blackhole',
  run: 1,
  outcome: 'recovered',
  target: 'link:a-d',
  action: 'blackhole',
  injectionWindowMs: 5,
  intervalMs: 1,
  sent: 2000,
  received: 1970,
  lost: 30,
  duplicated: 0,
  reordered: 1,
  outageMs: 30,
  detectMs: 28,
  rerouteMs: 31,
  recoveryMs: 31,
  worstArrivalGapMs: 31,
  worstSendGapMs: 1.1,
  baseline: { medianMs: 1, p99Ms: 2 },
  pathsBefore: [['s', 'a', 'd']],
  pathsAfter: [['s', 'b', 'd']],
  evidence: '',
  gaps: [],
  oddities: [],
  slices: [],
}

t.test('runs become results in their order; those that do not count give no sample', (t) => {
  const { detectMs: _detect, ...untold } = record
  const results = resultsOf([
    { ...record, run: 2, outageMs: 40 },
    record,
    { ...record, run: 3, outcome: 'invalid', outageMs: 999 },
    { ...untold, system: 'x0t-hitless', outcome: 'undisturbed', outageMs: 0, lost: 0, recoveryMs: 0 },
    { ...untold, fault: 'gray-loss' },
  ])
  const of = (name: string) => results.find((one) => one.name === name)?.values
  t.strictSame(of('outage/x0t/blackhole'), [30, 40])
  t.strictSame(of('detect/x0t/blackhole'), [28, 28])
  t.strictSame(of('reroute/x0t/blackhole'), [31, 31])
  t.strictSame(of('reordered/x0t/blackhole'), [1, 1])
  t.strictSame(of('outage/x0t-hitless/blackhole'), [0])
  t.equal(of('recovery/x0t-hitless/blackhole'), undefined, 'what was not disturbed has not recovered')
  t.equal(of('reroute/x0t/gray-loss'), undefined, 'some packets passed all the time')
  t.end()
})
