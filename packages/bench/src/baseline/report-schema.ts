import { X0tError } from '@x0t/core'
import { z } from 'zod'
import type { Report } from '../report.ts'

/** A report file is read only up to this size, bytes. */
export const mostReportBytes = 64 * 2 ** 20

const text = z.string().max(10_000)
const name = z.string().min(1).max(500)
/** Milliseconds, up to some eleven days either way. */
const ms = z.number().min(-1e9).max(1e9)
const interval = z.tuple([z.number(), z.number()])

const resultSchema = z.looseObject({
  name,
  unit: z.string().max(50),
  samples: z.int().min(1),
  median: z.number(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  min: z.number(),
  max: z.number(),
  q1: z.number(),
  q3: z.number(),
  ci95: interval.nullable(),
  values: z.array(z.number()).min(1).max(1_000_000),
})

const skippedSchema = z.looseObject({ path: name, reason: text, install: text.exactOptional() })

const runSchema = z.looseObject({
  system: name,
  fault: name,
  run: z.int(),
  outcome: name,
  reason: text.exactOptional(),
  outageMs: ms,
  detectMs: ms.exactOptional(),
  recoveryMs: ms.exactOptional(),
  liftedMs: ms.exactOptional(),
  intervalMs: z.number().min(0.001).max(1e9),
  sent: z.number(),
  lost: z.number(),
  gaps: z.array(z.looseObject({ fromMs: ms, ms, packets: z.number() })),
  slices: z.array(z.looseObject({ fromMs: ms, longestMs: ms.nullable() })).exactOptional(),
  baseline: z.looseObject({ medianMs: ms.nullable(), p99Ms: ms.nullable().exactOptional() }).exactOptional(),
})

/** Schema of a report, `x0t.bench/1`. Unknown fields are kept: later versions add some. */
export const reportSchema = z.looseObject({
  schema: z.literal('x0t.bench/1'),
  kind: name,
  timestamp: z.iso.datetime(),
  environment: z.looseObject({
    versions: z.record(z.string(), text),
    cores: z.number().positive(),
    kernel: text,
    cpu: text,
    arch: text,
    memoryMiB: z.number(),
    congestionControl: text,
    loadBefore: z.number(),
  }),
  command: text,
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  results: z.array(resultSchema).max(100_000),
  objectives: z.array(
    z.looseObject({
      name: text,
      limit: z.number().nullable(),
      value: z.number().nullable(),
      met: z.boolean(),
    }),
  ),
  skipped: z.array(skippedSchema),
  failed: z.array(skippedSchema),
  notes: z.array(text),
  runs: z.array(runSchema).max(100_000).exactOptional(),
}) satisfies z.ZodType<Report>

/**
 * Reads a report from the text of a file, which may come from anywhere.
 * @throws X0tError BENCH_REPORT_INVALID
 */
export function parseReport(json: string, from: string): Report {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw invalid(from, 'it is no JSON', error)
  }
  const parsed = reportSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalid(from, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown'}`, parsed.error)
}

function invalid(from: string, why: string, cause: unknown): X0tError {
  return new X0tError('BENCH_REPORT_INVALID', `${from} is no report of x0t bench: ${why.slice(0, 300)}`, {
    cause,
    hint: 'x0t bench … --out report.json writes one',
  })
}
