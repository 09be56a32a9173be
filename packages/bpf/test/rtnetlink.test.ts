import fc from 'fast-check'
import t from 'tap'
import { decodeXdpPrograms, encodeInterfaceDump } from '../src/rtnetlink.ts'

const RTM_NEWLINK = 16
const NLMSG_DONE = 3

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 4 + value.length, true)
  view.setUint16(2, type, true)
  bytes.set(value, 4)
  return bytes
}

function message(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + body.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, type, true)
  bytes.set(body, 16)
  return bytes
}

/** struct ifinfomsg with the index, then attributes. */
function linkBody(index: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(16)
  new DataView(header.buffer).setInt32(4, index, true)
  return Buffer.concat([header, ...attributes])
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

t.test('the request is a dump of links', (t) => {
  const view = new DataView(encodeInterfaceDump().buffer)
  t.equal(view.getUint32(0, true), 32, 'nlmsghdr and ifinfomsg')
  t.equal(view.getUint16(4, true), 18, 'RTM_GETLINK')
  t.equal(view.getUint16(6, true), 0x301, 'NLM_F_REQUEST | NLM_F_DUMP')
  t.end()
})

t.test('programs are those of the nested IFLA_XDP, native and generic', (t) => {
  // IFLA_XDP is 43, with NLA_F_NESTED; in it IFLA_XDP_PROG_ID 4, IFLA_XDP_SKB_PROG_ID 6, IFLA_XDP_ATTACHED 2.
  const xdp = attribute(
    43 | 0x8000,
    Buffer.concat([attribute(2, Uint8Array.of(2)), attribute(4, u32(77)), attribute(6, u32(78))]),
  )
  const name = attribute(3, new TextEncoder().encode('eth0\0'))
  const bytes = Buffer.concat([
    message(RTM_NEWLINK, linkBody(5, name, xdp)),
    message(RTM_NEWLINK, linkBody(6, name)),
    message(NLMSG_DONE, new Uint8Array(4)),
  ])
  const { programs, isLast } = decodeXdpPrograms(bytes)
  t.same([...(programs.get(5) ?? [])], [77, 78])
  t.same([...(programs.get(6) ?? [])], [])
  t.equal(isLast, true)
  t.equal(decodeXdpPrograms(message(RTM_NEWLINK, linkBody(5))).isLast, false)
  t.end()
})

t.test('damaged messages end the reading, whatever their bytes', (t) => {
  t.equal(decodeXdpPrograms(message(RTM_NEWLINK, linkBody(5)).subarray(0, 20)).isLast, true)
  t.equal(decodeXdpPrograms(new Uint8Array(16)).isLast, true, 'a length of zero')
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
    const whole = decodeXdpPrograms(message(RTM_NEWLINK, linkBody(9, body)))
    return [...whole.programs.keys()].every((index) => index === 9) && decodeXdpPrograms(body) !== undefined
  })
  fc.assert(property)
  t.end()
})
