import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { geteuid } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { MeshRoute, MeshRoutes, Peer, Peers, Status } from '@x0t/local-api'
import {
  createBed,
  defaultRunFolder,
  inNamespace,
  parseShape,
  plannedHost,
  type Bed,
  type CommandResult,
} from '@x0t/testbed'
import { runCli } from './run-cli.ts'

/** Real nodes in namespaces, and what tests ask of them. */
export interface MeshBed extends AsyncDisposable {
  readonly bed: Bed
  readonly hosts: readonly string[]
  homeOf(host: string): string
  /** What `x0t … --json` prints on a host. */
  ask<T>(host: string, words: readonly string[], more?: { readonly stdin?: string }): Promise<T>
  status(host: string): Promise<Status>
  /** Routes of a host by the name of the destination. */
  routes(host: string): Promise<ReadonlyMap<string, MeshRoute>>
  peer(host: string, name: string): Promise<Peer | undefined>
  addressOf(host: string): Promise<string>
  /** Runs a program on a host to its end. */
  run(host: string, argv: readonly string[], input?: string): Promise<CommandResult>
  /** Starts a program on a host. */
  start(host: string, argv: readonly string[]): Promise<Running>
  ping(host: string, to: string, options?: PingOptions): Promise<Pings>
}

export interface Running {
  readonly child: ChildProcess
  /** Ends it, or waits for its end, and returns what it printed. */
  stop(): Promise<string>
  finished(): Promise<string>
}

export interface PingOptions {
  readonly count?: number
  readonly intervalMs?: number
  readonly bytes?: number
}

export interface Pings {
  readonly sent: number
  readonly received: number
  /** Longest time without an answer, ms, beginning and end included. */
  readonly longestGapMs: number
}

const tools = ['ip', 'nft', 'nsenter', 'ping', 'iperf3', 'tcpdump', 'setpriv']

/** Why this machine cannot run nodes in namespaces; false where it can. */
export function lackForMeshBed(): string | false {
  const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const missing = tools.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))))
  const lacks = [
    ...(geteuid?.() === 0 ? [] : ['root']),
    ...(existsSync('/dev/net/tun') ? [] : ['/dev/net/tun']),
    ...missing,
  ]
  return lacks.length === 0 ? false : `this machine lacks ${lacks.join(', ')}`
}

/** Settings of this shell's node, and what the test runner tells processes of Node, are not for the nodes. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(X0T_|NODE_OPTIONS|TAP)/.test(name)),
) as Record<string, string>

/** The x0t command, without what the test runner adds to processes of Node. */
export const x0tCommand: readonly string[] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../bin/x0t.js', import.meta.url)),
]

/** Brings up real nodes; as a diamond four: s reaches d through a and through b. */
export async function openMeshBed(
  name: string,
  settings: Readonly<Record<string, string>>,
  shape = 'diamond',
): Promise<MeshBed> {
  const made = await createBed({
    name,
    topology: parseShape(shape),
    runner: {
      kind: 'x0t',
      command: [...x0tCommand],
      // Other tests run beside these: a node that waits 30 ms for a processor is not what is tested here.
      settings: { 'probe.interval_ms': '100', ...settings },
    },
    runFolder: defaultRunFolder(0, env),
    env,
    signal: new AbortController().signal,
  })
  const bed: Bed = made
  const homeOf = (host: string): string => join(bed.folder.hostFolder(host), 'home')
  const inside = (host: string, argv: readonly string[]): readonly string[] =>
    inNamespace(plannedHost(bed.plan, host).namespace, argv)

  const ask = async <T>(
    host: string,
    words: readonly string[],
    more: { readonly stdin?: string } = {},
  ): Promise<T> => {
    const { code, stdout, stderr } = await runCli([...words, '--home', homeOf(host), '--json'], {
      env,
      ...more,
    })
    if (code !== 0) throw new Error(`${host}: x0t ${words.join(' ')}: exit code ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }
  const run = (host: string, argv: readonly string[], input?: string): Promise<CommandResult> =>
    bed.run(inside(host, argv), { allowFailure: true, ...(input === undefined ? {} : { input }) })

  return {
    bed,
    hosts: bed.plan.hosts.map(({ name: host }) => host),
    homeOf,
    ask,
    run,
    status: (host) => ask(host, ['node', 'status']),
    async routes(host) {
      const { routes } = await ask<MeshRoutes>(host, ['mesh', 'routes'])
      return new Map(routes.map((route) => [route.name ?? route.destination, route]))
    },
    async peer(host, peerName) {
      const { peers } = await ask<Peers>(host, ['node', 'peers'])
      return peers.find((peer) => peer.name === peerName)
    },
    async addressOf(host) {
      return (await bed.folder.process(host))!.details['overlayAddress']!
    },
    async start(host, argv) {
      const [file, ...words] = inside(host, argv)
      const child = spawn(file!, words, { stdio: ['ignore', 'pipe', 'pipe'], env })
      let printed = ''
      child.stdout.on('data', (chunk) => void (printed += String(chunk)))
      child.stderr.on('data', (chunk) => void (printed += String(chunk)))
      const ended = once(child, 'close')
      await once(child, 'spawn')
      const finished = async (): Promise<string> => {
        await ended
        return printed
      }
      return {
        child,
        finished,
        stop() {
          child.kill('SIGINT')
          return finished()
        },
      }
    },
    async ping(host, to, { count = 3, intervalMs = 200, bytes = 56 } = {}) {
      const beganMs = Date.now()
      const words = [
        '-D',
        '-W',
        '1',
        '-c',
        String(count),
        '-i',
        String(intervalMs / 1000),
        '-s',
        String(bytes),
      ]
      const { stdout } = await run(host, ['ping', ...words, to])
      const endMs = beganMs + (count - 1) * intervalMs
      const times = [...stdout.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm)].map(
        (hit) => Number(hit[1]) * 1000,
      )
      const marks = [beganMs, ...times, Math.max(endMs, times.at(-1) ?? endMs)]
      const gaps = marks.slice(1).map((at, index) => at - marks[index]!)
      return { sent: count, received: times.length, longestGapMs: Math.round(Math.max(...gaps)) }
    },
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  }
}

/** Looks again and again until `probe` gives something true; throws after `withinMs`. */
export async function until<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined | false>,
): Promise<{ readonly value: T; readonly afterMs: number }> {
  const beganMs = performance.now()
  let problem: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== false)
        return { value, afterMs: Math.round(performance.now() - beganMs) }
      problem = undefined
    } catch (error) {
      problem = error
    }
    if (performance.now() - beganMs > withinMs)
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause: problem })
    await delay(100)
  }
}
