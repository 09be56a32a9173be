import type { Bed } from './bed.ts'
import { faultText } from './fault-spec.ts'
import { linksOf, type CableKind } from './network-plan.ts'
import { processState, residentBytes, type ProcessFacts } from './process-table.ts'

/** State of a testbed, as `x0t testbed status --json` prints it. */
export interface BedStatus {
  readonly bed: string
  readonly createdAtMs: number
  readonly folder: string
  readonly runner: string
  readonly cables: CableKind
  /** True while the process that made the testbed is there: it takes it down when it ends. */
  readonly owned: boolean
  readonly hosts: readonly HostStatus[]
  readonly links: readonly LinkStatus[]
  readonly faults: readonly FaultStatus[]
}

export interface HostStatus {
  readonly name: string
  readonly namespace: string
  /** `none` where hosts run no program. */
  readonly state: ProcessFacts['state'] | 'none'
  readonly pid: number | null
  readonly startedAtMs: number | null
  readonly residentBytes: number | null
  /** Addresses on the links, IPv4 and IPv6. */
  readonly addresses: readonly string[]
  readonly details: Readonly<Record<string, string>>
}

export interface LinkStatus {
  readonly name: string
  readonly a: {
    readonly host: string
    readonly interface: string
    readonly ipv4: string
    readonly ipv6: string
  }
  readonly b: {
    readonly host: string
    readonly interface: string
    readonly ipv4: string
    readonly ipv6: string
  }
  readonly mtuBytes: number
}

export interface FaultStatus {
  readonly target: string
  readonly kind: string
  readonly value: number | null
  /** As it is written to inject it: `loss=10%`. */
  readonly text: string
  readonly injectedAtMs: number
}

/** Reads the present state: processes from the kernel, the rest from the records. */
export async function bedStatus(bed: Bed): Promise<BedStatus> {
  const { manifest, plan, folder } = bed
  const hosts: HostStatus[] = []
  for (const { name, namespace } of plan.hosts) {
    const program = await folder.process(name)
    const state = program === undefined ? 'none' : await processState(program)
    const alive = program !== undefined && state !== 'dead'
    hosts.push({
      name,
      namespace,
      state,
      pid: alive ? program.pid : null,
      startedAtMs: program?.startedAtMs ?? null,
      residentBytes: alive ? await residentBytes(program.pid) : null,
      addresses: linksOf(plan, name).flatMap(({ own }) => [own.ipv4, own.ipv6]),
      details: program?.details ?? {},
    })
  }
  return {
    bed: plan.bed,
    createdAtMs: manifest.createdAtMs,
    folder: folder.path,
    runner: manifest.runner.kind,
    cables: plan.cables,
    owned: (await processState(manifest.owner)) !== 'dead',
    hosts,
    links: plan.links.map(({ a, b, mtuBytes }) => ({
      name: `${a.host}-${b.host}`,
      a: { host: a.host, interface: a.interface, ipv4: a.ipv4, ipv6: a.ipv6 },
      b: { host: b.host, interface: b.interface, ipv4: b.ipv4, ipv6: b.ipv6 },
      mtuBytes,
    })),
    faults: (await folder.faults()).map((fault) => ({
      target: fault.target,
      kind: fault.kind,
      value: fault.value ?? null,
      text: faultText(fault),
      injectedAtMs: fault.injectedAtMs,
    })),
  }
}
