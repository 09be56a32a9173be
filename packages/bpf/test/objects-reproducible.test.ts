import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import t from 'tap'

const folder = resolve(import.meta.dirname, '../../../bpf')
const version = spawnSync('clang', ['--version'], { encoding: 'utf8' })
const missing =
  version.status !== 0
    ? 'needs clang 14, llvm and libbpf-dev'
    : version.stdout.includes('version 14.')
      ? undefined
      : `needs clang 14, found ${version.stdout.split('\n', 1)[0]}`

if (missing !== undefined && process.env['CI'] === undefined) {
  t.pass(`skipped: ${missing}`, { skip: missing })
} else {
  t.test('objects built again in another folder are the committed ones, byte for byte', (t) => {
    const check = spawnSync('make', ['-s', '-C', folder, 'check'], { encoding: 'utf8' })
    t.equal(check.stderr, '')
    t.equal(check.status, 0, check.stdout)
    t.end()
  })
}
