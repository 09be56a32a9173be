// Makes a testbed and holds it until it is killed; `kernel.test.ts` kills it. Arguments: run folder, shape, seconds.
import { createBed, parseShape } from '../../src/index.ts'

const abort = new AbortController()
process.on('SIGTERM', () => abort.abort(new Error('SIGTERM')))
const [runFolder, shape, sleepSeconds] = process.argv.slice(2)
try {
  await using bed = await createBed({
    name: 'held',
    topology: parseShape(shape!),
    runner: { kind: 'argv', argv: ['sleep', sleepSeconds!] },
    runFolder: runFolder!,
    env: { PATH: process.env['PATH'] },
    signal: abort.signal,
  })
  process.stdout.write(`up ${bed.plan.bed}\n`)
  const keepAlive = setInterval(() => {}, 1000)
  await new Promise((resolve) => abort.signal.addEventListener('abort', resolve))
  clearInterval(keepAlive)
} catch (error) {
  if (!abort.signal.aborted) throw error
}
