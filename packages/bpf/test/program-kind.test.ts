import t from 'tap'
import { programKindOf } from '../src/program-kind.ts'

t.test('a section tells type, place and what it is attached to', (t) => {
  t.match(programKindOf('xdp'), { type: 'xdp', attachType: 'XDP', flags: 0 })
  t.match(programKindOf('xdp.frags'), { type: 'xdp', flags: 1 << 5 })
  t.match(programKindOf('?tc'), { type: 'sched_cls', attachType: undefined })
  t.match(programKindOf('tp_btf/kfree_skb'), {
    type: 'tracing',
    attachType: 'TRACE_RAW_TP',
    target: 'kfree_skb',
    btf: { prefix: 'btf_trace_', kind: 'typedef' },
  })
  t.match(programKindOf('raw_tp/sched_switch'), { type: 'raw_tracepoint', target: 'sched_switch' })
  t.match(programKindOf('fentry.s/do_exit'), { type: 'tracing', flags: 1 << 4, target: 'do_exit' })
  t.match(programKindOf('syscall'), { type: 'syscall', flags: 1 << 4 })
  t.end()
})

t.test('sections without a target, or that nobody knows, are none', (t) => {
  for (const section of ['', 'xdpx', 'tp_btf', 'tp_btf/', 'toString', 'toString/x', '.text']) {
    t.equal(programKindOf(section), undefined, section)
  }
  t.end()
})
