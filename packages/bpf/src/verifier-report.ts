/** What the verifier counted while it looked at a program. */
export interface VerifierReport {
  /** Instructions that it walked, on all ways through the program. */
  readonly processedInstructions: number | undefined
  readonly peakStates: number | undefined
  /** Of the program and of the functions that it calls, bytes. */
  readonly stackBytes: readonly number[]
}

/** Reads the statistics at the end of a verifier log; what a kernel does not tell is undefined. */
export function readVerifierReport(log: string): VerifierReport {
  const number = (pattern: RegExp): number | undefined => {
    const found = pattern.exec(log)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const stack = /^stack depth ([\d+]+)/m.exec(log)?.[1]
  return {
    processedInstructions: number(/^processed (\d+) insns/m),
    peakStates: number(/peak_states (\d+)/),
    stackBytes: stack === undefined ? [] : stack.split('+').filter(Boolean).map(Number),
  }
}
