import { fileURLToPath } from 'node:url'
import type { RunnerSpec } from '@x0t/testbed'

/** Real nodes, run by the command line of this checkout. */
export const x0tRunner: Extract<RunnerSpec, { kind: 'x0t' }> = {
  kind: 'x0t',
  command: [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    fileURLToPath(new URL('../../../cli/bin/x0t.js', import.meta.url)),
  ],
  settings: {},
}
