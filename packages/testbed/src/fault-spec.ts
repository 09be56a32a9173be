import { X0tError } from '@x0t/core'
import { linkBetween, plannedHost, type NetworkPlan } from './network-plan.ts'
import type { ActiveFault } from './manifest.ts'

/** What a fault hits, written `link:a-b` or `node:a`. */
export type FaultTarget =
  | { readonly kind: 'link'; readonly text: string; readonly a: string; readonly b: string }
  | { readonly kind: 'node'; readonly text: string; readonly host: string }

/** A fault to inject: `value` is the loss ratio (0 to 1) or the latency in milliseconds. */
export interface FaultAction {
  readonly kind: ActiveFault['kind']
  readonly value?: number
}

const linkFaults = ['down', 'blackhole', 'loss', 'latency'] as const
const nodeFaults = ['crash', 'freeze'] as const

/** @throws X0tError TESTBED_FAULT_INVALID, TESTBED_LINK_UNKNOWN, TESTBED_HOST_UNKNOWN */
export function parseFaultTarget(text: string, plan: NetworkPlan): FaultTarget {
  const node = /^node:([a-z0-9]+)$/.exec(text)
  if (node !== null) return { kind: 'node', text, host: plannedHost(plan, node[1]!).name }
  const link = /^link:([a-z0-9]+)-([a-z0-9]+)$/.exec(text)
  if (link === null) throw invalid(`target ${JSON.stringify(text.slice(0, 60))}`)
  const { a, b } = linkBetween(plan, plannedHost(plan, link[1]!).name, plannedHost(plan, link[2]!).name)
  return { kind: 'link', text: `link:${a.host}-${b.host}`, a: a.host, b: b.host }
}

/**
 * Parses `down`, `blackhole`, `loss=10%`, `latency=50ms`, `crash`, `freeze`.
 * @throws X0tError TESTBED_FAULT_INVALID, also where the fault does not fit the target
 */
export function parseFaultAction(text: string, target: FaultTarget): FaultAction {
  const [name, value] = splitOnce(text)
  const kind = name as ActiveFault['kind']
  const fitting: readonly string[] = target.kind === 'link' ? linkFaults : nodeFaults
  if (!fitting.includes(kind)) {
    throw invalid(
      `${JSON.stringify(text.slice(0, 60))} on a ${target.kind}, which takes ${fitting.join(', ')}`,
    )
  }
  if (kind === 'loss') {
    const percent = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(value ?? '')
    const lossRatio = percent === null ? NaN : Number(percent[1]) / 100
    if (!(lossRatio > 0 && lossRatio <= 1))
      throw invalid('loss takes a percentage above 0 and up to 100, like loss=10%')
    return { kind, value: lossRatio }
  }
  if (kind === 'latency') {
    const ms = /^(\d{1,5}(?:\.\d{1,3})?)ms$/.exec(value ?? '')
    if (ms === null || Number(ms[1]) === 0) throw invalid('latency takes milliseconds, like latency=50ms')
    return { kind, value: Number(ms[1]) }
  }
  if (value !== undefined) throw invalid(`${kind} takes no value`)
  return { kind }
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(found: string): X0tError {
  return new X0tError('TESTBED_FAULT_INVALID', `not a fault: ${found}`, {
    exitCode: 2,
    hint: 'link:a-b down|blackhole|loss=10%|latency=50ms, node:a crash|freeze',
  })
}
