const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const NLM_F_REQUEST = 1
const NLM_F_DUMP = 0x300
const IFLA_XDP = 43
/** IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID */
const programAttributes: ReadonlySet<number> = new Set([4, 5, 6, 7])
const NLA_TYPE_MASK = 0x3fff
const headerBytes = 16
const linkHeaderBytes = 16

/** Asks for all interfaces (rtnetlink(7)). */
export function encodeInterfaceDump(): Uint8Array {
  const bytes = new Uint8Array(headerBytes + linkHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, RTM_GETLINK, true)
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true)
  return bytes
}

export interface XdpPrograms {
  /** Ids of programs by index of their interface. */
  readonly programs: ReadonlyMap<number, ReadonlySet<number>>
  /** No more messages follow. */
  readonly isLast: boolean
}

/** The XDP programs that messages about interfaces name; what is cut short is left out. */
export function decodeXdpPrograms(bytes: Uint8Array): XdpPrograms {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const programs = new Map<number, ReadonlySet<number>>()
  let isLast = false
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const length = view.getUint32(at, true)
    const type = view.getUint16(at + 4, true)
    if (length < headerBytes || at + length > bytes.length) return { programs, isLast: true }
    if (type === NLMSG_DONE || type === NLMSG_ERROR) isLast = true
    if (type === RTM_NEWLINK && length >= headerBytes + linkHeaderBytes) {
      const index = view.getInt32(at + headerBytes + 4, true)
      programs.set(index, programsOf(view, at + headerBytes + linkHeaderBytes, at + length))
    }
    at += align(length)
  }
  return { programs, isLast }
}

function programsOf(view: DataView, from: number, end: number): ReadonlySet<number> {
  const ids = new Set<number>()
  for (const [type, at, length] of attributesOf(view, from, end)) {
    if (type !== IFLA_XDP) continue
    for (const [inner, innerAt, innerLength] of attributesOf(view, at, at + length)) {
      if (programAttributes.has(inner) && innerLength >= 4) ids.add(view.getUint32(innerAt, true))
    }
  }
  return ids
}

/** struct nlattr: type, and where its contents are. */
export function* attributesOf(
  view: DataView,
  from: number,
  end: number,
): Generator<readonly [type: number, at: number, bytes: number]> {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > end) return
    yield [view.getUint16(at + 2, true) & NLA_TYPE_MASK, at + 4, length - 4]
    at += align(length)
  }
}

/** NLMSG_ALIGN and NLA_ALIGN. */
function align(length: number): number {
  return (length + 3) & ~3
}
