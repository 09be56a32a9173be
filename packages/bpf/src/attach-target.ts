import { X0tError } from '@x0t/core'
import type { AttachTarget } from './contract.ts'

/** A target as people read it: `eth0 xdp`, `eth0 ingress`, `kfree_skb`, a cgroup path. */
export function describeTarget(target: AttachTarget): string {
  switch (target.kind) {
    case 'xdp':
      return `${target.interface} xdp`
    case 'tcx':
      return `${target.interface} ${target.direction}`
    case 'cgroup':
      return target.path
    default:
      return 'tracepoint'
  }
}

/** The target of a link whose interface is gone. */
export const removedInterface = 'removed interface'

/**
 * Name of the pin of an attachment: the program, `@`, and where it is.
 * @param namespace inode of the network namespace, where it is not that of the machine: `eth0` exists in many
 */
export function linkName(program: string, target: AttachTarget, namespace?: number): string {
  const place = describeTarget(target).replaceAll(' ', '-')
  const suffix =
    namespace === undefined || target.kind === 'cgroup' || target.kind === 'tracepoint' ? '' : `@${namespace}`
  return `${program}@${place.length > 120 ? `${place.slice(0, 60)}~${place.slice(-59)}` : place}${suffix}`
}

/** Where the attachment with this name is: from its `@` on, as of `linkName`. */
export function placeOfLink(name: string): string {
  return name.slice(name.indexOf('@'))
}

/** What a command line or a manifest says of where to attach. */
export interface TargetRequest {
  readonly interface?: string | undefined
  readonly direction?: 'ingress' | 'egress' | undefined
  readonly mode?: 'native' | 'generic' | undefined
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly cgroup?: string | undefined
}

/** Where a program runs, by its type in the kernel or the ELF section that it came from. */
export type Hook = 'xdp' | 'tcx' | 'tracepoint' | 'cgroup'

/** The hook of a type (`sched_cls`) or section (`tp_btf/kfree_skb`); undefined where x0t attaches no such program. */
export function hookOf(typeOrSection: string): Hook | undefined {
  const [first = ''] = typeOrSection.split(/[/.]/)
  if (first === 'xdp') return 'xdp'
  if (['sched_cls', 'tc', 'tcx', 'classifier'].includes(first)) return 'tcx'
  if (/^(tracing|tp_btf|raw_tp|raw_tracepoint|tracepoint|tp)$/.test(first)) return 'tracepoint'
  if (first === 'sockops' || first === 'sock_ops' || first.startsWith('cgroup')) return 'cgroup'
  return undefined
}

/**
 * The target that fits a program and what was asked for. The direction of a tc program may be told by its name
 * (`flow_ingress`).
 * @param program name, and type in the kernel or ELF section
 * @throws X0tError BPF_TARGET_INVALID where something is missing or does not belong
 */
export function targetFor(
  program: { readonly name: string; readonly type: string },
  request: TargetRequest,
): AttachTarget {
  const { mode, before, after, cgroup } = request
  const allow = (...names: readonly (keyof TargetRequest)[]): void => {
    const unfit = targetFields.find((name) => request[name] !== undefined && !names.includes(name))
    if (unfit !== undefined)
      throw invalid(`${program.name} is of type ${program.type}, which takes no ${unfit}`)
  }
  switch (hookOf(program.type)) {
    case 'xdp':
      allow('interface', 'mode')
      return {
        kind: 'xdp',
        interface: interfaceOf(program.name, request),
        ...(mode === undefined ? {} : { mode }),
      }
    case 'tcx': {
      allow('interface', 'direction', 'before', 'after')
      const direction = request.direction ?? directionOfName(program.name)
      if (direction === undefined)
        throw invalid(
          `${program.name} runs on one direction of an interface`,
          '--direction ingress, or egress',
        )
      if (before !== undefined && after !== undefined) throw invalid('before and after exclude each other')
      return {
        kind: 'tcx',
        interface: interfaceOf(program.name, request),
        direction,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      }
    }
    case 'tracepoint':
      allow()
      return { kind: 'tracepoint' }
    case 'cgroup':
      allow('cgroup')
      if (cgroup === undefined)
        throw invalid(`${program.name} runs for the processes of a cgroup`, '--cgroup /sys/fs/cgroup/unified')
      return { kind: 'cgroup', path: cgroup }
    default:
      throw invalid(`x0t attaches no programs of type ${program.type} (${program.name})`)
  }
}

const targetFields = ['interface', 'direction', 'mode', 'before', 'after', 'cgroup'] as const

function directionOfName(name: string): 'ingress' | 'egress' | undefined {
  const match = /(?:^|_)(ingress|egress|in|out)(?:_|$)/.exec(name)
  return match === null ? undefined : match[1]!.startsWith('in') ? 'ingress' : 'egress'
}

function interfaceOf(program: string, { interface: name }: TargetRequest): string {
  if (name === undefined) throw invalid(`${program} runs on an interface`, '--interface NAME')
  if (name === '' || name.length > 15 || /[\s/]/.test(name) || name === '.' || name === '..')
    throw invalid(`${JSON.stringify(name)} is no name of an interface`, 'ip link shows them')
  return name
}

function invalid(message: string, hint?: string): X0tError {
  return new X0tError('BPF_TARGET_INVALID', message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) })
}
