import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock, type Clock, type LogFields } from '@x0t/core'
import { openClient, type Client } from '@x0t/local-api'
import { homeAt, loadConfig, readConfigFile, readDecisions } from '../src/config/index.ts'
import { initNode, joinMesh, startNode, type MeshNode, type NodeIdentity } from '../src/index.ts'

/** A node on an address of its own in 127.0.0.0/8, which only relays: it needs no rights. */
export interface LoopbackNode {
  readonly name: string
  readonly home: string
  readonly address: string
  readonly client: Client
  /** What it logged, in order. */
  readonly logged: readonly { readonly event: string; readonly fields: LogFields }[]
  init(): Promise<NodeIdentity & { readonly created: boolean }>
  join(
    token: string,
    more?: { readonly via?: string; readonly isNameChosen?: boolean },
  ): Promise<NodeIdentity & { readonly created: boolean }>
  /** Starts it; once more where it runs already. */
  start(): Promise<MeshNode>
  stop(): Promise<void>
}

export interface LoopbackOptions {
  readonly clock?: Clock
  /** The configuration names the node as the host is called, and nothing else does. */
  readonly isUnnamed?: boolean
  readonly flags?: Readonly<Record<string, string | readonly string[]>>
  /** Below the least that the configuration takes, so that tests need not wait. */
  readonly svidTtlMs?: number
}

export interface LoopbackNet extends AsyncDisposable {
  readonly folder: string
  node(name: string, options?: LoopbackOptions): LoopbackNode
}

/** The system's clock with the wall time off by `offsetMs()`. */
export function clockOff(offsetMs: () => number): Clock {
  return { ...systemClock, wallMs: () => systemClock.wallMs() + offsetMs() }
}

/** Makes nodes that are all stopped, and their homes removed, at the end. */
export function createLoopbackNet(): LoopbackNet {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-node-'))
  const nodes: LoopbackNode[] = []
  // Each test process has addresses of its own: runs side by side do not meet.
  const network = `127.${64 + (process.pid % 128)}.${1 + (Math.floor(process.pid / 128) % 250)}`
  const node = (name: string, options: LoopbackOptions = {}): LoopbackNode => {
    const home = join(folder, name)
    const address = `${network}.${nodes.length + 1}:7800`
    const logged: { event: string; fields: LogFields }[] = []
    const record = (event: string, fields: LogFields = {}): void => void logged.push({ event, fields })
    const log = { debug: record, info: record, warn: record, error: record }
    const { clock = systemClock } = options
    let running: MeshNode | undefined
    const made: LoopbackNode = {
      name,
      home,
      address,
      client: openClient({ socketPath: join(home, 'x0t.sock') }),
      logged,
      init: () => initNode({ home, meshName: 'loop', name, log, clock }),
      join: (token, more) => joinMesh({ home, token, name, log, clock, ...more }),
      async start() {
        const flags = {
          ...(options.isUnnamed === true ? {} : { 'node.name': name }),
          'network.listen': address,
          'network.mdns': 'false',
          'tunnel.enabled': 'false',
          'http.listen': 'off',
          ...options.flags,
        }
        const { decisions } = await readDecisions(homeAt(home).decisionsFile, readConfigFile)
        const { config, entries } = await loadConfig({ home, flags, readFile: readConfigFile, decisions })
        const { svidTtlMs = config.identity.svidTtlMs } = options
        const own = { ...config, identity: { ...config.identity, svidTtlMs } }
        running = await startNode({ home, config: own, settings: entries, log, clock })
        return running
      },
      async stop() {
        await running?.[Symbol.asyncDispose]()
        running = undefined
      },
    }
    nodes.push(made)
    return made
  }
  return {
    folder,
    node,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((one) => one.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Looks again and again until `probe` gives something true; throws after `withinMs`. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 15_000,
): Promise<T> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await delay(50)
  }
}
