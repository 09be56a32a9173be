import type { AttachTarget } from '@x0t/bpf'

/** An attachment of a program that observes. */
export interface ObserverAttachment {
  readonly program: string
  readonly target: AttachTarget
}

/** An object whose programs only observe, and how they are attached on a host. */
export interface Observer {
  /** Name of the object in bpf/. */
  readonly name: string
  /** True where one attachment sees the whole machine, whatever the namespace. */
  readonly isGlobal: boolean
  readonly attachments: (where: ObserverPlace) => readonly ObserverAttachment[]
}

/** What there is to attach to. */
export interface ObserverPlace {
  readonly interface: string
  /** Path of the control group (v2) that the measured programs run in. */
  readonly cgroup: string
}

const tracepoints = (...programs: readonly string[]) => ({
  isGlobal: true,
  attachments: (): readonly ObserverAttachment[] =>
    programs.map((program) => ({ program, target: { kind: 'tracepoint' } })),
})

const onTcx = (incoming: string, outgoing: string) => ({
  isGlobal: false,
  attachments: ({ interface: name }: ObserverPlace): readonly ObserverAttachment[] => [
    { program: incoming, target: { kind: 'tcx', interface: name, direction: 'ingress' } },
    { program: outgoing, target: { kind: 'tcx', interface: name, direction: 'egress' } },
  ],
})

/** Does nothing where `flow` counts: what the hooks cost by themselves. */
export const noop: Observer = { name: 'noop', ...onTcx('x0t_noop_in', 'x0t_noop_out') }

/** Everything in bpf/ that observes and changes no packet. */
export const observers: readonly Observer[] = [
  { name: 'flow', ...onTcx('x0t_flow_in', 'x0t_flow_out') },
  {
    name: 'rtt',
    isGlobal: true,
    attachments: ({ cgroup }) => [{ program: 'x0t_rtt', target: { kind: 'cgroup', path: cgroup } }],
  },
  { name: 'retransmits', ...tracepoints('x0t_retransmit') },
  { name: 'drops', ...tracepoints('x0t_drop') },
  { name: 'connections', ...tracepoints('x0t_connection') },
  { name: 'runqueue', ...tracepoints('x0t_switch') },
]

/** Path of the control group of a process in the unified hierarchy; undefined where none is mounted. */
export function unifiedCgroup(mounts: string, ownGroups: string): string | undefined {
  const mount = mounts.split('\n').find((line) => line.split(' ')[2] === 'cgroup2')
  const group = /^0::(\/.*)$/m.exec(ownGroups)?.[1]
  if (mount === undefined || group === undefined) return undefined
  const point = mount.split(' ')[1]!
  return group === '/' ? point : `${point}${group}`
}
