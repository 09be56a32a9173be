import t from 'tap'
import { requireKernel } from './support/capability.ts'

// The token needs interfaces of its own: all of it runs in a network namespace that ends with the test.
const { skip } = requireKernel(t)
if (skip !== undefined) {
  t.pass(`skipped: ${skip}`, { skip })
} else {
  const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/metronome.ts`]
  t.spawn('unshare', ['--net', ...program], { timeout: 120_000 }, 'metronome')
}
