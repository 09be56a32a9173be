import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { parseTarget, type HttpServiceOptions } from '../src/index.ts'

const script = fileURLToPath(new URL('web-server.ts', import.meta.url))

export interface Served {
  readonly options: HttpServiceOptions
  /** Shell words that kill the server, that start it and wait for it, and the file of its pid. */
  readonly kill: string
  readonly start: string
  readonly pidFile: string
  readonly folder: string
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const answers = (url: URL): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

/** A real web server in a process of its own, and a measurement of it that is quick. */
export async function serve(t: Test, more: Partial<HttpServiceOptions> = {}): Promise<Served> {
  const folder = t.testdir({})
  const port = await freePort()
  const pidFile = join(folder, 'pid')
  const words = `"${process.execPath}" "${script}" ${port} "${pidFile}"`
  spawn(process.execPath, [script, String(port), pidFile], { stdio: 'ignore' }).unref()
  while (!existsSync(pidFile)) await delay(20)
  t.teardown(() => {
    if (!existsSync(pidFile)) return
    try {
      process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
    } catch {
      // It is dead already.
    }
  })
  const kill = `kill -9 $(cat "${pidFile}"); rm "${pidFile}"`
  const start = `${words} & while [ ! -e "${pidFile}" ]; do sleep 0.05; done`
  const options: HttpServiceOptions = {
    target: await parseTarget(`http://127.0.0.1:${port}/`, { allowRemote: false }),
    inject: `${kill}; sleep 0.2; ${start}`,
    iterations: 1,
    label: 'web',
    fault: 'crash',
    ratePerSecond: 50,
    timeoutMs: 5000,
    newConnections: false,
    stableMs: 300,
    healthyWithinMs: 30_000,
    downWithinMs: 1000,
    backWithinMs: 30_000,
    commandTimeoutMs: 30_000,
    longestStallMs: 30_000,
    objectives: [],
    command: 'test',
    versions: {},
    env: { PATH: process.env['PATH'] },
    signal: new AbortController().signal,
    ...more,
  }
  return { options, kill, start, pidFile, folder }
}
