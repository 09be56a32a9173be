import { X0tError } from '@x0t/core'
import { linkBetween, plannedHost, type NetworkPlan } from './network-plan.ts'
import type { ActiveFault } from './manifest.ts'

/** What a fault hits, written `link:a-b`, `node:a`, `set:a+b`, or `bed`. */
export type FaultTarget =
  | {
      readonly kind: 'link'
      /** The ends in the order of the topology. */
      readonly text: string
      readonly a: string
      readonly b: string
      /** The ends in the order written: faults of one direction hit what `from` sends to `to`. */
      readonly from: string
      readonly to: string
    }
  | { readonly kind: 'node'; readonly text: string; readonly host: string }
  | { readonly kind: 'set'; readonly text: string; readonly hosts: readonly string[] }

export type FaultKind = ActiveFault['kind']

/** A fault to inject: {@link ActiveFault} tells what `value` means for which kind. */
export interface FaultAction {
  readonly kind: FaultKind
  readonly value?: number
  /** Of latency: each packet waits `value` ± this many milliseconds. */
  readonly jitterMs?: number
}

/** Kinds of faults by what they hit, each with an example of how it is written. */
export const faultsOf = {
  link: {
    down: 'down',
    blackhole: 'blackhole',
    'one-way': 'one-way',
    loss: 'loss=10%',
    'loss-from': 'loss-from=10%',
    latency: 'latency=100ms±10ms',
    flap: 'flap=500ms',
    'handshake-failure': 'handshake-failure',
  },
  node: {
    crash: 'crash',
    freeze: 'freeze',
    byzantine: 'byzantine',
    'handshake-failure': 'handshake-failure',
    'svid-expiry': 'svid-expiry',
    'clock-jump': 'clock-jump=+3600s',
  },
  set: { partition: 'partition' },
} as const satisfies Record<FaultTarget['kind'], Partial<Record<FaultKind, string>>>

/** Faults of one direction: their record names the ends in the order written. */
const directed: readonly FaultKind[] = ['one-way', 'loss-from']

/**
 * Parses a target with what is to happen to it; `bed partition=a+b` is `set:a+b partition`.
 * @throws X0tError TESTBED_FAULT_INVALID, TESTBED_LINK_UNKNOWN, TESTBED_HOST_UNKNOWN
 */
export function parseFault(
  targetText: string,
  actionText: string,
  plan: NetworkPlan,
): { readonly target: FaultTarget; readonly action: FaultAction } {
  const set = targetText === 'bed' ? /^partition=(.*)$/.exec(actionText) : null
  const [written, what] = set === null ? [targetText, actionText] : [`set:${set[1]!}`, 'partition']
  const target = parseFaultTarget(written, plan)
  const action = parseFaultAction(what, target)
  if (target.kind !== 'link' || !directed.includes(action.kind)) return { target, action }
  return { target: { ...target, text: `link:${target.from}-${target.to}` }, action }
}

/** @throws X0tError TESTBED_FAULT_INVALID, TESTBED_LINK_UNKNOWN, TESTBED_HOST_UNKNOWN */
export function parseFaultTarget(text: string, plan: NetworkPlan): FaultTarget {
  const node = /^node:([a-z0-9]+)$/.exec(text)
  if (node !== null) return { kind: 'node', text, host: plannedHost(plan, node[1]!).name }
  const set = /^set:([a-z0-9]+(?:\+[a-z0-9]+)*)$/.exec(text)
  if (set !== null) return setOf(set[1]!.split('+'), plan)
  const link = /^link:([a-z0-9]+)-([a-z0-9]+)$/.exec(text)
  if (link === null) throw invalid(`target ${JSON.stringify(text.slice(0, 60))}`)
  const [from, to] = [plannedHost(plan, link[1]!).name, plannedHost(plan, link[2]!).name]
  const { a, b } = linkBetween(plan, from, to)
  return { kind: 'link', text: `link:${a.host}-${b.host}`, a: a.host, b: b.host, from, to }
}

/**
 * Parses what is to happen, written like the examples of {@link faultsOf}.
 * @throws X0tError TESTBED_FAULT_INVALID, also where the fault does not fit the target
 */
