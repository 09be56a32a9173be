import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import type { Bed } from './bed.ts'
import { ineffective, type FaultSteps } from './fault-steps.ts'
import type { UndoStep } from './manifest.ts'
import { clockDelayMs, clockFile, withMovableClock } from './movable-clock.ts'

/** How far the clock that is read may be from what was set: reading starts a program. */
const toleranceSeconds = 5

/**
 * The wall clock of one host jumps by `seconds` and runs on from there; its monotonic clock and all other hosts do not.
 * It takes effect within a second.
 * @throws X0tError TESTBED_FAULT_UNPREPARED if the hosts were not started with movable clocks
 */
export function clockJump({ folder, manifest, env }: Bed, host: string, seconds: number): FaultSteps {
  const { runner } = manifest
  if (runner.kind !== 'x0t' || runner.movableClock !== true) {
    throw new X0tError('TESTBED_FAULT_UNPREPARED', `the clock of ${host} cannot be moved`, {
      hint: 'x0t testbed up --movable-clock',
    })
  }
  const file = clockFile(folder, host)
  const set = (offset: string): UndoStep & { kind: 'command' } => ({
    kind: 'command',
    // By rename, so that it is never read half written.
    argv: ['sh', '-c', String.raw`printf '%s\n' "$0" >"$1.new" && mv "$1.new" "$1"`, offset, file],
  })
  return {
    async inject({ run }) {
      await run(set(`${seconds < 0 ? '' : '+'}${seconds}`).argv)
    },
    async verify({ run, clock }) {
      const program = await folder.process(host)
      const maps = await readFile(`/proc/${program?.pid}/maps`, 'utf8').catch(() => '')
      if (!maps.includes('libfaketime')) throw ineffective(`${host} runs without a movable clock`)
      // The node has read the file by then; another program with the same clock tells what it says.
      await delay(clockDelayMs + 100)
      const prefix = await withMovableClock(folder, host)
      const { stdout } = await run(['env', `PATH=${env['PATH'] ?? ''}`, ...prefix, 'date', '+%s'])
      const jumped = Number(stdout) - clock.wallMs() / 1000
      if (!(Math.abs(jumped - seconds) <= toleranceSeconds))
        throw ineffective(`the clock of ${host} is off by ${Math.round(jumped)} s`)
    },
    undo: [set('+0')],
  }
}
