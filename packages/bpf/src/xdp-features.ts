import { interfaceIndexOf } from './attach.ts'
import { checked } from './bpf-failure.ts'
import { attributesOf } from './rtnetlink.ts'
import { openSyscalls } from './syscalls.ts'

/** What an interface does with XDP (enum netdev_xdp_act of <linux/netdev.h>). */
export interface XdpFeatures {
  /** Programs run in its driver, and may pass, drop and send back. */
  readonly native: boolean
  /** It sends frames that a program of another interface, or its own, redirects to it. */
  readonly transmits: boolean
}

const AF_NETLINK = 16
const NETLINK_GENERIC = 16
const NLM_F_REQUEST = 1
const NLMSG_ERROR = 2
/** The family that hands out the numbers of the others. */
const GENL_ID_CTRL = 16
const CTRL_CMD_GETFAMILY = 3
const CTRL_ATTR_FAMILY_ID = 1
const CTRL_ATTR_FAMILY_NAME = 2
const NETDEV_CMD_DEV_GET = 1
const NETDEV_A_DEV_IFINDEX = 1
const NETDEV_A_DEV_XDP_FEATURES = 3
const NETDEV_XDP_ACT_BASIC = 1
const NETDEV_XDP_ACT_NDO_XMIT = 4
const headerBytes = 20
const answerBytes = 8192

/**
 * Asks the kernel what XDP can do on an interface of this network namespace, through generic netlink. It changes with the
 * other end of a veth: frames get through only while that has XDP or GRO.
 * @returns undefined where the kernel does not tell: before 6.3, or of an interface that has just gone
 * @throws X0tError BPF_INTERFACE_NOT_FOUND
 */
export function xdpFeatures(name: string): XdpFeatures | undefined {
  const ifindex = interfaceIndexOf(name)
  const syscalls = openSyscalls()
  const what = `what ${name} does with XDP could not be learnt`
  const fd = checked(syscalls.socket(AF_NETLINK, NETLINK_GENERIC), what)
  try {
    return askXdpFeatures(ifindex, (request) => {
      checked(syscalls.write(fd, request), what)
      const memory = new Uint8Array(answerBytes)
      return decodeAnswer(memory.subarray(0, checked(syscalls.read(fd, memory), what)))
    })
  } finally {
    syscalls.close(fd)
  }
}

/** @param exchange sends a request and returns the answer to it */
export function askXdpFeatures(
  ifindex: number,
  exchange: (request: Uint8Array) => GenericAnswer,
): XdpFeatures | undefined {
  const byName = encodeRequest(
    GENL_ID_CTRL,
    CTRL_CMD_GETFAMILY,
    CTRL_ATTR_FAMILY_NAME,
    Buffer.from('netdev\0'),
  )
  const family = exchange(byName).attributes.get(CTRL_ATTR_FAMILY_ID)
  if (family?.length !== 2) return undefined
  const index = new Uint8Array(Uint32Array.of(ifindex).buffer)
  const { attributes } = exchange(
    encodeRequest(littleEndian(family), NETDEV_CMD_DEV_GET, NETDEV_A_DEV_IFINDEX, index),
  )
  const features = attributes.get(NETDEV_A_DEV_XDP_FEATURES)
  if (features?.length !== 8) return undefined
  const bits = littleEndian(features)
  return { native: (bits & NETDEV_XDP_ACT_BASIC) !== 0, transmits: (bits & NETDEV_XDP_ACT_NDO_XMIT) !== 0 }
}

/** A request of generic netlink with one attribute. */
export function encodeRequest(family: number, command: number, type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + 4 + ((value.length + 3) & ~3))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, family, true)
  view.setUint16(6, NLM_F_REQUEST, true)
  bytes[16] = command
  bytes[17] = 1
  view.setUint16(headerBytes, 4 + value.length, true)
  view.setUint16(headerBytes + 2, type, true)
  bytes.set(value, headerBytes + 4)
  return bytes
}

/** The first message that came: its attributes by type, or a negative error number. */
export interface GenericAnswer {
  readonly error: number
  readonly attributes: ReadonlyMap<number, Uint8Array>
}

/** Attributes that are cut off are left out. */
export function decodeAnswer(bytes: Uint8Array): GenericAnswer {
  const attributes = new Map<number, Uint8Array>()
  if (bytes.length < headerBytes) return { error: 0, attributes }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint16(4, true) === NLMSG_ERROR) return { error: view.getInt32(16, true), attributes }
  const end = Math.min(bytes.length, view.getUint32(0, true))
  for (const [type, at, length] of attributesOf(view, headerBytes, end))
    attributes.set(type, bytes.subarray(at, at + length))
  return { error: 0, attributes }
}

/** The low 16 bits, which is all that is asked of here. */
const littleEndian = (value: Uint8Array): number => value[0]! + value[1]! * 256
