// A web server of its own process, for tests that kill it: node web-server.ts PORT PID-FILE
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [port, pidFile] = process.argv.slice(2)
const server = createServer((_, response) => response.end('ok'))
server.listen(Number(port), '127.0.0.1', () => writeFileSync(pidFile!, String(process.pid)))
// Nothing is left behind where a test ended badly.
setTimeout(() => process.exit(), 60_000)
