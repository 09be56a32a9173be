import t from 'tap'
import { annotateLog, lastSourceLine, reasonOf } from '../src/verifier-log.ts'
import type { Btf } from '../src/btf.ts'

const strings: Readonly<Record<number, string>> = {
  1: '/build/guard.bpf.c',
  2: '\tif (data + 14 > end)',
  3: '\treturn data[20];',
}
const btf: Btf = {
  types: [],
  count: 0,
  type: () => ({ kind: 'unknown' }),
  text: (offset) => strings[offset] ?? '',
}
/** struct bpf_line_info: instruction, file, source, line << 10 | column. */
const records = new Uint8Array(Uint32Array.of(0, 1, 2, (11 << 10) | 3, 2, 1, 3, (12 << 10) | 2).buffer)
const log = [
  '0: R1=ctx() R10=fp0',
  '; if (data + 14 > end) @ guard.bpf.c:11',
  '0: (61) r1 = *(u32 *)(r1 +0)          ; R1_w=pkt(r=0)',
  '1: (07) r1 += 20',
  '2: (71) r0 = *(u8 *)(r1 +20)',
  'invalid access to packet, off=20 size=1, R1(id=0,off=20,r=0)',
  'R1 offset is outside of the packet',
  'processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
].join('\n')

t.test('the source comes before the instructions of its line, once', (t) => {
  const annotated = annotateLog(log, btf, records, 16).split('\n')
  t.same(annotated.slice(1, 6), [
    'guard.bpf.c:11: if (data + 14 > end)',
    '0: (61) r1 = *(u32 *)(r1 +0)          ; R1_w=pkt(r=0)',
    '1: (07) r1 += 20',
    'guard.bpf.c:12: return data[20];',
    '2: (71) r0 = *(u8 *)(r1 +20)',
  ])
  t.end()
})

t.test('without line information the log is what the kernel wrote', (t) => {
  t.equal(annotateLog(log, undefined, records, 16), log)
  t.equal(annotateLog(log, btf, new Uint8Array(0), 16), log)
  t.equal(annotateLog(log, btf, records, 8), log, 'records that are too short')
  t.end()
})

t.test('the reason is what the verifier says last, at the last line that it looked at', (t) => {
  t.equal(reasonOf(log), 'R1 offset is outside of the packet')
  t.equal(lastSourceLine(annotateLog(log, btf, records, 16)), 'guard.bpf.c:12: return data[20];')
  t.equal(lastSourceLine(log), undefined)
  t.equal(reasonOf('processed 3 insns'), undefined)
  t.equal(
    reasonOf('3: (85) call\ninvalid func unknown#195896080'),
    'this kernel has no such structure or field',
  )
  t.end()
})
