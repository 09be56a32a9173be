import type { TallyCaseName } from './tally-cases.ts'

/** What is measured in a process of its own. */
export type Job =
  | {
      readonly kind: 'tally'
      readonly name: TallyCaseName
      readonly ballots: number
      readonly rounds: number
      readonly seed: string
    }
  | {
      readonly kind: 'verify'
      /** File of signed ballots, as `ballot-file.ts` has it. */
      readonly path: string
      readonly ballots: number
      readonly rounds: number
      /** 1: in the thread that asks; more: over so many worker threads. */
      readonly threads: number
    }
  | {
      /** `import`: into a store of record; `replay`: to the count, signatures verified. */
      readonly kind: 'import' | 'replay'
      readonly bundle: string
      readonly records: number
      readonly ballots: number
      readonly rounds: number
      readonly threads: number
      /** Where stores may be made. */
      readonly folder: string
    }

/** Samples in the order they were taken, and the most memory that the process had. */
export interface JobResult {
  readonly samplesMs: readonly number[]
  /** `verify`: what strict decoding took in the same rounds, apart from the signatures. */
  readonly decodeMs?: readonly number[]
  readonly peakMiB: number
}

/** Told what is going on, now and then. */
export type Progress = (text: string) => void
