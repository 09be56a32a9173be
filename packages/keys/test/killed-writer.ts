// Child process of secret-file.test.ts: writes a file and kills itself before the given file operation.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [path = '', content = '', killAt = '0', force = ''] = process.argv.slice(2)
let operations = 0

function countOperation(): void {
  if (++operations === Number(killAt)) process.kill(process.pid, 'SIGKILL')
}

type Method = (...args: unknown[]) => unknown

function killing(owner: object, name: string): void {
  const methods = owner as Record<string, Method>
  const original = methods[name]!
  methods[name] = function (this: unknown, ...args) {
    countOperation()
    return original.apply(this, args)
  }
}

for (const name of ['open', 'link', 'rename', 'unlink', 'mkdir', 'chmod', 'lstat']) killing(fs.promises, name)
syncBuiltinESMExports()
const probe = await fs.promises.open(import.meta.filename)
const handlePrototype = Object.getPrototypeOf(probe) as object
await probe.close()
for (const name of ['writeFile', 'sync', 'chmod', 'close', 'stat', 'read']) killing(handlePrototype, name)
operations = 0

const { writeSecretFile } = await import('@x0t/keys')
await writeSecretFile(path, content, { force: force === 'force' })
process.stdout.write(String(operations))
