import type { ProcessIdentity } from '@x0t/testbed'
import { prepareYggdrasil } from '../overlays/yggdrasil.ts'
import { versionOf, type Tunnel } from '../tunnel.ts'

/** Yggdrasil over TCP peerings, its own routing in between, at the largest MTU it offers. */
export const yggdrasil: Tunnel = {
  name: 'yggdrasil',
  programs: [{ program: 'yggdrasil', package: 'yggdrasil' }],
  setup: 'yggdrasil: TCP peerings along the chain, IfMTU 65535 (its default), no multicast; relays by itself',
  mostRelays: 8,
  version: (run) => versionOf(run, ['yggdrasil', '-version'], 'yggdrasil'),
  async start(lab) {
    const prepared = await prepareYggdrasil(lab)
    const daemons: ProcessIdentity[] = []
    for (const host of lab.hosts) daemons.push(...(await prepared.startHost(host)))
    return { target: prepared.addressOf(lab.last), daemons }
  },
}
