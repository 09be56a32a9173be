import type { Tunnel } from '../tunnel.ts'
import { fastd } from './fastd.ts'
import { nebula } from './nebula.ts'
import { openvpn } from './openvpn.ts'
import { tinc } from './tinc.ts'
import { wireguardGo } from './wireguard-go.ts'
import { yggdrasil } from './yggdrasil.ts'

/** Every peer that x0t is compared with, in the order of `--against` in the help. */
export const peers: readonly Tunnel[] = [wireguardGo, tinc, yggdrasil, nebula, fastd, openvpn]

export { veth } from './veth.ts'
export { x0t } from './x0t.ts'
