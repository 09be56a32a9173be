// Over 300 lines, and one piece: the state of one link, every input of which changes what the others mean.
import type { Carrier } from './commands.ts'
import { createFlapDamping } from './flap-damping.ts'
import { createGapPeak } from './gap-peak.ts'
import { createProbePace, moderateMs, type ProbeInterval } from './probe-pace.ts'
import type { Probe } from './probe.ts'
import { createRoundTrip } from './round-trip.ts'

/** Why a link went down: nothing was heard, its interface or route is gone, or the neighbour does not hear us. */
export type DownReason = 'silent' | 'carrier' | 'told'

/**
 * What the program in this node's kernel finds by probes of its own: nobody answers, or the neighbour's kernel does, which
 * forwards whatever its daemon is at; undefined where it does not know.
 */
export type KernelFinding = 'down' | 'fresh' | undefined

export type Change = { readonly kind: 'up' } | { readonly kind: 'down'; readonly reason: DownReason }

/**
 * Liveness of one link, after Bidirectional Forwarding Detection's asynchronous mode (RFC 5880 §6.8): both sides
 * send probes; the link lives while each hears the other and says so. Silence counts only as far as this side has
 * itself been awake to send its own probes (Lifeguard: Dadgar, Phillips, Currey 2017, "local health").
 */
export interface Liveness {
  /** Any datagram with a valid tag arrived, at `atMs`. */
  heard(atMs: number): void
  /** A probe arrived; true if it asks for one in return at once, because the other side does not hear us. */
  probeReceived(probe: Probe, atMs: number): boolean
  /** The probe to send now. */
  makeProbe(nowMs: number): Omit<Probe, 'lossRatio' | 'mtuProbes'>
  /** There was no room to send that probe: it is tried again in a millisecond, and does not count as sent for a while. */
  sendFailed(nowMs: number): void
  /** True if a probe is due, or so nearly that it may go now that the thread is awake. */
  isDue(nowMs: number): boolean
  /** The change of state since the last call, if any. */
  judge(nowMs: number, finding?: KernelFinding): Change | undefined
  /** For how long this side's probes have proved what the kernel's deny, ms; 0 if they agree. */
  contradictedMs(nowMs: number): number
  /** The interface under the link is gone: {@link Liveness.judge} takes it down. */
  carrierLost(): void
  /** The link has another carrier or path: what was measured does not hold. */
  carrierChanged(carrier: Carrier): void
  /** Share of datagrams that was just found lost on the way to us: then more in a row mean nothing. */
  lossSeen(ratio: number): void
  /** How many links this node probes. */
  setLinks(links: number): void
  /** When {@link Liveness.isDue} or {@link Liveness.judge} should be asked next. */
  nextAtMs(): number
  readonly alive: boolean
  /** Smoothed round trip, ms; 0 before the first answer. */
  readonly rttMs: number
  readonly jitterMs: number
  /** Interval at which we probe, and silence after which we judge, ms. */
  readonly intervalMs: number
  readonly deadlineMs: number
}

const microseconds = 2 ** 32
/**
 * A daemon whose kernel goes on forwarding may be silent so long: it is being restarted, and comes back with new keys. Its
 * kernel waits for it as long as this, and stops answering then.
 */
const restMs = 15_000
/**
 * A kernel that counts three silences of a quarter of a millisecond may be wrong for a moment, as where the processor that
 * an answer waits for is taken away. While our own probes prove the contrary it has to be so for this long.
 */
const confirmMs = 10
/** TCP under a `tls` link may be silent so long while it repairs a loss. */
const tlsDeadlineMs = 1500

