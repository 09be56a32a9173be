import type { Arena } from './arena.ts'
import { errno, type Kernel } from './kernel.ts'
import type { Link } from './links.ts'
import { decodeNetlink, encodeLinkDump, encodeRouteQuery } from './netlink.ts'
import { socketAddressBytes } from './socket-address.ts'

/** Follows interfaces and routes, and finds the links that they leave without a way. */
export interface CarrierWatch {
  /** Reads what the kernel has told; false if that cannot have cut any link. */
  read(nowMs: number): boolean
  /** When links should be looked at again because of a change that was not looked at yet; Infinity if never. */
  nextAtMs(): number
  /** Those of `links` whose datagrams would leave by an interface that has just failed, or have no route. */
  cut(links: Iterable<Link>, nowMs: number): readonly Link[]
}

const bufferBytes = 65_536
/** Datagrams read in one go, so that a storm of changes does not keep the worker from its packets. */
const maxReads = 64
/** Route queries in one message to the kernel; their answers fit its receive buffer. */
const queriesAtOnce = 32
/** Routes and addresses may change in masses: links are looked at no more often for them. */
const routeIntervalMs = 20

/**
 * @param monitorFd rtnetlink socket, not blocking, member of the groups of {@link openCarrierSockets}
 * @param queryFd a second one, in no group
 * @param sourcePort the data plane's UDP port: routes may depend on it
 */
export function createCarrierWatch({
  arena,
  kernel,
  monitorFd,
  queryFd,
  sourcePort,
}: {
  readonly arena: Arena
  readonly kernel: Kernel
  readonly monitorFd: number
  readonly queryFd: number
  readonly sourcePort: number
}): CarrierWatch {
  const at = arena.allocate(bufferBytes)
  const carries = new Map<number, boolean>()
  /** Failed since the last look. */
  const failed = new Set<number>()
  let lookAtMs = Infinity
  let lookedAtMs = -Infinity
  let sequence = 0

  const receive = (fd: number): number => {
    for (;;) {
      const length = kernel.read(fd, arena.pointer(at), bufferBytes)
      if (length !== -errno.EINTR) return length
    }
  }
  const ask = (bytes: Uint8Array): boolean => {
    arena.bytes.set(bytes, at)
    return kernel.write(queryFd, arena.pointer(at), bytes.length) === bytes.length
  }
  const note = (index: number, nowCarries: boolean): void => {
    // One that was never seen to carry cannot have failed.
    if (!nowCarries && carries.get(index) !== false) failed.add(index)
    if (nowCarries) failed.delete(index)
    carries.set(index, nowCarries)
  }
  const learn = (length: number): { readonly pathLost: boolean } => {
    let pathLost = false
    for (const message of decodeNetlink(arena.bytes.subarray(at, at + length))) {
      if (message.kind === 'link') note(message.index, message.carries)
      else if (message.kind === 'path-lost') pathLost = true
    }
    return { pathLost }
  }
  /** All interfaces anew: messages of the kernel were lost. */
  const dump = (): void => {
    if (!ask(encodeLinkDump(++sequence))) return
    for (let i = 0; i < maxReads; i++) {
      const length = receive(queryFd)
      if (length <= 0) return
      learn(length)
    }
  }
  dump()
  failed.clear()

  /** By link: the interface, 'none' without a route, undefined where the kernel did not say. */
  const queryRoutes = (links: readonly Link[]): ReadonlyMap<Link, number | 'none'> => {
    const first = sequence + 1
    const queries = links.map((link) => {
      const address = arena.bytes.subarray(link.socketAddressAt, link.socketAddressAt + socketAddressBytes)
      return encodeRouteQuery(address, sourcePort, ++sequence)
    })
    const found = new Map<Link, number | 'none'>()
    if (!ask(Buffer.concat(queries))) return found
    for (let i = 0; i < 2 * queriesAtOnce && found.size < links.length; i++) {
      const length = receive(queryFd)
      if (length <= 0) break
      for (const message of decodeNetlink(arena.bytes.subarray(at, at + length))) {
        if (message.kind !== 'route' && message.kind !== 'error') continue
        const link = links[message.sequence - first]
        if (link === undefined) continue
        if (message.kind === 'error' && isUnreachable(message.errno)) found.set(link, 'none')
        else if (message.kind === 'route' && message.index !== undefined) found.set(link, message.index)
      }
    }
    return found
  }

  return {
    read(nowMs) {
      let pathLost = false
      for (let i = 0; i < maxReads; i++) {
        const length = receive(monitorFd)
        if (length === -errno.ENOBUFS) {
          dump()
          pathLost = true
        } else if (length <= 0) {
          break
        } else if (learn(length).pathLost) {
          pathLost = true
        }
      }
      if (failed.size > 0) lookAtMs = nowMs
      else if (pathLost) lookAtMs = Math.min(lookAtMs, Math.max(nowMs, lookedAtMs + routeIntervalMs))
      return lookAtMs <= nowMs
    },
    nextAtMs: () => lookAtMs,
    cut(links, nowMs) {
      lookAtMs = Infinity
      lookedAtMs = nowMs
      const cut: Link[] = []
      const asked = [...links].filter((link) => link.carrier === 'udp' && link.hasEndpoint)
      for (let from = 0; from < asked.length; from += queriesAtOnce) {
        const ways = queryRoutes(asked.slice(from, from + queriesAtOnce))
        for (const [link, way] of ways) if (way === 'none' || failed.has(way)) cut.push(link)
      }
      failed.clear()
      return cut
    },
  }
}

/** An unreachable, prohibit or missing route; other errors say nothing about the way. */
function isUnreachable(number: number): boolean {
  return number === errno.ENETUNREACH || number === errno.EHOSTUNREACH || number === errno.EACCES
}
