import { programFlag, type AttachType, type ProgramType } from './uapi.ts'

/** What the section of a program says of it. */
export interface ProgramKind {
  readonly type: ProgramType
  /** expected_attach_type, and that of its link. */
  readonly attachType: AttachType | undefined
  readonly flags: number
  /** What comes after the slash, where it is a name: of a tracepoint or a function of the kernel. */
  readonly target: string | undefined
  /** Prefix of the name of the type in the kernel's BTF that this program is attached to. */
  readonly btf: { readonly prefix: string; readonly kind: 'typedef' | 'function' } | undefined
}

type Row = readonly [type: ProgramType, attachType?: AttachType | undefined, flags?: number]

/** Sections as a whole, as libbpf names them (Documentation/bpf/libbpf/program_types.rst). */
const exact = new Map<string, Row>(
  Object.entries({
    xdp: ['xdp', 'XDP'],
    'xdp.frags': ['xdp', 'XDP', programFlag.XDP_HAS_FRAGS],
    'xdp/devmap': ['xdp', 'XDP_DEVMAP'],
    'xdp/cpumap': ['xdp', 'XDP_CPUMAP'],
    tc: ['sched_cls'],
    classifier: ['sched_cls'],
    'tc/ingress': ['sched_cls', 'TCX_INGRESS'],
    'tc/egress': ['sched_cls', 'TCX_EGRESS'],
    'tcx/ingress': ['sched_cls', 'TCX_INGRESS'],
    'tcx/egress': ['sched_cls', 'TCX_EGRESS'],
    action: ['sched_act'],
    socket: ['socket_filter'],
    sockops: ['sock_ops', 'CGROUP_SOCK_OPS'],
    sk_lookup: ['sk_lookup', 'SK_LOOKUP'],
    syscall: ['syscall', undefined, programFlag.SLEEPABLE],
    netfilter: ['netfilter', 'NETFILTER'],
    'cgroup/skb': ['cgroup_skb'],
    'cgroup_skb/ingress': ['cgroup_skb', 'CGROUP_INET_INGRESS'],
    'cgroup_skb/egress': ['cgroup_skb', 'CGROUP_INET_EGRESS'],
    'cgroup/sock_create': ['cgroup_sock', 'CGROUP_INET_SOCK_CREATE'],
    'cgroup/sock': ['cgroup_sock', 'CGROUP_INET_SOCK_CREATE'],
    'cgroup/sock_release': ['cgroup_sock', 'CGROUP_INET_SOCK_RELEASE'],
    'cgroup/post_bind4': ['cgroup_sock', 'CGROUP_INET4_POST_BIND'],
    'cgroup/post_bind6': ['cgroup_sock', 'CGROUP_INET6_POST_BIND'],
    'cgroup/bind4': ['cgroup_sock_addr', 'CGROUP_INET4_BIND'],
    'cgroup/bind6': ['cgroup_sock_addr', 'CGROUP_INET6_BIND'],
    'cgroup/connect4': ['cgroup_sock_addr', 'CGROUP_INET4_CONNECT'],
    'cgroup/connect6': ['cgroup_sock_addr', 'CGROUP_INET6_CONNECT'],
    'cgroup/sendmsg4': ['cgroup_sock_addr', 'CGROUP_UDP4_SENDMSG'],
    'cgroup/sendmsg6': ['cgroup_sock_addr', 'CGROUP_UDP6_SENDMSG'],
    'cgroup/recvmsg4': ['cgroup_sock_addr', 'CGROUP_UDP4_RECVMSG'],
    'cgroup/recvmsg6': ['cgroup_sock_addr', 'CGROUP_UDP6_RECVMSG'],
    'cgroup/getpeername4': ['cgroup_sock_addr', 'CGROUP_INET4_GETPEERNAME'],
    'cgroup/getpeername6': ['cgroup_sock_addr', 'CGROUP_INET6_GETPEERNAME'],
    'cgroup/getsockname4': ['cgroup_sock_addr', 'CGROUP_INET4_GETSOCKNAME'],
    'cgroup/getsockname6': ['cgroup_sock_addr', 'CGROUP_INET6_GETSOCKNAME'],
    'cgroup/dev': ['cgroup_device', 'CGROUP_DEVICE'],
    'cgroup/sysctl': ['cgroup_sysctl', 'CGROUP_SYSCTL'],
    'cgroup/getsockopt': ['cgroup_sockopt', 'CGROUP_GETSOCKOPT'],
    'cgroup/setsockopt': ['cgroup_sockopt', 'CGROUP_SETSOCKOPT'],
  } satisfies Record<string, Row>),
)

interface Prefixed {
  readonly row: Row
  readonly btf?: ProgramKind['btf']
}

/** Sections `prefix/target`. */
const prefixed = new Map<string, Prefixed>(
  Object.entries({
    tp_btf: { row: ['tracing', 'TRACE_RAW_TP'], btf: { prefix: 'btf_trace_', kind: 'typedef' } },
    fentry: { row: ['tracing', 'TRACE_FENTRY'], btf: { prefix: '', kind: 'function' } },
    fexit: { row: ['tracing', 'TRACE_FEXIT'], btf: { prefix: '', kind: 'function' } },
    fmod_ret: { row: ['tracing', 'MODIFY_RETURN'], btf: { prefix: '', kind: 'function' } },
    lsm: { row: ['lsm', 'LSM_MAC'], btf: { prefix: 'bpf_lsm_', kind: 'function' } },
    iter: { row: ['tracing', 'TRACE_ITER'], btf: { prefix: 'bpf_iter_', kind: 'function' } },
    raw_tp: { row: ['raw_tracepoint'] },
    raw_tracepoint: { row: ['raw_tracepoint'] },
    tp: { row: ['tracepoint'] },
    tracepoint: { row: ['tracepoint'] },
    kprobe: { row: ['kprobe'] },
    kretprobe: { row: ['kprobe'] },
  } satisfies Record<string, Prefixed>),
)

/** What a section says of its programs; undefined for one that is not known. A leading `?` is no part of the name. */
export function programKindOf(section: string): ProgramKind | undefined {
  const name = section.startsWith('?') ? section.slice(1) : section
  const row = exact.get(name)
  if (row !== undefined) return toKind(row, undefined, undefined)
  const slash = name.indexOf('/')
  if (slash < 0) return undefined
  const isSleepable = name.slice(0, slash).endsWith('.s')
  const prefix = isSleepable ? name.slice(0, slash - 2) : name.slice(0, slash)
  const found = prefixed.get(prefix)
  const target = name.slice(slash + 1)
  if (found === undefined || target === '') return undefined
  const kind = toKind(found.row, target, found.btf)
  return isSleepable ? { ...kind, flags: kind.flags | programFlag.SLEEPABLE } : kind
}

function toKind(
  [type, attachType, flags = 0]: Row,
  target: string | undefined,
  btf: ProgramKind['btf'],
): ProgramKind {
  return { type, attachType, flags, target, btf }
}