export function parseFaultAction(text: string, target: FaultTarget): FaultAction {
  const [name, value] = splitOnce(text)
  const fitting: Readonly<Record<string, string>> = faultsOf[target.kind]
  if (!Object.hasOwn(fitting, name)) {
    throw invalid(
      `${JSON.stringify(text.slice(0, 60))} on a ${target.kind}, which takes ${Object.values(fitting).join(', ')}`,
    )
  }
  const kind = name as FaultKind
  switch (kind) {
    case 'loss':
    case 'loss-from': {
      const percent = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(value ?? '')
      const lossRatio = percent === null ? NaN : Number(percent[1]) / 100
      if (!(lossRatio > 0 && lossRatio <= 1))
        throw invalid(`${kind} takes a percentage above 0 and up to 100, like ${kind}=10%`)
      return { kind, value: lossRatio }
    }
    case 'latency': {
      const ms = /^(\d{1,5}(?:\.\d{1,3})?)ms(?:(?:±|\+-)(\d{1,5}(?:\.\d{1,3})?)ms)?$/.exec(value ?? '')
      const [latencyMs, jitterMs] = [Number(ms?.[1] ?? 0), Number(ms?.[2] ?? 0)]
      if (latencyMs === 0 || jitterMs > latencyMs)
        throw invalid(
          'latency takes milliseconds and no larger jitter, like latency=50ms or latency=50ms±5ms',
        )
      return { kind, value: latencyMs, ...(jitterMs === 0 ? {} : { jitterMs }) }
    }
    case 'flap': {
      const ms = /^(\d{1,6})ms$/.exec(value ?? '')
      if (ms === null || Number(ms[1]) < leastFlapMs)
        throw invalid(`flap takes the milliseconds of each state, ${leastFlapMs} or more, like flap=500ms`)
      return { kind, value: Number(ms[1]) }
    }
    case 'byzantine': {
      if (value === undefined) return { kind }
      const bytes = /^(\d{1,5})B$/.exec(value)
      if (bytes === null || Number(bytes[1]) === 0)
        throw invalid(
          'byzantine takes nothing or the least bytes of a packet that is eaten, like byzantine=400B',
        )
      return { kind, value: Number(bytes[1]) }
    }
    case 'clock-jump': {
      const seconds = /^([+-]\d{1,9})s$/.exec(value ?? '')
      if (seconds === null || Number(seconds[1]) === 0)
        throw invalid('clock-jump takes signed seconds, like clock-jump=+3600s')
      return { kind, value: Number(seconds[1]) }
    }
    default:
      if (value !== undefined) throw invalid(`${kind} takes no value`)
      return { kind }
  }
}

/** A fault as it is written: `loss=10%`, `latency=100ms±10ms`, `down`. */
export function faultText({
  kind,
  value,
  jitterMs,
}: {
  readonly kind: string
  readonly value?: number | undefined
  readonly jitterMs?: number | undefined
}): string {
  if (value === undefined) return kind
  if (kind.startsWith('loss')) return `${kind}=${Number((value * 100).toFixed(4))}%`
  if (kind === 'clock-jump') return `${kind}=${value < 0 ? '' : '+'}${value}s`
  if (kind === 'byzantine') return `${kind}=${value}B`
  return `${kind}=${value}ms${jitterMs === undefined ? '' : `±${jitterMs}ms`}`
}

/** Each turn starts a program, which takes some milliseconds. */
const leastFlapMs = 20

function setOf(names: readonly string[], plan: NetworkPlan): FaultTarget {
  const wanted = new Set(names.map((name) => plannedHost(plan, name).name))
  const hosts = plan.hosts.map(({ name }) => name).filter((name) => wanted.has(name))
  if (hosts.length === plan.hosts.length) throw invalid('a set of all hosts, which leaves no other side')
  return { kind: 'set', text: `set:${hosts.join('+')}`, hosts }
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(found: string): X0tError {
  return new X0tError('TESTBED_FAULT_INVALID', `not a fault: ${found}`, {
    exitCode: 2,
    hint: Object.entries(faultsOf)
      .map(
        ([kind, faults]) =>
          `${exampleTargets[kind as FaultTarget['kind']]} ${Object.values(faults).join('|')}`,
      )
      .join(', '),
  })
}

const exampleTargets = { link: 'link:a-b', node: 'node:a', set: 'set:a+b' } as const
