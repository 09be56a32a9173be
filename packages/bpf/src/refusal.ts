import { codeOf, failure } from './bpf-failure.ts'
import type { Refusal } from './contract.ts'
import { errno, errnoName } from './uapi.ts'
import { lastSourceLine, reasonOf } from './verifier-log.ts'

/**
 * What a refused BPF_PROG_LOAD means.
 * @param error positive error number
 * @param log of the verifier, with source lines; empty if the kernel did not come so far
 */
export function toRefusal(program: string, error: number, log: string): Refusal {
  // With a log it is the verifier that refuses; without one, the kernel's rules on who may load what.
  if (log !== '') {
    const source = lastSourceLine(log)
    const message = `the verifier refused program ${program} (${errnoName(error)}): ${reasonOf(log) ?? 'no reason given'}`
    return {
      program,
      code: 'BPF_PROGRAM_REFUSED',
      message: source === undefined ? message : `${message}, at ${source}`,
      hint: undefined,
      log,
    }
  }
  const isUnknown = error === errno.EINVAL || error === errno.ENOENT
  const { code, message, hint } = failure(`program ${program} could not be loaded`, -error, {
    code: isUnknown ? 'BPF_UNSUPPORTED' : codeOf(error),
  })
  const isListed = code === 'BPF_NOT_PERMITTED' || code === 'BPF_UNSUPPORTED'
  return { program, code: isListed ? code : 'BPF_PROGRAM_REFUSED', message, hint, log }
}
