import type { BedStatus, LinkStatus } from '@x0t/testbed'
import { columns, facts } from './table.ts'

/** A fault as it is told: target, and what was injected as it is written. */
export interface FaultLine {
  readonly target: string
  readonly text: string
}

export function statusView(status: BedStatus): string {
  const hosts = columns(
    ['HOST', 'STATE', 'PID', 'MEMORY', 'OVERLAY ADDRESS', 'NAMESPACE'],
    status.hosts.map((host) => [
      host.name,
      host.state === 'dead' ? 'DEAD' : host.state,
      host.pid === null ? '-' : String(host.pid),
      host.residentBytes === null ? '-' : `${Math.round(host.residentBytes / 2 ** 20)} MiB`,
      host.details['overlayAddress'] ?? '-',
      host.namespace,
    ]),
  )
  const links = columns(
    ['LINK', 'IPV4', '', 'IPV6', '', 'MTU', 'FAULTS'],
    status.links.map((link) => [
      link.name,
      link.a.ipv4,
      link.b.ipv4,
      link.a.ipv6,
      link.b.ipv6,
      String(link.mtuBytes),
      faultsOn(status, link),
    ]),
  )
  const onHosts = status.faults.filter(({ target }) => !target.startsWith('link:'))
  const parts = [
    facts([
      ['testbed', status.bed],
      ['runs', status.runner === 'x0t' ? 'x0t nodes' : status.runner],
      ...(status.cables === 'bpf' ? ([['cables', 'with a fault switch in the kernel']] as const) : []),
      ['records', status.folder],
    ]),
    hosts,
    status.links.length === 0 ? 'no links' : links,
  ]
  if (onHosts.length > 0)
    parts.push(onHosts.map((fault) => `fault: ${fault.target} ${fault.text}`).join('\n'))
  return parts.join('\n\n')
}

export function bedsView(beds: readonly BedStatus[]): string {
  if (beds.length === 0) return 'no testbeds'
  return columns(
    ['TESTBED', 'HOSTS', 'RUNNING', 'LINKS', 'FAULTS', 'OWNER'],
    beds.map((bed) => [
      bed.bed,
      String(bed.hosts.length),
      String(bed.hosts.filter((host) => host.state === 'running').length),
      String(bed.links.length),
      String(bed.faults.length),
      bed.owned ? 'a running command' : 'none',
    ]),
  )
}

export function faultsView(verb: string, faults: readonly FaultLine[]): string {
  if (faults.length === 0) return 'no fault was active'
  return faults.map((fault) => `${verb}: ${fault.target} ${fault.text}`).join('\n')
}

/** Faults of the link, whichever of its ends a fault of one direction names first. */
function faultsOn(status: BedStatus, { a, b }: LinkStatus): string {
  const targets = [`link:${a.host}-${b.host}`, `link:${b.host}-${a.host}`]
  return status.faults
    .filter((fault) => targets.includes(fault.target))
    .map(({ target, text }) => (target === targets[0] ? text : `${text} (${b.host}-${a.host})`))
    .join(' ')
}
