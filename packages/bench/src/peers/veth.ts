import type { Tunnel } from '../tunnel.ts'

/** The bare link, and kernel forwarding over relays: what a tunnel can reach at best. */
export const veth: Tunnel = {
  name: 'veth',
  programs: [],
  setup: 'veth: no tunnel; over relays plain IPv4 forwarding of the kernels',
  mostRelays: 8,
  lab: { forward: true },
  start: async (lab) => ({ target: lab.links.at(-1)!.b.ipv4, daemons: [] }),
}
