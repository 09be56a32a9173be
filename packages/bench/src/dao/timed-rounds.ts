import { setImmediate as turn } from 'node:timers/promises'
import type { Progress } from './job.ts'

/**
 * Times `run`, once to warm up and then `rounds` times; ms. Garbage of the round before is collected before each, and
 * signals and the end of whoever waits are heard.
 */
export async function timedRounds(
  rounds: number,
  onProgress: Progress,
  name: string,
  run: () => void,
): Promise<number[]> {
  const samplesMs: number[] = []
  for (let round = 0; round <= rounds; round++) {
    onProgress(round === 0 ? `${name}: warming up` : `${name}: round ${round} of ${rounds}`)
    await turn()
    globalThis.gc?.()
    const startMs = performance.now()
    run()
    if (round > 0) samplesMs.push(performance.now() - startMs)
  }
  return samplesMs
}
