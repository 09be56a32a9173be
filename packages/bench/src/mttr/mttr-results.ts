import { sampleBook, type Result } from '../result.ts'
import { factsOf } from './fault-names.ts'
import type { RunRecord } from './run-record.ts'

/** Sums up the runs that count: `outage/<system>/<fault>` and so on, in the order of the runs. */
export function resultsOf(runs: readonly RunRecord[]): readonly Result[] {
  const book = sampleBook()
  const groups = Map.groupBy(runs, ({ system, fault }) => `${system}/${fault}`)
  for (const [path, group] of groups) {
    for (const record of group.toSorted((a, b) => a.run - b.run)) {
      const { outcome } = record
      if (outcome !== 'recovered' && outcome !== 'undisturbed') continue
      const add = (name: string, unit: string, value: number | undefined): void => {
        if (value !== undefined) book.add(`${name}/${path}`, unit, value)
      }
      add('outage', 'ms', record.outageMs)
      add('lost', 'packets', record.lost)
      add('duplicated', 'packets', record.duplicated)
      add('reordered', 'packets', record.reordered)
      add('detect', 'ms', record.detectMs)
      if (outcome === 'recovered') {
        if (factsOf(record.fault).isPartial !== true) add('reroute', 'ms', record.rerouteMs)
        add('recovery', 'ms', record.recoveryMs)
        add('verified', 'ms', record.verifiedMs)
      }
      add('lost-after-lifting', 'packets', record.lostAfterLifting)
    }
  }
  return book.results()
}
