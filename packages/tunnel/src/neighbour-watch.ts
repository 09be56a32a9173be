import type { Arena } from './arena.ts'
import type { Report } from './commands.ts'
import type { DatagramSender } from './datagram-sender.ts'
import {
  datagramType,
  headerBytes,
  hopHeaderBytes,
  readCounter,
  writeCounter,
  writeHopHeader,
} from './datagram.ts'
import type { HopRoutines } from './hop-routines.ts'
import type { KernelView } from './kernel-view.ts'
import { createLinkMetric, type LinkMetric } from './link-metric.ts'
import { maxDatagramBytes, minDatagramBytes } from './limits.ts'
import type { Link } from './links.ts'
import { createLiveness, type DownReason, type KernelFinding, type Liveness } from './liveness.ts'
import { createPathMtu, type PathMtu } from './path-mtu.ts'
import type { ProbeInterval } from './probe-pace.ts'
import { probeLabel, readProbe, writeProbe } from './probe.ts'
import { stat } from './shared-state.ts'
import type { TakeCounters } from './unit-sender.ts'

/** What is known of one link: liveness, path MTU, loss. */
interface Watch {
  link: Link
  readonly liveness: Liveness
  readonly mtu: PathMtu
  metric: LinkMetric
  mtuProbes: number
  udpTryAtMs: number
  /** The kernel's judgement is given up, because this thread's probes say otherwise. */
  unwatched: boolean
}

/** Probes all links, judges them, measures them. Belongs to the receiving worker. */
export interface NeighbourWatch {
  add(link: Link, nowMs: number): void
  remove(slot: number): void
  /** A datagram with a valid tag and a new hop counter arrived over this link at `atMs`. */
  heard(slot: number, type: number, counter: number, atMs: number): void
  /** Handles probe, path-MTU probe and answer at `at`, which arrived at `atMs`. */
  received(link: Link, type: number, at: number, length: number, atMs: number, nowMs: number): void
  /** Sends what is due, and judges unless datagrams that have arrived still wait to be read (`isDrained` false). */
  tick(nowMs: number, isDrained: boolean): void
  /** The interface or route under these links is gone. */
  carrierLost(links: readonly Link[], nowMs: number): void
  /** Links that live. */
  living(): readonly Link[]
  /** When {@link NeighbourWatch.tick} is due next. */
  nextAtMs(): number
}

/** While a link is carried by `tls`, UDP is tried this often. */
const udpTryIntervalMs = 2000
/** So long may the kernel's probes fail while this thread's get through: the neighbour's kernel may have stopped answering. */
const unwatchAfterMs = 1000
/** A backlog of datagrams puts off judgement for this long at most. */
const maxBacklogMs = 50
const downStat: Readonly<Record<DownReason, number>> = {
  silent: stat.linkDownsSilent,
  carrier: stat.linkDownsCarrier,
  told: stat.linkDownsTold,
}

