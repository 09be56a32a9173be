import type { Arena } from './arena.ts'
import type { Report } from './commands.ts'
import type { DatagramSender } from './datagram-sender.ts'
import { datagramType, headerBytes, hopHeaderBytes, writeCounter, writeHopHeader } from './datagram.ts'
import type { HopRoutines } from './hop-routines.ts'
import { maxDatagramBytes, minDatagramBytes } from './limits.ts'
import type { Link } from './links.ts'
import { createLiveness, type Liveness } from './liveness.ts'
import { createPathMtu, type PathMtu } from './path-mtu.ts'
import type { TakeCounters } from './unit-sender.ts'

/** What is known of one link: liveness, path MTU, loss. */
interface Watch {
  link: Link
  readonly liveness: Liveness
  readonly mtu: PathMtu
  received: number
  /** Highest hop counter and number of datagrams at the last metric. */
  counterAtMetric: number
  highestCounter: number
  metricAtMs: number
  udpTryAtMs: number
  reportedMtu: number
}

/** Probes all links, judges them, measures them. Belongs to the receiving worker. */
export interface NeighbourWatch {
  add(link: Link, nowMs: number): void
  remove(slot: number): void
  /** A datagram with a valid tag and a new hop counter came over this link. */
  heard(slot: number, counter: number, nowMs: number): void
  /** Handles probe, path-MTU probe and answer at `at`. */
  received(link: Link, type: number, at: number, length: number, nowMs: number): void
  /** Sends what is due and judges; `stalled` if this thread was not scheduled when it should have been. */
  tick(nowMs: number, stalled: boolean): void
  /** When {@link NeighbourWatch.tick} is due next. */
  nextAtMs(): number
}

const metricIntervalMs = 1000
/** While a link is carried by `tls`, UDP is tried this often. */
const udpTryIntervalMs = 2000

