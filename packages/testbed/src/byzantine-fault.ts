import type { FaultSteps } from './fault-steps.ts'
import { ineffective } from './fault-steps.ts'
import { linksOf, plannedHost, type NetworkPlan } from './network-plan.ts'
import { chainAt, countersOf, nftFault, type Table } from './nft-fault.ts'
import { inNamespace } from './run-command.ts'

/** ARCHITECTURE.md, Datagram: type of data in byte 0; byte 1 is the hop limit, 255 only at the source. */
const [dataType, sourceHopLimit] = [0x10, 255]

/** Before the header of IP there are 14 bytes of Ethernet, which nft counts at egress. */
const ethernetBytes = 14

/**
 * A host that lies: it answers probes and all control traffic, takes and sends its own data, and eats in silence what
 * it should forward for others: data datagrams of x0t that it is not the source of, and what its kernel forwards.
 * @param leastBytes eat also every IP packet of this size and more that leaves the host: for other overlays, whose
 *   forwarded data is known only by its size
 */
export function byzantine(plan: NetworkPlan, host: string, leastBytes?: number): FaultSteps {
  const { namespace } = plannedHost(plan, host)
  const links = linksOf(plan, host)
  const rules = [
    `meta l4proto udp @ih,0,8 ${dataType} @ih,8,8 < ${sourceHopLimit} counter drop`,
    ...(leastBytes === undefined
      ? []
      : [`meta protocol { ip, ip6 } meta length >= ${leastBytes + ethernetBytes} counter drop`]),
  ]
  const link: Table = {
    family: 'netdev',
    name: 'x0t_byzantine',
    chains: links.map(({ own }) => chainAt(own, 'egress', -350, rules.join(';\n '))),
  }
  const kernel: Table = {
    family: 'inet',
    name: 'x0t_byzantine',
    chains: ['chain forward {\n type filter hook forward priority -350;\n counter drop;\n}'],
  }
  const steps = nftFault([{ namespace, tables: [link, kernel] }], [])
  return {
    ...steps,
    /** Sends what a relay would send, and looks whether it was eaten on every link. */
    async verify({ run }) {
      for (const { other } of links) {
        const program =
          'const s = require("node:dgram").createSocket("udp4");' +
          `s.send(Buffer.alloc(${Math.max(leastBytes ?? 0, 64)}, "${forwardedHex}", "hex"), 9, "${other.ipv4}", () => s.close())`
        await run(inNamespace(namespace, [process.execPath, '-e', program]))
      }
      const counts = await countersOf(namespace, link, run)
      const eaten = links.map((_, at) => counts.slice(at * rules.length, (at + 1) * rules.length)[0] ?? 0)
      if (eaten.includes(0)) throw ineffective(`${host} still forwards on a link`)
    },
  }
}

/** Data of x0t with one hop behind it. */
const forwardedHex = Buffer.of(dataType, sourceHopLimit - 1).toString('hex')
