import type { DelaySlice } from './run-record.ts'

const fine = { fromMs: -100, toMs: 500, widthMs: 10 }
const coarseMs = 100
const mostSlices = 1000

/** Delays of the stream in slices of its time: 10 ms around the fault, 100 ms further away. Empty slices are left out. */
export function sliceDelays(
  sentMs: Float64Array,
  arrivedMs: Float64Array,
  { from, until, zeroMs }: { readonly from: number; readonly until: number; readonly zeroMs: number },
): readonly DelaySlice[] {
  const slices = new Map<number, { packets: number; received: number; longestMs: number | null }>()
  for (let at = from; at < until; at++) {
    if (Number.isNaN(sentMs[at]!)) continue
    const key = sliceOf(sentMs[at]! - zeroMs)
    const slice = slices.get(key) ?? { packets: 0, received: 0, longestMs: null }
    slices.set(key, slice)
    slice.packets++
    const delayMs = arrivedMs[at]! - sentMs[at]!
    if (Number.isNaN(delayMs)) continue
    slice.received++
    slice.longestMs = Math.max(slice.longestMs ?? 0, delayMs)
  }
  return [...slices].map(([fromMs, slice]) => ({ fromMs, ...slice })).slice(0, mostSlices)
}

function sliceOf(ms: number): number {
  const widthMs = ms >= fine.fromMs && ms < fine.toMs ? fine.widthMs : coarseMs
  return Math.floor(ms / widthMs) * widthMs
}
