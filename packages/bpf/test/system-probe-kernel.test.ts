import t from 'tap'
import { openProbeKernel } from '../src/system-probe-kernel.ts'

const kernel = openProbeKernel()

t.test('what is not there is undefined, what is there is read', async (t) => {
  const none = `${t.testdir({})}/none`
  t.equal(await kernel.readText(none), undefined)
  t.equal(await kernel.readStart(none, 2), undefined)
  t.equal(await kernel.fileSystemType(none), undefined)
  const file = `${t.testdir({ file: 'abc' })}/file`
  t.equal(await kernel.readText(file), 'abc')
  t.same(await kernel.readStart(file, 2), Uint8Array.of(0x61, 0x62))
  // PROC_SUPER_MAGIC, <linux/magic.h>
  t.equal(await kernel.fileSystemType('/proc'), 0x9fa0)
  await kernel.unlink(file)
  t.equal(await kernel.readText(file), undefined)
})

t.test('a file that cannot be read for another reason is an error', async (t) => {
  await t.rejects(kernel.readText(t.testdir({})), { code: 'EISDIR' })
})

t.test('a tracepoint that no kernel has is in no BTF', async (t) => {
  t.equal(await kernel.tracepointType('x0t_no_such_tracepoint'), undefined)
})

t.test('calls without rights to them give error numbers and leave the namespace as it was', async (t) => {
  const calls = kernel.openCalls()
  // No descriptor: EBADF, or EPERM where bpf(2) is not permitted at all.
  for (const result of [
    calls.pin(-1, '/'),
    calls.runLive(-1, new Uint8Array(64)),
    calls.createLink(-1, 1, 46, 0),
  ])
    t.ok(result === -9 || result === -1 || result === -22, String(result))
})
