// JavaScript, so that a start from the compile cache never loads the type stripper.
import module from 'node:module'

module.enableCompileCache(`${import.meta.dirname}/../../../node_modules/.cache/node`)
const { main } = await import('../src/main.ts')
const code = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
})
process.exitCode = code
// Libraries may leave timers behind; what was printed is flushed before the end.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
