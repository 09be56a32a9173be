import type { ActiveFault, BedStatus } from '@x0t/testbed'
import { columns, facts } from './table.ts'
import { percent } from './units.ts'

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
      faultsOn(status, `link:${link.name}`),
    ]),
  )
  const onHosts = status.faults.filter((fault) => fault.target.startsWith('node:'))
  const parts = [
    facts([
      ['testbed', status.bed],
      ['runs', status.runner === 'x0t' ? 'x0t nodes' : status.runner],
      ['records', status.folder],
    ]),
    hosts,
    status.links.length === 0 ? 'no links' : links,
  ]
  if (onHosts.length > 0)
    parts.push(onHosts.map((fault) => `fault: ${fault.target} ${fault.kind}`).join('\n'))
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

export function faultsView(
  verb: string,
  faults: readonly Pick<ActiveFault, 'target' | 'kind' | 'value'>[],
): string {
  if (faults.length === 0) return 'no fault was active'
  return faults.map((fault) => `${verb}: ${fault.target} ${faultText(fault)}`).join('\n')
}

function faultsOn(status: BedStatus, target: string): string {
  return status.faults
    .filter((fault) => fault.target === target)
    .map((fault) => faultText({ kind: fault.kind, value: fault.value ?? undefined }))
    .join(' ')
}

function faultText({ kind, value }: { readonly kind: string; readonly value?: number | undefined }): string {
  if (value === undefined) return kind
  return `${kind} ${kind === 'loss' ? percent(value) : `${value} ms`}`
}
