import type { Report } from '../report.ts'
import type { HttpRun } from './http-run.ts'
import type { HttpServiceOptions } from './http-service.ts'

/** One run in a line, for a person who waits. */
export function sentenceOf({ outcome, reason, downMs, outageMs, recoveryMs, lost }: HttpRun): string {
  if (outcome !== 'recovered') return reason ?? outcome
  const ms = (value: number): string => `${Math.round(value)} ms`
  return `down after ${ms(downMs)}, out for ${ms(outageMs)}, recovered ${ms(recoveryMs!)} after the injection, ${lost} requests lost`
}

export function parametersOf(options: HttpServiceOptions): Report['parameters'] {
  const {
    target,
    inject,
    restore: restoreCommand,
    iterations,
    ratePerSecond,
    timeoutMs,
    newConnections,
    stableMs,
  } = options
  return {
    url: target.url.href,
    inject,
    ...(restoreCommand === undefined ? {} : { restore: restoreCommand }),
    iterations,
    ratePerSecond,
    timeoutMs,
    newConnections,
    stableMs,
  }
}

/** How it was measured. */
export function notesOf(
  { ratePerSecond, timeoutMs, stableMs, expectStatus }: HttpServiceOptions,
  unrecovered: boolean,
): readonly string[] {
  const good = expectStatus === undefined ? '200 to 399' : String(expectStatus)
  return [
    `GET at ${ratePerSecond} a second; good is a complete answer with status ${good} within ${timeoutMs} ms. Times are ` +
      `uncertain by one interval, ${Number((1000 / ratePerSecond).toPrecision(3))} ms.`,
    'outage: from the first failed probe after the injection until the first good answer after the last failed one; ' +
      `then nothing failed for ${stableMs} ms. down-after: injection until the first failed probe.`,
    'recovery: from the beginning of the injection until an answer came as fast (to the first byte) as the 95th ' +
      'percentile of the probes before it; it includes the time until the fault was felt.',
    ...(unrecovered ? ['No time is given: the service did not recover from every injection.'] : []),
  ]
}
