import type { Clock, NodeId } from '@x0t/core'
import type { Alarm, Reading } from '@x0t/mape-k'
import type { SeenLink, SeenMesh } from './ports.ts'

export interface LinkSensorsOptions {
  readonly mesh: Pick<SeenMesh, 'routes'>
  readonly alarms: () => readonly Alarm[]
  readonly clock: Clock
  readonly read: (reading: Reading) => void
}

/** Sensors of the links to neighbours, fed by what the data plane and the control plane tell. */
export interface LinkSensors {
  up(link: SeenLink): void
  down(link: SeenLink): void
  metric(link: SeenLink): void
  control(link: SeenLink): void
  /** Looks again whether routes lead over links that are bad, and how often links went down of late. */
  look(links: readonly SeenLink[]): void
  forget(id: NodeId): void
}

const minuteMs = 60_000
/** The best round trip is that of the last 10 to 20 minutes: a path that became longer for good is no trouble. */
const bestOfMs = 600_000
const badLinkSensors = ['link-loss', 'link-loss-to', 'link-latency', 'link-flaps']

export function createLinkSensors({ mesh, alarms, clock, read }: LinkSensorsOptions): LinkSensors {
  const downsAtMs = new Map<NodeId, number[]>()
  const best = new Map<NodeId, { nowMs: number; beforeMs: number; sinceMs: number }>()

  const bestRttOf = (id: NodeId, rttMs: number): number => {
    const atMs = clock.monotonicMs()
    const known = best.get(id)
    if (known === undefined) {
      best.set(id, { nowMs: rttMs, beforeMs: rttMs, sinceMs: atMs })
      return rttMs
    }
    if (atMs - known.sinceMs >= bestOfMs) {
      known.beforeMs = known.nowMs
      known.nowMs = rttMs
      known.sinceMs = atMs
    }
    known.nowMs = Math.min(known.nowMs, rttMs)
    return Math.min(known.nowMs, known.beforeMs)
  }
  const flaps = (id: NodeId): void => {
    const atMs = clock.monotonicMs()
    const recent = (downsAtMs.get(id) ?? []).filter((downMs) => atMs - downMs < minuteMs)
    if (recent.length === 0) downsAtMs.delete(id)
    else downsAtMs.set(id, recent)
    read({ sensor: 'link-flaps', subject: `link:${id}`, value: recent.length })
  }
  const trafficOn = (id: NodeId): void => {
    const subject = `link:${id}`
    const own = alarms().filter((alarm) => alarm.subject === subject)
    const isBad = own.some(({ sensor }) => badLinkSensors.includes(sensor))
    const isWatched = isBad || own.some(({ sensor }) => sensor === 'traffic-on-bad-link')
    if (!isWatched) return
    const routes = [...mesh.routes().values()].filter(({ nextHop }) => nextHop === id).length
    read({
      sensor: 'traffic-on-bad-link',
      subject,
      value: isBad && routes > 0 ? 1 : 0,
      detail: { routes },
    })
  }
  const control = ({ nodeId, isUp, isControlUp }: SeenLink): void =>
    read({ sensor: 'control-lost', subject: `link:${nodeId}`, value: isUp && !isControlUp ? 1 : 0 })

  return {
    up(link) {
      read({ sensor: 'link-silent', subject: `link:${link.nodeId}`, value: 0 })
      control(link)
    },
    down(link) {
      const { nodeId, deadlineMs, downReason = 'unknown' } = link
      // A neighbour that fell silent was last heard one deadline ago; how long a carrier was gone is not known.
      const lastGood =
        downReason === 'silent' && deadlineMs !== undefined ? { lastGoodAgoMs: deadlineMs } : {}
      downsAtMs.set(nodeId, [...(downsAtMs.get(nodeId) ?? []), clock.monotonicMs()].slice(-64))
      read({
        sensor: 'link-silent',
        subject: `link:${nodeId}`,
        value: 1,
        detail: { reason: downReason, ...lastGood },
      })
      flaps(nodeId)
      trafficOn(nodeId)
      control(link)
    },
    metric({ nodeId, rttMs, lossRatio, lossToRatio }) {
      const subject = `link:${nodeId}`
      const percent = (ratio: number | undefined): number | undefined =>
        ratio === undefined ? undefined : 100 * ratio
      const other = (ratio: number | undefined): Reading['detail'] =>
        ratio === undefined ? {} : { otherPercent: 100 * ratio }
      read({ sensor: 'link-loss', subject, value: percent(lossRatio), detail: other(lossToRatio) ?? {} })
      read({ sensor: 'link-loss-to', subject, value: percent(lossToRatio), detail: other(lossRatio) ?? {} })
      const bestMs = rttMs === undefined ? undefined : bestRttOf(nodeId, rttMs)
      read({
        sensor: 'link-latency',
        subject,
        value: rttMs === undefined || bestMs === undefined ? undefined : rttMs - bestMs,
        detail: bestMs === undefined ? {} : { bestMs },
      })
      trafficOn(nodeId)
    },
    control,
    look(links) {
      for (const { nodeId } of links) {
        if (downsAtMs.has(nodeId)) flaps(nodeId)
        trafficOn(nodeId)
      }
    },
    forget(id) {
      downsAtMs.delete(id)
      best.delete(id)
    },
  }
}
