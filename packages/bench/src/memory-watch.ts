import { bedStatus, type Bed } from '@x0t/testbed'
import type { SampleBook } from './result.ts'
import { leastSquaresSlope } from './statistics.ts'

/** Fewest points of one process from which a slope is told. */
const leastForSlope = 10

/** Resident memory of the programs of a testbed over time. */
export interface MemoryWatch {
  sample(): Promise<void>
  /** Adds `rss/<host>` (MiB) and, per process with enough samples, `rss-slope/<host>` (MiB per hour). */
  addTo(book: SampleBook): void
}

/** Watches memory by process: a restart begins a new line, as a fresh process says nothing about growth. */
export function memoryWatch(bed: Bed): MemoryWatch {
  const lines = new Map<
    string,
    { readonly host: string; readonly points: [hours: number, mebibytes: number][] }
  >()
  return {
    async sample() {
      const { hosts } = await bedStatus(bed)
      for (const { name, pid, residentBytes } of hosts) {
        if (pid === null || residentBytes === null) continue
        const line = lines.get(`${name} ${pid}`) ?? { host: name, points: [] }
        lines.set(`${name} ${pid}`, line)
        line.points.push([bed.clock.monotonicMs() / 3_600_000, residentBytes / 2 ** 20])
      }
    },
    addTo(book) {
      for (const { host, points } of lines.values()) {
        book.add(`rss/${host}`, 'MiB', ...points.map(([, mebibytes]) => mebibytes))
        if (points.length >= leastForSlope) book.add(`rss-slope/${host}`, 'MiB/h', leastSquaresSlope(points))
      }
    },
  }
}