/** @param misses intervals of silence after which the other side is to declare us dead */
export function createLiveness({
  interval,
  misses,
  carrier,
  nowMs,
}: {
  readonly interval: ProbeInterval
  readonly misses: number
  readonly carrier: Carrier
  readonly nowMs: number
}): Liveness {
  const pace = createProbePace(interval)
  const damping = createFlapDamping()
  const trip = createRoundTrip()
  const gaps = createGapPeak()
  let carries = carrier
  let links = 1
  let heardAtMs = -Infinity
  let hearing = false
  let sentSinceHeard = 0
  let failures = 0
  let lossRatio = 0
  let cut: DownReason | undefined
  let peerHears = false
  let peerIntervalMs = pace.wantedMs
  let peerWantedMs = 0
  let peerMisses = misses
  let alive = false
  /** Since when both sides hear each other; they may have to do so for a while. */
  let steadySinceMs = Infinity
  /** Only an echo of a probe sent since then proves that the link is back. */
  let lostAtUs: number | undefined
  let proven = true
  /** The neighbour's daemon is silent, its kernel is not. */
  let isResting = false
  let contradictedSinceMs = Infinity
  let lastSentUs: number | undefined
  let echoSentUs = 0
  let echoAtMs = -Infinity
  let dueAtMs = nowMs
  /** The pace that the neighbour has been told, and for how many more probes the one before still holds. */
  let promisedMs = pace.wantedMs
  let keptMs = pace.wantedMs
  let keptFor = 0
  const toUs = (ms: number): number => Math.floor(ms * 1000) % microseconds
  /** On the circle of 2^32. */
  const isAfter = (a: number, b: number): boolean => {
    const difference = (a - b + microseconds) % microseconds
    return difference !== 0 && difference < microseconds / 2
  }
  /** A link that is down is looked after at a moderate pace. */
  const paceMs = (): number => {
    const wished = Math.max(pace.wantedMs, peerWantedMs)
    return alive || interval !== 'auto' ? wished : Math.max(moderateMs, wished)
  }
  const spacingMs = (): number => (keptFor > 0 ? Math.min(keptMs, promisedMs) : promisedMs)
  const deadlineMs = (): number => {
    const silenceMs = peerIntervalMs * peerMisses
    const clearMs = Math.min(
      Math.max(silenceMs + 4 * trip.jitterMs, gaps.peak * peerIntervalMs * gapMargin),
      silenceMs * maxStretch,
    )
    const wholeMs = Math.max(clearMs, missesUnderLoss(lossRatio) * peerIntervalMs)
    return carries === 'tls' && interval === 'auto' ? Math.max(wholeMs, tlsDeadlineMs) : wholeMs
  }
  const hear = (atMs: number): void => {
    const gap = (atMs - heardAtMs) / peerIntervalMs
    // A longer one was a fault, and says nothing of how lively the neighbour is otherwise.
    if (gap > 0 && gap < peerMisses * maxStretch * 2) gaps.record(gap, atMs)
    heardAtMs = Math.max(heardAtMs, atMs)
    isResting = false
    sentSinceHeard = 0
    failures = 0
    hearing = true
  }
  const goDown = (reason: DownReason, now: number): Change => {
    alive = false
    isResting = false
    damping.down(now)
    lostAtUs = toUs(now)
    proven = false
    steadySinceMs = Infinity
    // Tell the other side at once.
    dueAtMs = now
    return { kind: 'down', reason }
  }
  const holdMs = (): number => damping.holdMs(Math.max(pace.wantedMs, peerWantedMs), steadySinceMs)
  return {
    heard: hear,
    probeReceived(probe, at) {
      hear(at)
      // One that was overtaken on the way tells what is no longer so.
      if (lastSentUs !== undefined && isAfter(lastSentUs, probe.sentUs)) return false
      lastSentUs = probe.sentUs
      peerIntervalMs = Math.max(1, probe.intervalMs)
      peerWantedMs = probe.wantedMs
      peerMisses = Math.max(1, probe.misses)
      peerHears = probe.hears
      echoSentUs = probe.sentUs
      echoAtMs = at
      trip.arrived(probe.sentUs, toUs(at))
      if (probe.echoSentUs !== 0) {
        if (lostAtUs !== undefined && !isAfter(lostAtUs, probe.echoSentUs)) proven = true
        trip.echoed(probe.echoSentUs, probe.echoDwellUs, toUs(at))
        pace.measured(
          { rttMs: trip.rttMs, jitterMs: trip.jitterMs, samples: trip.samples, links, carrier: carries },
          at,
        )
      }
      return !probe.hears
    },
    makeProbe(now) {
      const nextMs = paceMs()
      if (nextMs > promisedMs) {
        // Slower only after the other side had every chance to know: until then as before (RFC 5880 §6.8.3).
        keptMs = spacingMs()
        keptFor = misses + 1
      }
      promisedMs = nextMs
      if (keptFor > 0) keptFor--
      // Sent early by up to a tenth, so that neighbours do not fall into step (RFC 5880 §6.8.7).
      dueAtMs = now + spacingMs() * (0.9 + 0.1 * ((toUs(now) % 64) / 64))
      sentSinceHeard++
      const dwellMs = echoAtMs === -Infinity ? 0 : Math.max(0, now - echoAtMs)
      return {
        // 0 means "none".
        sentUs: toUs(now) || 1,
        echoSentUs,
        echoDwellUs: Math.min(microseconds - 1, Math.round(dwellMs * 1000)),
        intervalMs: promisedMs,
        misses,
        hears: hearing,
        wantedMs: pace.wantedMs,
      }
    },
    sendFailed(now) {
      dueAtMs = now + 1
      if (failures++ < maxRetries) sentSinceHeard--
    },
    isDue: (now) => now >= dueAtMs - spacingMs() * earlyShare,
    judge(now, finding) {
      if (cut !== undefined) {
        const reason = cut
        cut = undefined
        hearing = false
        if (alive) return goDown(reason, now)
      }
      if (hearing && now - heardAtMs >= deadlineMs() && sentSinceHeard >= misses) {
        isResting = alive && finding === 'fresh' && now - heardAtMs < restMs
        hearing = isResting
      }
      const proves = hearing && peerHears && proven
      if (!proves || finding !== 'down') contradictedSinceMs = Infinity
      else if (contradictedSinceMs === Infinity) contradictedSinceMs = now
      const lives = proves && finding !== 'down'
      if (alive) {
        if (lives) return undefined
        // Packets keep off the link already; neighbours are told, and damping begins, when it is more than a moment.
        if (proves && now - contradictedSinceMs < confirmMs) return undefined
        return goDown(hearing && finding !== 'down' ? 'told' : 'silent', now)
      }
      if (!lives) {
        steadySinceMs = Infinity
        return undefined
      }
      if (steadySinceMs === Infinity) steadySinceMs = now
      if (now - steadySinceMs < holdMs()) return undefined
      alive = true
      dueAtMs = now
      return { kind: 'up' }
    },
    contradictedMs: (now) => Math.max(0, now - contradictedSinceMs),
    carrierLost() {
      if (!alive || carries === 'tls') return
      cut = 'carrier'
    },
    carrierChanged(next) {
      if (next === carries) return
      carries = next
      trip.restart()
      pace.restart()
    },
    lossSeen(ratio) {
      lossRatio = Math.max(ratio, lossRatio * lossMemory)
    },
    setLinks(count) {
      links = count
    },
    nextAtMs() {
      if (!alive) return steadySinceMs === Infinity ? dueAtMs : Math.min(dueAtMs, steadySinceMs + holdMs())
      if (contradictedSinceMs < Infinity) return Math.min(dueAtMs, contradictedSinceMs + confirmMs)
      // Before enough of our own probes are out nothing is judged.
      return sentSinceHeard >= misses && !isResting ? Math.min(dueAtMs, heardAtMs + deadlineMs()) : dueAtMs
    },
    get alive() {
      return alive
    },
    get rttMs() {
      return trip.rttMs
    },
    get jitterMs() {
      return trip.jitterMs
    },
    get intervalMs() {
      return promisedMs
    },
    get deadlineMs() {
      return deadlineMs()
    },
  }
}

/** The deadline keeps this far clear of pauses that were seen, but never exceeds the misses by more than this. */
const gapMargin = 1.5
const maxStretch = 2

/** So unlikely must it be that all probes of a deadline fell to the ordinary loss of the link. */
const accident = 1e-5
const maxMissesUnderLoss = 16
/** What is kept of a loss that is over, from one twentieth of a second to the next. */
const lossMemory = 0.98

/** How many probes in a row are lost by accident but once in 100,000 probes. */
function missesUnderLoss(lossRatio: number): number {
  if (lossRatio <= 0) return 0
  const misses = Math.ceil(Math.log(accident) / Math.log(Math.min(lossRatio, 0.99)) - 1e-9)
  return Math.min(misses, maxMissesUnderLoss)
}

/** A probe for which there is no room so often during one silence counts as sent: something is stuck. */
const maxRetries = 16

/** A thread that is awake anyway sends what would be due within this share of the interval: fewer wake-ups. */
const earlyShare = 0.2
