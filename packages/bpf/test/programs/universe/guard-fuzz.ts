import fc from 'fast-check'
import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import {
  ethernet,
  etherTypes,
  ipv4,
  ipv6,
  ipv6Address,
  protocols,
  tcp,
  tcpFlags,
  udp,
} from '../support/packets.ts'

const XDP_DROP = 1
const XDP_PASS = 2
const port = 7777

const inner = fc.constantFrom(
  [protocols.udp, udp({ target: port }, new Uint8Array(20))] as const,
  [protocols.tcp, tcp(port, tcpFlags.syn)] as const,
)
const vlans = fc.constantFrom([], [7], [7, 8])
/** Words of IPv4 options, and of IPv6 options of eight bytes. */
const lengths = fc.record({ options: fc.nat(10), extensions: fc.nat(4) })

t.test('a handshake of a stranger is found in whatever it is wrapped', async () => {
  using guard = await loadProgram('guard', { globals: { guard_port: port, guard_allowed_only: true } })
  const program = guard.program('x0t_guard')
  fc.assert(
    fc.property(
      inner,
      vlans,
      lengths,
      fc.boolean(),
      ([protocol, payload], tags, { options, extensions }, isIpv6) => {
        let rest: readonly number[] = payload
        let next: number = protocol
        for (let header = 0; header < extensions; header++) {
          rest = [next, 0, 1, 4, 0, 0, 0, 0, ...rest]
          next = protocols.options
        }
        const packet = isIpv6
          ? ethernet(etherTypes.ipv6, ipv6(ipv6Address(1, 1), next, rest), tags)
          : ethernet(
              etherTypes.ipv4,
              ipv4({ source: '198.51.100.7', protocol, optionWords: options }, payload),
              tags,
            )
        return program.testRun(packet).verdict === XDP_DROP
      },
    ),
    { seed: 20, numRuns: 300 },
  )
})

t.test('bytes without sense get a verdict all the same, and each is counted once', async (t) => {
  using guard = await loadProgram('guard', {
    globals: { guard_port: port, guard_source_rate: 0, guard_total_rate: 0 },
  })
  const program = guard.program('x0t_guard')
  const type = fc.constantFrom(etherTypes.ipv4, etherTypes.ipv6, 0x8100, 0x88a8, etherTypes.arp)
  let runs = 0
  fc.assert(
    fc.property(type, fc.uint8Array({ minLength: 1, maxLength: 120 }), (etherType, payload) => {
      runs++
      const packet = ethernet(etherType, payload)
      const { verdict, packet: output } = program.testRun(packet)
      return (verdict === XDP_DROP || verdict === XDP_PASS) && Buffer.compare(output, packet) === 0
    }),
    { seed: 21, numRuns: 1000 },
  )
  const counted = Object.values(await guard.values('x0t_guard_packets_total', 'verdict'))
  t.equal(
    counted.reduce((sum, value) => sum + value, 0),
    runs,
  )
})