export function createNeighbourWatch({
  arena,
  routines,
  sender,
  takeCounters,
  linkAlive,
  kernelView,
  stats,
  interval,
  misses,
  report,
}: {
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly sender: DatagramSender
  readonly takeCounters: TakeCounters
  readonly linkAlive: Int32Array
  readonly kernelView: KernelView
  readonly stats: Float64Array
  readonly interval: ProbeInterval
  readonly misses: number
  readonly report: (report: Report) => void
}): NeighbourWatch {
  const watches = new Map<number, Watch>()
  const { view } = arena
  const probeAt = arena.allocate(maxDatagramBytes)
  let drainedAtMs = -Infinity

  /** Puts counter and tag into the datagram at `probeAt`. */
  const finish = (link: Link): void => {
    writeCounter(arena, probeAt, takeCounters(link.slot, 1))
    routines.tag(link.sendKeyAt, probeAt)
  }
  const sendProbe = ({ link, liveness, metric, mtuProbes }: Watch, nowMs: number): void => {
    const probe = { ...liveness.makeProbe(nowMs), lossRatio: metric.lossRatio, mtuProbes }
    const [high, low] = probeLabel(probe)
    writeHopHeader(arena, probeAt, datagramType.probe, link.remoteLinkId, high, low)
    writeProbe(view, probeAt, probe)
    finish(link)
    if (!sender.single(link, probeAt, headerBytes)) liveness.sendFailed(nowMs)
  }
  const sendMtu = (link: Link, type: number, size: number, length: number): void => {
    arena.bytes.fill(0, probeAt + hopHeaderBytes, probeAt + length)
    view.setUint32(probeAt + hopHeaderBytes, size)
    writeHopHeader(arena, probeAt, type, link.remoteLinkId, 0, 0)
    finish(link)
    if (type === datagramType.mtuProbe) sender.measure(link, probeAt, length)
    else sender.contiguous(link, probeAt, length, length)
  }
  const sendMtuProbe = (watch: Watch, size: number): void => {
    watch.mtuProbes++
    sendMtu(watch.link, datagramType.mtuProbe, size, size)
  }
  const mark = ({ link, liveness, unwatched }: Watch): void =>
    kernelView.mark(link.slot, { alive: liveness.alive, unwatched })
  const findingOf = ({ link: { slot } }: Watch): KernelFinding =>
    kernelView.isDown(slot) ? 'down' : kernelView.isFresh(slot) ? 'fresh' : undefined
  const judge = (watch: Watch, nowMs: number, finding = findingOf(watch)): void => {
    const change = watch.liveness.judge(nowMs, finding)
    const { slot } = watch.link
    const unwatched = watch.unwatched
      ? !kernelView.isUp(slot)
      : watch.liveness.contradictedMs(nowMs) > unwatchAfterMs
    if (unwatched !== watch.unwatched) {
      watch.unwatched = unwatched
      mark(watch)
    }
    if (change === undefined) return
    linkAlive[slot] = change.kind === 'up' ? 1 : 0
    mark(watch)
    // What is missed while a link is dead is not the loss of the living link.
    watch.metric = createLinkMetric(nowMs)
    if (change.kind === 'up') {
      watch.mtu.restart(nowMs)
      report({ kind: 'link-up', slot })
      return
    }
    stats[downStat[change.reason]]!++
    report({ kind: 'link-down', slot, reason: change.reason })
    sendProbe(watch, nowMs)
  }
  const measure = ({ link, liveness, mtu, metric }: Watch, nowMs: number): void => {
    const { rttMs, jitterMs, intervalMs, deadlineMs } = liveness
    const due = metric.take({ rttMs, mtuBytes: mtu.bytes }, nowMs)
    if (due === undefined) return
    report({ kind: 'metric', slot: link.slot, ...due, jitterMs, intervalMs, deadlineMs })
  }
  const countLinks = (): void => {
    for (const { liveness } of watches.values()) liveness.setLinks(watches.size)
  }

  return {
    add(link, nowMs) {
      const known = watches.get(link.slot)
      if (known !== undefined) {
        // The same keys over another carrier: the link is taken to live until silence says otherwise.
        known.link = link
        known.mtu.restart(nowMs)
        known.liveness.carrierChanged(link.carrier)
        mark(known)
        return
      }
      const watch: Watch = {
        link,
        liveness: createLiveness({ interval, misses, carrier: link.carrier, nowMs }),
        mtu: createPathMtu(nowMs),
        metric: createLinkMetric(nowMs),
        mtuProbes: 0,
        udpTryAtMs: nowMs,
        unwatched: false,
      }
      watches.set(link.slot, watch)
      linkAlive[link.slot] = 0
      mark(watch)
      countLinks()
    },
    remove(slot) {
      watches.delete(slot)
      linkAlive[slot] = 0
      countLinks()
    },
    heard(slot, type, counter, atMs) {
      const watch = watches.get(slot)
      if (watch === undefined) return
      if (type !== datagramType.mtuProbe) watch.metric.received(counter)
      watch.liveness.heard(atMs)
    },
    received(link, type, at, length, atMs, nowMs) {
      const watch = watches.get(link.slot)
      if (watch === undefined) return
      const body = at + hopHeaderBytes
      if (type === datagramType.probe) {
        const probe = readProbe(view, at)
        const wasAlive = watch.liveness.alive
        const answer = watch.liveness.probeReceived(probe, atMs)
        if (watch.metric.probed(readCounter(arena, at), probe, atMs, kernelView.consumed(link.slot)))
          watch.liveness.lossSeen(watch.metric.lossRatio ?? 0)
        judge(watch, nowMs)
        // The other side does not hear us, or we have just come up: it should know now, not in an interval.
        if (answer || (!wasAlive && watch.liveness.alive)) sendProbe(watch, nowMs)
      } else if (type === datagramType.mtuProbe) {
        // An answer is shorter than any probe, so nobody is amplified.
        if (view.getUint32(body) === length) sendMtu(link, datagramType.mtuAnswer, length, headerBytes)
      } else if (type === datagramType.mtuAnswer) {
        watch.mtu.answered(view.getUint32(body))
        if (link.carrier === 'tls') report({ kind: 'udp-works', slot: link.slot })
      }
    },
    tick(nowMs, isDrained) {
      if (isDrained) drainedAtMs = nowMs
      // What waits to be read may be the very sign of life that is missed.
      const mayJudge = isDrained || nowMs - drainedAtMs > maxBacklogMs
      for (const watch of watches.values()) {
        if (watch.liveness.isDue(nowMs)) sendProbe(watch, nowMs)
        const finding = findingOf(watch)
        if (mayJudge || finding === 'down') judge(watch, nowMs, finding)
        if (!watch.liveness.alive) continue
        if (watch.link.carrier === 'udp') {
          for (const size of watch.mtu.due(nowMs)) sendMtuProbe(watch, size)
        } else if (nowMs >= watch.udpTryAtMs) {
          watch.udpTryAtMs = nowMs + udpTryIntervalMs
          sendMtuProbe(watch, minDatagramBytes)
        }
        measure(watch, nowMs)
      }
    },
    carrierLost(links, nowMs) {
      for (const { slot } of links) {
        const watch = watches.get(slot)
        if (watch === undefined) continue
        watch.liveness.carrierLost()
        judge(watch, nowMs)
      }
    },
    living: () => [...watches.values()].flatMap(({ link, liveness }) => (liveness.alive ? [link] : [])),
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
