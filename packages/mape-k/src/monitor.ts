import type { Alarm } from './diagnosis.ts'
import { sensorOf, type Reading, type Sensor, type SensorName } from './sensors.ts'

/** Turns readings into alarms. What is not measured is unknown: it ends no alarm and proves no recovery. */
export interface Monitor {
  /** Takes a reading; true if that raised or ended an alarm. */
  take(reading: Reading, nowMs: number): boolean
  /** Raises what has been on the wrong side for long enough, and finds what is too old; true if alarms changed. */
  tick(nowMs: number): boolean
  /** All that is wrong now, the oldest first. */
  alarms(): readonly Alarm[]
  /** Since when the sensor has been well; undefined while it is not, or is unknown. */
  quietSinceMs(sensor: SensorName, subject: string): number | undefined
  /** Forgets a subject that exists no more; true if that ended an alarm. */
  forget(subject: string): boolean
  /** When {@link Monitor.tick} is due next; Infinity if nothing waits. */
  nextMs(): number
}

interface Point {
  readonly sensor: SensorName
  readonly subject: string
  readAtMs: number
  value: number | undefined
  detail: Alarm['detail']
  /** Since when without a break the value has been on the wrong side, or on the right one. */
  badSinceMs: number | undefined
  quietSinceMs: number | undefined
  raised: Alarm | undefined
}

/** A value that was on the wrong side is well again only a fifth beyond the threshold: it must not tremble. */
const clearMargin = 0.2
const maxPoints = 4096

/** @param thresholdOf the threshold that holds now for a kind of sensor; not asked for states */
export function createMonitor(thresholdOf: (sensor: SensorName) => number): Monitor {
  const points = new Map<string, Point>()
  const keyOf = (sensor: SensorName, subject: string): string => `${sensor} ${subject}`

  const pointOf = ({ sensor, subject }: Reading): Point => {
    const key = keyOf(sensor, subject)
    const known = points.get(key)
    if (known !== undefined) return known
    if (points.size >= maxPoints) dropQuiet()
    const point: Point = {
      sensor,
      subject,
      readAtMs: 0,
      value: undefined,
      detail: {},
      badSinceMs: undefined,
      quietSinceMs: undefined,
      raised: undefined,
    }
    points.set(key, point)
    return point
  }
  const dropQuiet = (): void => {
    for (const [key, { raised }] of points) if (raised === undefined) return void points.delete(key)
    points.delete(points.keys().next().value!)
  }

  const raise = (point: Point, nowMs: number): boolean => {
    const { sensor, subject, value, detail, badSinceMs } = point
    const { raiseAfterMs, unit } = sensorOf(sensor)
    if (point.raised !== undefined || badSinceMs === undefined || nowMs - badSinceMs < raiseAfterMs)
      return false
    const threshold = unit === 'state' ? undefined : thresholdOf(sensor)
    point.raised = { sensor, subject, value: value!, threshold, raisedAtMs: nowMs, detail }
    return true
  }

  return {
    take(reading, nowMs) {
      const point = pointOf(reading)
      const { sensor, value, detail } = reading
      point.readAtMs = nowMs
      point.value = value
      if (detail !== undefined) point.detail = detail
      if (value === undefined || Number.isNaN(value)) {
        point.badSinceMs = undefined
        point.quietSinceMs = undefined
        return false
      }
      const kind = sensorOf(sensor)
      const threshold = kind.unit === 'state' ? 0.5 : thresholdOf(sensor)
      if (isBad(kind, value, threshold, point.raised !== undefined)) {
        point.quietSinceMs = undefined
        point.badSinceMs ??= nowMs
        return raise(point, nowMs)
      }
      point.badSinceMs = undefined
      point.quietSinceMs ??= nowMs
      const wasRaised = point.raised !== undefined
      point.raised = undefined
      return wasRaised
    },
    tick(nowMs) {
      let changed = false
      for (const point of points.values()) {
        const { staleAfterMs = Infinity } = sensorOf(point.sensor)
        if (nowMs - point.readAtMs >= staleAfterMs) {
          point.badSinceMs = undefined
          point.quietSinceMs = undefined
        } else if (raise(point, nowMs)) changed = true
      }
      return changed
    },
    alarms: () =>
      [...points.values()]
        .flatMap(({ raised }) => (raised === undefined ? [] : [raised]))
        .toSorted((one, other) => one.raisedAtMs - other.raisedAtMs),
    quietSinceMs: (sensor, subject) => points.get(keyOf(sensor, subject))?.quietSinceMs,
    forget(subject) {
      let changed = false
      for (const [key, point] of points) {
        if (point.subject !== subject) continue
        if (point.raised !== undefined) changed = true
        points.delete(key)
      }
      return changed
    },
    nextMs() {
      let next = Infinity
      for (const { badSinceMs, raised, sensor, quietSinceMs, readAtMs } of points.values()) {
        const { raiseAfterMs, staleAfterMs = Infinity } = sensorOf(sensor)
        if (badSinceMs !== undefined && raised === undefined) next = Math.min(next, badSinceMs + raiseAfterMs)
        if (quietSinceMs !== undefined || badSinceMs !== undefined)
          next = Math.min(next, readAtMs + staleAfterMs)
      }
      return next
    },
  }
}

function isBad(
  { trouble, unit }: Pick<Sensor, 'trouble' | 'unit'>,
  value: number,
  threshold: number,
  isRaised: boolean,
): boolean {
  const margin = isRaised && unit !== 'state' ? clearMargin : 0
  return trouble === 'above' ? value > threshold * (1 - margin) : value < threshold * (1 + margin)
}
