import type { Bans, Peers, Status, Tokens } from '@x0t/local-api'
import type { CheckResult } from '@x0t/node/doctor'
import { columns, facts } from './table.ts'
import { bitRate, milliseconds, percent, shortDuration } from './units.ts'

/** What a node is called once it has keys and a mesh. */
export interface NodeIdentity {
  readonly nodeId: string
  readonly spiffeId: string
  readonly overlayAddress: string
}

export function identityView(node: NodeIdentity & { readonly created?: boolean }): string {
  return facts([
    ['node', node.nodeId],
    ['SPIFFE ID', node.spiffeId],
    ['address', node.overlayAddress],
  ])
}

/** The certificate of a node in a few lines. */
export function svidView(svid: {
  readonly nodeId: string
  readonly spiffeId: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly authoritiesSha256: readonly string[]
}): string {
  const time = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
  return facts([
    ['node', svid.nodeId],
    ['SPIFFE ID', svid.spiffeId],
    ['valid from', time(svid.notBeforeMs)],
    ['valid until', time(svid.notAfterMs)],
    ...svid.authoritiesSha256.map((hash): [string, string] => ['authority', `sha256:${hash}`]),
  ])
}

/** What a person sees when a node has come up. */
export function readyView(
  node: NodeIdentity & { readonly name: string; readonly first: boolean; readonly home: string },
  command: string,
): string {
  const next = node.first
    ? [`Let another machine join: ${command} node invite`, `See how it fares: ${command} node status --watch`]
    : [`See how it fares: ${command} node status --watch`, `Ask a member: ping ${node.overlayAddress}`]
  return [
    '',
    `  x0t node ${node.name} is up`,
    ...facts([
      ['  node', node.nodeId],
      ['  address', node.overlayAddress],
      ['  SPIFFE ID', node.spiffeId],
      ['  home', node.home],
    ]).split('\n'),
    '',
    ...next.map((line) => `  ${line}`),
    '',
  ].join('\n')
}

export function statusView(status: Status, nowMs: number): string {
  const svidLeftMs = status.svidNotAfterMs - nowMs
  const lines: [string, string][] = [
    ['node', `${safe(status.name)}  ${status.id}`],
    ['mesh', `${safe(status.mesh)}, ${status.role === 'authority' ? 'holds the authority' : 'member'}`],
    ['address', status.address],
    ['SPIFFE ID', status.spiffeId],
    [
      'interface',
      status.tun.state === 'up'
        ? `${status.tun.name}, MTU ${status.tun.mtuBytes}`
        : `none: ${safe(status.tun.reason)}`,
    ],
    ...fastPathLine(status),
    ['peers', String(status.peers)],
    ['sessions', String(status.sessions)],
    [
      'certificate',
      svidLeftMs > 0 ? `valid for ${shortDuration(svidLeftMs)}` : `EXPIRED ${shortDuration(-svidLeftMs)} ago`,
    ],
    ...healingLine(status),
    ['listens on', status.listen.map((one) => `${one.transport} ${one.address}`).join(', ') || 'nothing'],
    [
      'up',
      `${shortDuration(status.uptimeMs)}, pid ${status.pid}, ${Math.round(status.rssBytes / 2 ** 20)} MiB`,
    ],
    ['version', status.version],
  ]
  return facts(lines)
}

/** Who forwards, for the head of a live view. */
export function fastPathWord({ fastPath }: Status): string {
  if (fastPath === undefined) return ''
  if (fastPath.path === 'kernel') return '  forwards in the kernel'
  return fastPath.code === null ? '' : `  forwards in this process (${fastPath.code})`
}

/** Who probes and forwards, and why not the kernel. */
function fastPathLine({ fastPath }: Status): [string, string][] {
  if (fastPath === undefined) return []
  if (fastPath.path === 'userspace') {
    const code = fastPath.code === null ? '' : ` (${fastPath.code})`
    return [['forwards', `in this process: ${safe(fastPath.reason)}${code}`]]
  }
  const places = fastPath.interfaces.map(({ name, mode, problem }) => {
    const reason = problem === null ? '' : safe(problem.reason)
    if (mode === null) return `not on ${safe(name)}: ${reason}`
    return `${safe(name)} ${mode}${reason === '' ? '' : ` (${reason})`}`
  })
  return [['forwards', `in the kernel${places.length === 0 ? '' : `: ${places.join(', ')}`}`]]
}

