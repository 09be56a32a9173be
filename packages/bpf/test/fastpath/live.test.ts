import t from 'tap'
import { requireKernel } from './support/capability.ts'

// These need interfaces of their own: each runs in a network namespace that ends with it.
const { skip } = requireKernel(t)
if (skip !== undefined) {
  t.pass(`skipped: ${skip}`, { skip })
} else {
  for (const name of ['metronome', 'redirect']) {
    const program = [process.execPath, ...process.execArgv, `${import.meta.dirname}/universe/${name}.ts`]
    t.spawn('unshare', ['--net', ...program], { timeout: 120_000 }, name)
  }
}
