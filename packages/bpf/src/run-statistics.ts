import type { BpfBackend, ProgramInfo } from './contract.ts'

/** How often a program ran in a while, and what it cost. */
export interface RunStatistics {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly runs: number
  readonly runsPerSecond: number
  /** Mean; null where it did not run. */
  readonly nsPerRun: number | null
  /** Share of one CPU, from 0 up. */
  readonly cpuRatio: number
}

/** Counts of programs between two looks of the kernel, `elapsedMs` apart. Programs that came meanwhile are left out. */
export function statisticsBetween(
  before: readonly ProgramInfo[],
  after: readonly ProgramInfo[],
  elapsedMs: number,
): readonly RunStatistics[] {
  const earlier = new Map(before.map((info) => [info.id, info]))
  return after.flatMap(({ id, name, type, runCount, runTimeNs }) => {
    const start = earlier.get(id)
    if (start === undefined) return []
    const runs = runCount - start.runCount
    const timeNs = runTimeNs - start.runTimeNs
    return [
      {
        id,
        name,
        type,
        runs,
        runsPerSecond: (runs / elapsedMs) * 1000,
        nsPerRun: runs === 0 ? null : timeNs / runs,
        cpuRatio: timeNs / (elapsedMs * 1e6),
      },
    ]
  })
}

/** Has the kernel count for a while, and gives what each program did in it. */
export async function measureRuns(
  backend: BpfBackend,
  request: {
    readonly intervalMs: number
    readonly monotonicMs: () => number
    readonly wait: (delayMs: number) => Promise<void>
  },
): Promise<readonly RunStatistics[]> {
  using counting = backend.enableStatistics()
  void counting
  const startMs = request.monotonicMs()
  const before = await backend.listPrograms()
  await request.wait(request.intervalMs)
  const after = await backend.listPrograms()
  return statisticsBetween(before, after, request.monotonicMs() - startMs)
}
