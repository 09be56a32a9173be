import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { machineMs } from './machine-clock.ts'
import { measureStream, quietMs } from './measure-stream.ts'
import type { Stream } from './stream/stream.ts'
import type { MttrSystem, RunningSystem } from './system.ts'

/** Most time until a stream over an undisturbed system flows without loss, ms. */
export const settleWithinMs = 90_000
/** What was sent later than this before a look may still be under way. */
export const underWayMs = 500
const stepMs = 250

export interface SettlingOptions {
  readonly system: Pick<MttrSystem, 'name' | 'settleMs'>
  readonly running: Pick<RunningSystem, 'isWhole'>
  readonly signal: AbortSignal
}

/**
 * Waits until the stream flows for a second without loss, the system says that it is whole, and it had its rest.
 * @throws X0tError BENCH_TUNNEL_DOWN if that takes longer than {@link settleWithinMs}
 */
export async function untilSettled(
  { system, running, signal }: SettlingOptions,
  stream: Pick<Stream, 'look'>,
): Promise<void> {
  const deadlineMs = machineMs() + settleWithinMs
  let calmMs = 0
  while (calmMs < (system.settleMs ?? 2000)) {
    await delay(stepMs, undefined, { signal })
    const log = await stream.look()
    const nowMs = machineMs()
    const { lost, received } = measureStream(log, {
      baselineMs: nowMs,
      injectedMs: [nowMs - quietMs - underWayMs, nowMs - quietMs - underWayMs],
      judgedUntilMs: nowMs - underWayMs,
    })
    const flows = lost === 0 && received > (quietMs / log.intervalMs) * 0.8
    calmMs = flows && (await isWhole(running)) ? calmMs + stepMs : 0
    if (nowMs > deadlineMs) {
      throw new X0tError(
        'BENCH_TUNNEL_DOWN',
        `${system.name}: no undisturbed stream within ${settleWithinMs / 1000} s; of the last second's datagrams ` +
          `${received} arrived and ${lost} were lost`,
      )
    }
  }
}

async function isWhole(running: Pick<RunningSystem, 'isWhole'>): Promise<boolean> {
  try {
    return (await running.isWhole?.()) ?? true
  } catch {
    return false
  }
}
