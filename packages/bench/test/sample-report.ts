import { makeReport, parseObjective, summarize, type Report, type TimelineRun } from '../src/index.ts'

/** A run whose packets were missing from the injection on. */
export function sampleRun(
  system: string,
  fault: string,
  run: number,
  outageMs: number,
  more: Partial<TimelineRun> = {},
): TimelineRun {
  return {
    system,
    fault,
    run,
    outcome: outageMs === 0 ? 'undisturbed' : 'recovered',
    outageMs,
    recoveryMs: outageMs + 2,
    intervalMs: 1,
    sent: 5000,
    lost: outageMs,
    gaps: outageMs === 0 ? [] : [{ fromMs: 0, ms: outageMs, packets: outageMs }],
    ...more,
  }
}

/** A report by hand, of no machine. */
export function sampleReport(more: Partial<Report> = {}): Report {
  const results = more.results ?? [summarize('tcp/x0t', 'Mbit/s', [1200, 1300, 1400])]
  return {
    ...makeReport(
      {
        kind: 'mttr',
        timestamp: '2026-07-23T15:04:05.678Z',
        environment: {
          versions: { x0t: '0.1.0' },
          cores: 2,
          kernel: '6.18.0',
          cpu: 'Example CPU',
          arch: 'x64',
          memoryMiB: 24_576,
          congestionControl: 'bbr',
          loadBefore: 0.1,
        },
        command: 'x0t bench mttr',
        parameters: {},
        results,
        skipped: [],
        failed: [],
        notes: ['a note'],
      },
      [parseObjective('tcp/x0t>=1000'), parseObjective('tcp/x0t>=2000'), parseObjective('tcp/tinc>=1')],
    ),
    ...more,
  }
}
