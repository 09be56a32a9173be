// Network namespaces with a line of hosts (a - b, or a - r - b) or a diamond (a - r - b and a - s - b), and one
// static-node each.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { formatIpv6 } from '@x0t/core'

export interface LabOptions {
  readonly relay: boolean
  /** Two relays, r and s, beside each other; routes with both trees. */
  readonly diamond?: { readonly hitless: boolean }
  /** Of the names of the namespaces. */
  readonly prefix?: string
  /** Version of IP between the hosts; 4 by default. */
  readonly ipVersion?: 4 | 6
  /** Wire packets one by one: no TSO, GSO, GRO on the veths. */
  readonly offloadsOff: boolean
  /** Share of wire packets dropped on arrival, each way. */
  readonly lossRatio: number
  readonly datagramBytes?: number
  readonly suite?: 'aes-256-gcm' | 'chacha20-poly1305'
  readonly probeMs?: number
  readonly nodeArguments?: readonly string[]
  /** Probes and forwards in the kernel, with pins in this folder of a BPF file system. */
  readonly fastPath?: { readonly pinRoot: string; readonly interval: number | 'auto' }
}

export interface Lab extends AsyncDisposable {
  run(host: string, command: string, ...args: string[]): string
  start(host: string, command: string, ...args: string[]): ChildProcess
  /** Overlay address of a host. */
  address(host: string): string
  /** The process of a node. */
  node(host: string): ChildProcess
  /** Starts the node of a host again, with keys of this generation. */
  restart(host: string, generation: string): void
  /** What the nodes have written so far. */
  output(): string
}

