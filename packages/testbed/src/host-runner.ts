import type { Log } from '@x0t/core'
import type { BedFolder } from './bed-folder.ts'
import type { Launch } from './launch.ts'
import type { Manifest, RunnerSpec } from './manifest.ts'
import type { Run } from './run-command.ts'
import { argvRunner } from './argv-runner.ts'
import { x0tRunner } from './x0t-runner.ts'

/** A started program. Its pid leads a process group of its own, so that signals reach all of it. */
export interface StartedHost {
  readonly pid: number
  readonly details: Readonly<Record<string, string>>
}

/** What a runner needs to know about the testbed. */
export interface RunnerContext {
  readonly folder: BedFolder
  readonly manifest: Manifest
  readonly run: Run
  /** Starts a program that goes on; of this machine where absent. */
  readonly launch?: Launch
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

export interface StartOptions {
  readonly host: string
  /** A neighbour that is running; absent for the first host, and where the host has run before. */
  readonly via?: string
  /** False if the host has run before. */
  readonly first: boolean
  readonly signal: AbortSignal
}

/** Runs the program of a host inside its namespace. Returns when the program is up. */
export interface HostRunner {
  /** @throws X0tError TESTBED_HOST_START_FAILED */
  start(options: StartOptions): Promise<StartedHost>
}

/** The runner that a manifest names; undefined where hosts run nothing. */
export function runnerOf(spec: RunnerSpec, context: RunnerContext): HostRunner | undefined {
  if (spec.kind === 'none') return undefined
  return spec.kind === 'argv' ? argvRunner(spec.argv, context) : x0tRunner(spec, context)
}
