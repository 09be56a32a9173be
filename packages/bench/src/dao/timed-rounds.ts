import type { Progress } from './job.ts'

/** Times `run`, once to warm up and then `rounds` times; ms. Garbage of the round before is collected before each. */
export function timedRounds(rounds: number, onProgress: Progress, name: string, run: () => void): number[] {
  const samplesMs: number[] = []
  for (let round = 0; round <= rounds; round++) {
    onProgress(round === 0 ? `${name}: warming up` : `${name}: round ${round} of ${rounds}`)
    globalThis.gc?.()
    const startMs = performance.now()
    run()
    if (round > 0) samplesMs.push(performance.now() - startMs)
  }
  return samplesMs
}
