import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ShippedProgram } from './shipped-programs.ts'

/** How a label of a metric is read from the key of a map's entry. */
export interface MetricLabel {
  /** Path into the key, `peer.ip`; the whole key by default. */
  readonly field?: string
  /** `ip`: four words, IPv4 mapped into IPv6. */
  readonly form?: 'ip'
  /** Text for numbers; others stand as they are. */
  readonly names?: Readonly<Record<string, string>>
  /** Enum of the running kernel whose enumerators name the numbers, less `prefix`, in lower case. */
  readonly kernelEnum?: string
  readonly prefix?: string
}

/** A Prometheus metric and the map that it is read from. Entries with equal labels become one. */
export interface ProgramMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly map: string
  /** Path into the value; the whole value by default. A histogram is a `struct histogram` of histogram.h. */
  readonly value?: string
  /** Of one in the map: 1e-6 where it holds microseconds and the metric seconds. 1 by default. */
  readonly unit?: number
  /** `age`: the value is a time of CLOCK_MONOTONIC, the metric how long ago that was. */
  readonly form?: 'age'
  /** How values of several processors, and entries of equal labels, become one; `sum` by default. */
  readonly combine?: 'sum' | 'max'
  readonly labels?: Readonly<Record<string, MetricLabel>>
  /** Only entries whose keys have these values, by path. */
  readonly where?: Readonly<Record<string, number>>
  /** For arrays with many entries that are not in use. */
  readonly onlyNonZero?: boolean
}

/** What `bpf/programs.json` says of an object. */
export interface ProgramManifest {
  readonly summary: string
  /** Programs of the object, and where each is to be attached; `tcx`: in either direction. */
  readonly programs: Readonly<
    Record<string, 'xdp' | 'tcx' | 'tcx ingress' | 'tcx egress' | 'tracepoint' | 'cgroup'>
  >
  /** Oldest kernel on which all of it loads, `6.6`. */
  readonly kernel: string
  /** What a process needs to load and attach it, where it is not root. */
  readonly capabilities: readonly string[]
  /** Ring buffers, and the type of their events in the object's BTF. */
  readonly events?: Readonly<Record<string, string>>
  readonly metrics: readonly ProgramMetric[]
}

const path = resolve(import.meta.dirname, '../../../bpf/programs.json')

/** Hooks, needs and metrics of all programs that x0t ships. */
export async function readProgramManifests(): Promise<Readonly<Record<ShippedProgram, ProgramManifest>>> {
  return JSON.parse(await readFile(path, 'utf8')) as Readonly<Record<ShippedProgram, ProgramManifest>>
}
