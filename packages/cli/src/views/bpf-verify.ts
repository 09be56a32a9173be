import type { MapSpec, PacketTiming, Refusal, VerifierReport } from '@x0t/bpf'
import { columns } from './table.ts'

interface VerifiedProgram extends VerifierReport {
  readonly name: string
  readonly section: string
  readonly instructions: number
  readonly jitedBytes: number | null
  readonly log?: string
}

/** What the verifier said of an object. */
export function verifyView(value: {
  readonly object: string
  readonly programs: readonly VerifiedProgram[]
  readonly maps: readonly MapSpec[]
  readonly refusals: readonly Refusal[]
}): string {
  const { programs, maps, refusals } = value
  const or = (number: number | null | undefined): string =>
    number === null || number === undefined ? '-' : String(number)
  const parts: string[] = []
  if (programs.length > 0)
    parts.push(
      columns(
        ['PROGRAM', 'SECTION', 'INSTRUCTIONS', 'WALKED', 'STATES', 'STACK', 'MACHINE CODE'],
        programs.map((program) => [
          program.name,
          program.section,
          String(program.instructions),
          or(program.processedInstructions),
          or(program.peakStates),
          program.stackBytes.map((bytes) => `${bytes} B`).join(' + ') || '-',
          program.jitedBytes === null ? '-' : `${program.jitedBytes} B`,
        ]),
      ),
    )
  if (maps.length > 0)
    parts.push(
      columns(
        ['MAP', 'TYPE', 'KEY', 'VALUE', 'ENTRIES'],
        maps.map(({ name, type, keyBytes, valueBytes, maxEntries }) => [
          name,
          type,
          `${keyBytes} B`,
          `${valueBytes} B`,
          String(maxEntries),
        ]),
      ),
    )
  for (const { name, log } of programs) if (log !== undefined) parts.push(`LOG OF ${name}\n${log}`)
  for (const { program, message, hint, log } of refusals)
    parts.push(
      [`REFUSED ${program}: ${message}`, ...(hint === undefined ? [] : [`  hint: ${hint}`]), log]
        .join('\n')
        .trimEnd(),
    )
  if (refusals.length === 0)
    parts.push(`the kernel takes all of ${value.object}; nothing of it is left loaded`)
  return parts.join('\n\n')
}

interface Tested {
  readonly bytes: number
  readonly verdictName: string
  readonly expected: boolean | null
  readonly changed: boolean
}

export function testView({
  program,
  results,
}: {
  readonly program: string
  readonly results: readonly Tested[]
}): string {
  const table = columns(
    ['PACKET', 'BYTES', 'VERDICT', 'CHANGED', 'EXPECTED'],
    results.map(({ bytes, verdictName, expected, changed }, index) => [
      String(index + 1),
      String(bytes),
      verdictName,
      changed ? 'yes' : 'no',
      expected === null ? '-' : expected ? 'yes' : 'NO',
    ]),
  )
  return `${program}\n${table}`
}

export function benchView(value: {
  readonly program: string
  readonly results: readonly (PacketTiming & { readonly bytes: number; readonly verdictName: string })[]
}): string {
  const table = columns(
    ['PACKET', 'BYTES', 'VERDICT', 'NS (MEDIAN)', 'MIN', 'MAX', 'SAMPLES', 'RUNS EACH'],
    value.results.map((result, index) => [
      String(index + 1),
      String(result.bytes),
      result.verdictName,
      String(result.medianNs),
      String(result.minNs),
      String(result.maxNs),
      String(result.samplesNs.length),
      String(result.repeat),
    ]),
  )
  return `${value.program}\n${table}`
}
