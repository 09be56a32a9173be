import { X0tError } from '@x0t/core'
import type { ProcessIdentity } from '@x0t/testbed'
import type { Tunnel } from '../tunnel.ts'

/** A real x0t node on every host, enrolled and joined as users do it. */
export const x0t: Tunnel = {
  name: 'x0t',
  programs: [],
  setup: 'x0t: default settings; each node joined with a token; relays by itself',
  mostRelays: 8,
  lab: { x0t: true },
  async start({ bed, hosts, last }) {
    const daemons: ProcessIdentity[] = []
    let target: string | undefined
    for (const host of hosts) {
      const program = await bed.folder.process(host)
      if (program === undefined) throw new X0tError('BENCH_TUNNEL_DOWN', `no node runs on ${host}`)
      daemons.push({ pid: program.pid, startTicks: program.startTicks })
      if (host === last) target = program.details['overlayAddress']
    }
    if (target === undefined)
      throw new X0tError('BENCH_TUNNEL_DOWN', `the node on ${last} has no overlay address`)
    return { target, daemons }
  },
}