export async function openLab(options: LabOptions): Promise<Lab> {
  const { prefix = 'x0ttun-', diamond } = options
  const hosts = diamond !== undefined ? ['a', 'r', 's', 'b'] : options.relay ? ['a', 'r', 'b'] : ['a', 'b']
  const links =
    diamond === undefined
      ? hosts.slice(1).map((right, i) => [hosts[i]!, right] as const)
      : ([
          ['a', 'r'],
          ['r', 'b'],
          ['a', 's'],
          ['s', 'b'],
        ] as const)
  const children: ChildProcess[] = []
  let output = ''
  const sh = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const clean = (): void => {
    for (const host of hosts) {
      try {
        sh('ip', 'netns', 'delete', prefix + host)
      } catch {
        // It was not there.
      }
    }
  }
  clean()
  for (const host of hosts) {
    sh('ip', 'netns', 'add', prefix + host)
    sh('ip', '-n', prefix + host, 'link', 'set', 'lo', 'up')
  }
  const hostOf = new Map<string, string>()
  for (const [i, [left, right]] of links.entries()) {
    const [l, r] = [`to-${right}`, `to-${left}`]
    sh(
      'ip',
      'link',
      'add',
      l,
      'netns',
      prefix + left,
      'type',
      'veth',
      'peer',
      'name',
      r,
      'netns',
      prefix + right,
    )
    const [net, bits] = options.ipVersion === 6 ? [`fd77:${i}::`, '64'] : [`10.77.${i}.`, '24']
    for (const [host, device, address, other] of [
      [left, l, `${net}1`, right],
      [right, r, `${net}2`, left],
    ] as const) {
      hostOf.set(`${other} ${host}`, address)
      const nodad = options.ipVersion === 6 ? ['nodad'] : []
      sh('ip', '-n', prefix + host, 'address', 'add', `${address}/${bits}`, 'dev', device, ...nodad)
      sh('ip', '-n', prefix + host, 'link', 'set', device, 'up')
      if (options.offloadsOff) {
        sh(
          'ip',
          'netns',
          'exec',
          prefix + host,
          'ethtool',
          '-K',
          device,
          'tso',
          'off',
          'gso',
          'off',
          'gro',
          'off',
          'tx-udp-segmentation',
          'off',
        )
      }
      if (options.lossRatio > 0) {
        const per10000 = Math.round(options.lossRatio * 10_000)
        const nft = (...words: string[]): string => sh('ip', 'netns', 'exec', prefix + host, 'nft', ...words)
        nft('add table inet loss')
        nft('add chain inet loss in { type filter hook input priority 0; }')
        nft(`add rule inet loss in iifname ${device} numgen random mod 10000 < ${per10000} drop`)
      }
    }
  }
  const start = (host: string, command: string, ...args: string[]): ChildProcess => {
    const child = spawn('nsenter', [`--net=/run/netns/${prefix}${host}`, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/tmp',
    })
    children.push(child)
    return child
  }
  const ready: Promise<void>[] = []
  const nodes = new Map<string, ChildProcess>()
  const startNode = (host: string, config: object): ChildProcess => {
    const node = start(
      host,
      process.execPath,
      ...(options.nodeArguments ?? []),
      '--disable-warning=ExperimentalWarning',
      new URL('static-node.ts', import.meta.url).pathname,
      JSON.stringify(config),
    )
    node.stderr!.on('data', (chunk: Buffer) => void (output += `${host}: ${chunk.toString()}`))
    nodes.set(host, node)
    return node
  }
  const configs = new Map<string, object>()
  for (const [i, host] of hosts.entries()) {
    const near = links.flatMap(([left, right]) => (left === host ? [right] : right === host ? [left] : []))
    const config = {
      self: host,
      port: 7700,
      tun: host !== 'r',
      probeMs: options.probeMs,
      fastPath: options.fastPath,
      suite: options.suite ?? 'aes-256-gcm',
      datagramBytes: options.datagramBytes ?? (options.ipVersion === 6 ? 1452 : 1472),
      neighbours: near.map((name) => ({ name, host: hostOf.get(`${host} ${name}`), port: 7700 })),
      routes:
        diamond === undefined
          ? hosts
              .filter((name) => name !== host)
              .map((name) => ({
                name,
                via: near.includes(name) ? name : hosts.indexOf(name) > i ? hosts[i + 1] : hosts[i - 1],
              }))
          : diamondRoutes(host, diamond.hitless),
    }
    configs.set(host, config)
    const node = startNode(host, config)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let ups = 0
    node.stderr!.on('data', (chunk: Buffer) => {
      ups += chunk.toString().split('neighbour-up ').length - 1
      if (ups >= near.length) resolve()
    })
    node.once('exit', () => reject(new Error(`node ${host} ended: ${output}`)))
    ready.push(promise)
  }
  try {
    await Promise.all(ready)
  } catch (error) {
    for (const child of children) child.kill()
    throw error
  }
  return {
    start,
    run: (host, command, ...args) => sh('nsenter', `--net=/run/netns/${prefix}${host}`, command, ...args),
    address(host) {
      const digest = createHash('sha256').update(host).digest()
      return formatIpv6(Buffer.concat([Buffer.from([0xfd, 0x78]), digest.subarray(0, 14)]))
    },
    node: (host) => nodes.get(host)!,
    restart: (host, generation) => void startNode(host, { ...configs.get(host), generation }),
    output: () => output,
    async [Symbol.asyncDispose]() {
      for (const child of children.toReversed()) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGCONT')
        child.kill('SIGTERM')
        await ended
      }
      clean()
    },
  }
}

/** Between the ends only: red over r, blue over s; from each relay red and blue lead round the cycle in both directions. */
function diamondRoutes(host: string, hitless: boolean): object[] {
  const ends = host === 'a' ? ['b'] : host === 'b' ? ['a'] : ['a', 'b']
  return ends.map((name) => {
    if (host === 'a' || host === 'b') {
      const tree = (neighbour: string): object => ({ neighbour, hops: 2 })
      const alternate = { neighbour: 's', plane: 1, remaining: 2 }
      return { name, via: 'r', alternate, red: tree('r'), blue: tree('s'), hitless }
    }
    const straight = { neighbour: name, hops: 1 }
    const round = { neighbour: name === 'a' ? 'b' : 'a', hops: 3 }
    return { name, via: name, red: host === 'r' ? straight : round, blue: host === 'r' ? round : straight }
  })
}