function healingLine({ healing, openIncidents }: Status): [string, string][] {
  if (healing === undefined) return []
  const open = openIncidents ?? 0
  const incidents =
    open === 0
      ? 'no open incidents'
      : `${open} open ${open === 1 ? 'incident' : 'incidents'}: x0t heal status`
  const words = { off: 'OFF', on: incidents, safe_mode: `SAFE_MODE, observes only; ${incidents}` }
  return [['healing', words[healing]]]
}

export function peersView({ peers }: Peers, nowMs: number): string {
  if (peers.length === 0) return 'no neighbours'
  const head = [
    'NAME',
    'NODE',
    'ADDRESS',
    'ENDPOINT',
    'CARRIER',
    'RTT',
    'JITTER',
    'LOSS IN',
    'LOSS OUT',
    'PROBES',
    'KERNEL',
    'SENT',
    'RECEIVED',
    'SINCE',
  ]
  return columns(
    head,
    peers.map((peer) => [
      safe(peer.name),
      peer.id.slice(0, 10),
      peer.address,
      peer.endpoint ?? '-',
      peer.carrier,
      milliseconds(peer.rttMs),
      milliseconds(peer.jitterMs),
      percent(peer.lossRatio),
      percent(peer.lossToRatio),
      probesOf(peer),
      kernelOf(peer),
      bitRate(peer.tx.bytesPerSecond),
      bitRate(peer.rx.bytesPerSecond),
      shortDuration(Math.max(0, nowMs - peer.connectedSinceMs)),
    ]),
  )
}

/** What the kernel finds of a neighbour by its own probes: state, round trip, interval. */
export function kernelOf({ kernel }: Peers['peers'][number]): string {
  if (kernel === undefined || kernel === null) return '-'
  const state = kernel.isWatched ? kernel.state : `${kernel.state}, not counted`
  const rtt = kernel.rttMs === null ? '' : ` ${milliseconds(kernel.rttMs)}`
  return `${state}${rtt} /${kernel.intervalMs}ms`
}

/** Interval of the probes, and silence that means death. */
function probesOf({ probeIntervalMs, deadlineMs }: Peers['peers'][number]): string {
  if (probeIntervalMs === null || deadlineMs === null) return '-'
  return `${Math.round(probeIntervalMs)}/${Math.round(deadlineMs)}ms`
}

export function tokensView({ tokens }: Tokens, nowMs: number): string {
  if (tokens.length === 0) return 'no join tokens'
  return columns(
    ['TOKEN', 'FOR', 'STATE', 'EXPIRES', 'USED BY'],
    tokens.map((token) => [
      token.id,
      safe(token.name ?? '-'),
      token.state,
      token.expiresAtMs > nowMs ? `in ${shortDuration(token.expiresAtMs - nowMs)}` : 'is past',
      token.usedBy?.slice(0, 10) ?? '-',
    ]),
  )
}

export function bansView({ bans }: Bans): string {
  if (bans.length === 0) return 'no one is banned'
  return columns(
    ['NAME', 'NODE', 'SINCE', 'REASON'],
    bans.map((ban) => [
      safe(ban.name ?? '-'),
      ban.id,
      new Date(ban.bannedAtMs).toISOString().slice(0, 16),
      safe(ban.reason),
    ]),
  )
}

export function doctorView(results: readonly CheckResult[]): string {
  const words = { ok: 'ok', warn: 'WARN', fail: 'FAIL' }
  const lines = columns(
    ['CHECK', 'RESULT', 'FOUND'],
    results.map((result) => [result.check, words[result.status], result.found]),
  )
  const fixes = results.filter((result) => result.fix !== undefined)
  if (fixes.length === 0) return `${lines}\n\nall is well`
  return `${lines}\n\n${fixes.map((result) => `${result.check}: ${result.fix}`).join('\n')}`
}

/** A word chosen by another member, without what could steer a terminal. */
export function safe(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, '\uFFFD')
}
