import t from 'tap'
import { codeOf, failure } from '../src/bpf-failure.ts'
import { toRefusal } from '../src/refusal.ts'
import { errno, errnoName } from '../src/uapi.ts'

t.test('with a log the verifier refused; the message has reason and place', (t) => {
  const log = 'a.bpf.c:7: return *p;\n1: (71) r1 = *(u8 *)(r1 +20)\nR1 invalid mem access\nprocessed 2 insns'
  t.match(toRefusal('p', errno.EACCES, log), {
    code: 'BPF_PROGRAM_REFUSED',
    message: 'the verifier refused program p (EACCES): R1 invalid mem access, at a.bpf.c:7: return *p;',
    log,
  })
  t.match(toRefusal('p', errno.EINVAL, 'processed 1 insns').message, /no reason given$/)
  t.end()
})

t.test('without one it is the kernel: privileges, or what it cannot do', (t) => {
  const codes = (error: number) => toRefusal('p', error, '').code
  t.equal(codes(errno.EPERM), 'BPF_NOT_PERMITTED')
  t.equal(codes(errno.EACCES), 'BPF_NOT_PERMITTED')
  t.equal(codes(errno.EINVAL), 'BPF_UNSUPPORTED')
  t.equal(codes(errno.ENOENT), 'BPF_UNSUPPORTED')
  // A field of the attributes that the kernel does not know.
  t.equal(codes(errno.E2BIG), 'BPF_UNSUPPORTED')
  t.equal(codes(errno.ENOTSUPP), 'BPF_UNSUPPORTED')
  t.equal(codes(errno.ENOMEM), 'BPF_PROGRAM_REFUSED')
  t.match(toRefusal('p', errno.EPERM, '').hint, /CAP_BPF/)
  t.end()
})

t.test('a failed call has its error number by name, and the hint of its code', (t) => {
  t.match(failure('it broke', -errno.EBUSY), {
    code: 'BPF_BUSY',
    message: 'it broke: EBUSY',
    hint: 'x0t bpf list',
  })
  t.match(failure('it broke', -errno.ENOMEM), { code: 'BPF_CALL_FAILED', hint: undefined })
  t.equal(codeOf(errno.EEXIST), 'BPF_BUSY')
  t.equal(errnoName(errno.ENOTSUPP), 'ENOTSUPP')
  t.end()
})