export function createNeighbourWatch({
  arena,
  routines,
  sender,
  takeCounters,
  linkAlive,
  intervalMs,
  misses,
  report,
}: {
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly sender: DatagramSender
  readonly takeCounters: TakeCounters
  readonly linkAlive: Int32Array
  readonly intervalMs: number
  readonly misses: number
  readonly report: (report: Report) => void
}): NeighbourWatch {
  const watches = new Map<number, Watch>()
  const { view } = arena
  const probeAt = arena.allocate(maxDatagramBytes)

  /** Puts the hop header before the 16 bytes that are at `probeAt` already. */
  const finish = (link: Link, type: number): void => {
    writeHopHeader(arena, probeAt, type, link.remoteLinkId, 0, 0)
    writeCounter(arena, probeAt, takeCounters(link.slot, 1))
    routines.tag(link.sendKeyAt, probeAt)
  }
  const sendProbe = ({ link, liveness }: Watch, nowMs: number): void => {
    const probe = liveness.makeProbe(nowMs)
    const at = probeAt + hopHeaderBytes
    view.setUint32(at, probe.sentUs)
    view.setUint32(at + 4, probe.echoSentUs)
    view.setUint32(at + 8, probe.echoDwellUs)
    view.setUint16(at + 12, probe.intervalMs)
    view.setUint8(at + 14, probe.misses)
    view.setUint8(at + 15, probe.hears ? 1 : 0)
    finish(link, datagramType.probe)
    sender.contiguous(link, probeAt, headerBytes, headerBytes)
  }
  const sendMtu = (link: Link, type: number, size: number, length: number): void => {
    arena.bytes.fill(0, probeAt + hopHeaderBytes, probeAt + length)
    view.setUint32(probeAt + hopHeaderBytes, size)
    finish(link, type)
    if (type === datagramType.mtuProbe) sender.measure(link, probeAt, length)
    else sender.contiguous(link, probeAt, length, length)
  }
  const judge = (watch: Watch, nowMs: number): void => {
    const change = watch.liveness.judge(nowMs)
    if (change === undefined) return
    linkAlive[watch.link.slot] = change === 'up' ? 1 : 0
    if (change === 'up') watch.mtu.restart(nowMs)
    report({ kind: change === 'up' ? 'link-up' : 'link-down', slot: watch.link.slot })
  }
  const measure = (watch: Watch, nowMs: number): void => {
    const { link, liveness, mtu } = watch
    if (nowMs - watch.metricAtMs < metricIntervalMs && mtu.bytes === watch.reportedMtu) return
    const expected = watch.highestCounter - watch.counterAtMetric
    const lossRatio = expected <= 0 ? 0 : Math.max(0, 1 - watch.received / expected)
    watch.counterAtMetric = watch.highestCounter
    watch.received = 0
    watch.metricAtMs = nowMs
    watch.reportedMtu = mtu.bytes
    report({ kind: 'metric', slot: link.slot, rttMs: liveness.rttMs, lossRatio, mtuBytes: mtu.bytes })
  }

  return {
    add(link, nowMs) {
      const known = watches.get(link.slot)
      if (known !== undefined) {
        // The same keys over another carrier: the link is taken to live until silence says otherwise.
        known.link = link
        known.mtu.restart(nowMs)
        return
      }
      watches.set(link.slot, {
        link,
        liveness: createLiveness({ intervalMs, misses, nowMs }),
        mtu: createPathMtu(nowMs),
        received: 0,
        counterAtMetric: 0,
        highestCounter: 0,
        metricAtMs: nowMs,
        udpTryAtMs: nowMs,
        reportedMtu: 0,
      })
      linkAlive[link.slot] = 0
    },
    remove(slot) {
      watches.delete(slot)
      linkAlive[slot] = 0
    },
    heard(slot, counter, nowMs) {
      const watch = watches.get(slot)
      if (watch === undefined) return
      watch.received++
      if (counter > watch.highestCounter) watch.highestCounter = counter
      watch.liveness.heard(nowMs)
    },
    received(link, type, at, length, nowMs) {
      const watch = watches.get(link.slot)
      if (watch === undefined) return
      const body = at + hopHeaderBytes
      if (type === datagramType.probe) {
        const wasAlive = watch.liveness.alive
        const answer = watch.liveness.probeReceived(
          {
            sentUs: view.getUint32(body),
            echoSentUs: view.getUint32(body + 4),
            echoDwellUs: view.getUint32(body + 8),
            intervalMs: view.getUint16(body + 12),
            misses: view.getUint8(body + 14),
            hears: view.getUint8(body + 15) === 1,
          },
          nowMs,
        )
        judge(watch, nowMs)
        // The other side does not hear us, or we have just come up: it should know now, not in an interval.
        if (answer || wasAlive !== watch.liveness.alive) sendProbe(watch, nowMs)
      } else if (type === datagramType.mtuProbe) {
        // An answer is shorter than any probe, so nobody is amplified.
        if (view.getUint32(body) === length) sendMtu(link, datagramType.mtuAnswer, length, headerBytes)
      } else if (type === datagramType.mtuAnswer) {
        watch.mtu.answered(view.getUint32(body))
        if (link.carrier === 'tls') report({ kind: 'udp-works', slot: link.slot })
      }
    },
    tick(nowMs, stalled) {
      for (const watch of watches.values()) {
        if (stalled) watch.liveness.excuse(nowMs)
        judge(watch, nowMs)
        if (watch.liveness.isDue(nowMs)) sendProbe(watch, nowMs)
        if (!watch.liveness.alive) continue
        if (watch.link.carrier === 'udp') {
          for (const size of watch.mtu.due(nowMs)) sendMtu(watch.link, datagramType.mtuProbe, size, size)
        } else if (nowMs >= watch.udpTryAtMs) {
          watch.udpTryAtMs = nowMs + udpTryIntervalMs
          sendMtu(watch.link, datagramType.mtuProbe, minDatagramBytes, minDatagramBytes)
        }
        measure(watch, nowMs)
      }
    },
    nextAtMs() {
      let next = Infinity
      for (const { liveness, mtu, link } of watches.values()) {
        next = Math.min(next, liveness.nextAtMs())
        if (liveness.alive && link.carrier === 'udp') next = Math.min(next, mtu.nextAtMs())
      }
      return next
    },
  }
}
