import { X0tError } from '@x0t/core'
import { toJson, type BpfValue, type JsonValue } from './bpf-value.ts'

/** How values of one type lie in memory. */
export interface Layout {
  readonly bytes: number
  /** Scalars and structs in a value: bounds the work that a hostile BTF can ask for. */
  readonly scalars: number
  read(view: DataView, at: number): BpfValue
  /** @param path name of the place, for messages @param onTop leave fields that `value` does not mention */
  write(view: DataView, at: number, value: unknown, path: string, onTop: boolean): void
}

/** BPF_VALUE_INVALID: what was given at `path`, and what fits there. */
export function valueInvalid(path: string, given: unknown, expected: string): X0tError {
  return new X0tError('BPF_VALUE_INVALID', `${path}: ${shown(given)} is not ${expected}`)
}

const longestShown = 60

function shown(given: unknown): string {
  if (given === undefined) return 'nothing'
  let text: string
  try {
    text = typeof given === 'bigint' ? String(given) : JSON.stringify(jsonOf(given))
  } catch {
    text = typeof given
  }
  text ??= typeof given
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

function jsonOf(given: unknown): JsonValue | undefined {
  return typeof given === 'function' || typeof given === 'symbol' ? undefined : toJson(given as BpfValue)
}
