import { hasCode, messageOf, X0tError } from '@x0t/core'
import { featureNames, type Feature } from './feature.ts'
import { explainRefusal, readPrivilege, type Privilege } from './privilege.ts'
import type { ProbeCalls, ProbeKernel } from './probe-kernel.ts'
import { probes, type Judge, type Outcome, type Probe } from './probes.ts'
import { openProbeKernel } from './system-probe-kernel.ts'
import { errno, errnoName } from './uapi.ts'

/**
 * Tries everything that x0t's programs use, for real, and says of each whether it works here, or why not and what to
 * do. Nothing stays in the kernel; what must be attached is attached in a network namespace of its own.
 */
export async function probeFeatures(kernel: ProbeKernel = openProbeKernel()): Promise<readonly Feature[]> {
  const privilege = await readPrivilege(kernel.readText)
  let opened: ProbeCalls | undefined
  const calls = (): ProbeCalls => (opened ??= kernel.openCalls())
  const features: Feature[] = []
  // One after the other: the order of the list is that of the report, and none disturbs another.
  for (const name of featureNames) {
    const probe = probes[name]
    const judge: Judge = (result) => judgeResult(result, probe, privilege)
    let outcome: Outcome
    try {
      outcome = await probe.run(kernel, judge, calls)
    } catch (error) {
      if (!hasCode(error, 'BPF_UNSUPPORTED')) throw error
      const hint = error instanceof X0tError ? error.hint : undefined
      outcome = { status: 'untried', detail: messageOf(error), hint }
    }
    features.push({ name, ...outcome, usedBy: probe.usedBy })
  }
  return features
}

function judgeResult(result: number, { needs, since }: Probe, privilege: Privilege): Outcome {
  if (result >= 0) return { status: 'works', detail: 'works', hint: undefined }
  const name = errnoName(-result)
  switch (-result) {
    case errno.EPERM:
    case errno.EACCES:
      return { status: 'refused', ...explainRefusal(needs, privilege) }
    case errno.EINVAL:
    case errno.ENOSYS:
    case errno.ENOENT:
    case errno.EOPNOTSUPP:
    case errno.ENOTSUPP:
      return {
        status: 'missing',
        detail: `not in this kernel (${name}); it came with Linux ${since}`,
        hint: `use Linux ${since} or later, built with CONFIG_BPF_SYSCALL and CONFIG_NET`,
      }
    default:
      return { status: 'failed', detail: `the kernel said ${name}`, hint: undefined }
  }
}
