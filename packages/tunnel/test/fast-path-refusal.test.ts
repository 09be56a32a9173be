import t from 'tap'
import { X0tError } from '@x0t/core'
import { refusal } from '../src/fast-path-refusal.ts'

const verifier = new X0tError('BPF_PROGRAM_REFUSED', 'invalid access to packet')

t.test('an old kernel is told by its release, not by what its verifier dislikes', async (t) => {
  // Debian 12 has this one.
  t.match(refusal(verifier, '6.1.0-50-amd64'), {
    code: 'FAST_PATH_REFUSED',
    message: 'it takes Linux 6.6 or later, and this is 6.1.0-50-amd64',
    cause: verifier,
    hint: /x0t bpf doctor/,
  })
  t.match(refusal(verifier, '5.15.0'), { message: /6\.6 or later/ })
})

t.test("of a kernel that is new enough, or does not tell, the reason is the verifier's", async (t) => {
  for (const release of ['6.6.0', '6.18.44', '7.0.0-rc1', 'unknown'])
    t.match(refusal(verifier, release), {
      code: 'FAST_PATH_REFUSED',
      message: 'the kernel cannot run the program: invalid access to packet',
    })
})

t.test('what is forbidden is no matter of its age; what is no refusal is passed on', async (t) => {
  t.match(refusal(new X0tError('BPF_NOT_PERMITTED', 'EPERM'), '5.4.0'), { code: 'FAST_PATH_FORBIDDEN' })
  const bug = new TypeError('bug')
  t.equal(refusal(bug), bug)
})
