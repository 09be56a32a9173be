import { X0tError } from '@x0t/core'

/** Return values by the type of a program, as the kernel's headers name them (linux/bpf.h, linux/pkt_cls.h). */
const verdicts: Readonly<Record<string, readonly (readonly [value: number, name: string])[]>> = {
  xdp: [
    [0, 'aborted'],
    [1, 'drop'],
    [2, 'pass'],
    [3, 'tx'],
    [4, 'redirect'],
  ],
  sched_cls: [
    [-1, 'next'],
    [0, 'ok'],
    [2, 'drop'],
    [7, 'redirect'],
  ],
  cgroup_skb: [
    [0, 'drop'],
    [1, 'pass'],
  ],
}

/** Name of a verdict: `pass`, `drop`; the number where the type of program has no names. */
export function nameOfVerdict(type: string, value: number): string {
  // A test run gives 32 bits without sign; TCX_NEXT is -1.
  return verdicts[type]?.find(([number]) => number === (value | 0))?.[1] ?? String(value)
}

/** Names that `--expect` takes for a type of program. */
export function verdictNames(type: string): readonly string[] {
  return (verdicts[type] ?? []).map(([, name]) => name)
}

/** The value of a verdict by its name, or by its number. @throws X0tError BPF_VERDICT_UNKNOWN */
export function verdictOfName(type: string, name: string): number {
  const found = verdicts[type]?.find(([, known]) => known === name)
  if (found !== undefined) return found[0]
  if (/^-?\d{1,10}$/.test(name)) return Number(name)
  throw new X0tError(
    'BPF_VERDICT_UNKNOWN',
    `programs of type ${type} have no verdict ${JSON.stringify(name)}`,
    {
      hint: `one of ${verdictNames(type).join(', ') || 'the numbers'}`,
      exitCode: 2,
    },
  )
}
