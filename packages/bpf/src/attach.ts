import { X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { codeOf, failure } from './bpf-failure.ts'
import type { AttachTarget, BpfProgram } from './contract.ts'
import { Descriptor } from './descriptor.ts'
import { adoptLink, type NativeLink } from './native-link.ts'
import type { ProgramKind } from './program-kind.ts'
import { openSyscalls } from './syscalls.ts'
import { attachType, errno, errnoName, type AttachType, type ProgramType } from './uapi.ts'

const XDP_FLAGS_SKB_MODE = 1 << 1
const XDP_FLAGS_DRV_MODE = 1 << 2
const BPF_F_BEFORE = 1 << 3
const BPF_F_AFTER = 1 << 4
const BPF_F_ID = 1 << 5

/** Attributes of BPF_LINK_CREATE that every kernel with links has; and with the place among others (Linux 6.6). */
const linkBytes = 16
const tcxBytes = 32

type Attachable = BpfProgram & { readonly kind: ProgramKind }

/** @throws X0tError BPF_INTERFACE_NOT_FOUND, BPF_BUSY, BPF_NOT_PERMITTED, BPF_UNSUPPORTED, BPF_CALL_FAILED */
export function attachProgram(program: Attachable, target: AttachTarget): NativeLink {
  switch (target.kind) {
    case 'xdp': {
      expectType(program, 'xdp')
      const flags = { native: XDP_FLAGS_DRV_MODE, generic: XDP_FLAGS_SKB_MODE }
      const attributes = new Attributes(linkBytes)
        .u32(4, interfaceIndexOf(target.interface))
        .u32(8, attachType.XDP)
        .u32(12, target.mode === undefined ? 0 : flags[target.mode])
      return create(program, attributes, `XDP of ${target.interface}`, {
        unsupported: 'x0t bpf attach --mode generic',
      })
    }
    case 'tcx': {
      expectType(program, 'sched_cls')
      if (target.before !== undefined && target.after !== undefined) {
        throw new TypeError('a program goes before another or after another, not both')
      }
      const relative = target.before ?? target.after
      const flags =
        relative === undefined ? 0 : BPF_F_ID | (target.before === undefined ? BPF_F_AFTER : BPF_F_BEFORE)
      const attributes = new Attributes(tcxBytes)
        .u32(4, interfaceIndexOf(target.interface))
        .u32(8, target.direction === 'ingress' ? attachType.TCX_INGRESS : attachType.TCX_EGRESS)
        .u32(12, flags)
        .u32(16, relative ?? 0)
      return create(program, attributes, `${target.direction} of ${target.interface}`, {
        invalid: 'tcx came with Linux 6.6; x0t bpf doctor tells whether this kernel has it',
      })
    }
    case 'tracepoint':
      return attachTracepoint(program, target.name)
    default:
      return attachCgroup(program, target)
  }
}

/** Index of an interface in the network namespace of the calling thread. @throws X0tError BPF_INTERFACE_NOT_FOUND */
export function interfaceIndexOf(name: string): number {
  const index = openSyscalls().interfaceIndex(name)
  if (index > 0) return index
  throw new X0tError(
    'BPF_INTERFACE_NOT_FOUND',
    `no network interface ${name} in the namespace of this process`,
    {
      hint: 'ip link',
    },
  )
}

function expectType({ spec, kind }: Attachable, wanted: ProgramType): void {
  if (kind.type === wanted) return
  throw new X0tError('BPF_UNSUPPORTED', `program ${spec.name} is a ${kind.type}; this place takes ${wanted}`)
}

function attachTracepoint(program: Attachable, name: string | undefined): NativeLink {
  const { kind, spec } = program
  const what = `tracepoint ${name ?? kind.target ?? spec.name}`
  const isRaw = kind.type === 'raw_tracepoint'
  if (!isRaw && kind.type !== 'tracing' && kind.type !== 'lsm') {
    throw new X0tError(
      'BPF_UNSUPPORTED',
      `program ${spec.name} is a ${kind.type}; tracepoints take tp_btf and raw_tp`,
    )
  }
  const attributes = new Attributes(16).u32(8, program.fd)
  // tp_btf and its like know their target since they were loaded.
  if (isRaw) {
    const target = name ?? kind.target
    if (target === undefined) throw new TypeError(`program ${spec.name} was opened: name its tracepoint`)
    attributes.text(0, target)
  }
  const fd = attributes.call('RAW_TRACEPOINT_OPEN')
  if (fd < 0) throw refused(program, what, fd)
  return adoptLink(fd)
}

/** Attach types by program type, for opened programs: the kernel does not tell which one a program was loaded for. */
const cgroupHooks: Readonly<Partial<Record<ProgramType, readonly AttachType[]>>> = {
  sock_ops: ['CGROUP_SOCK_OPS'],
  cgroup_device: ['CGROUP_DEVICE'],
  cgroup_sysctl: ['CGROUP_SYSCTL'],
  cgroup_sockopt: ['CGROUP_GETSOCKOPT', 'CGROUP_SETSOCKOPT'],
  cgroup_skb: ['CGROUP_INET_INGRESS', 'CGROUP_INET_EGRESS'],
  cgroup_sock: [
    'CGROUP_INET_SOCK_CREATE',
    'CGROUP_INET_SOCK_RELEASE',
    'CGROUP_INET4_POST_BIND',
    'CGROUP_INET6_POST_BIND',
  ],
  cgroup_sock_addr: [
    'CGROUP_INET4_BIND',
    'CGROUP_INET6_BIND',
    'CGROUP_INET4_CONNECT',
    'CGROUP_INET6_CONNECT',
    'CGROUP_UDP4_SENDMSG',
    'CGROUP_UDP6_SENDMSG',
    'CGROUP_UDP4_RECVMSG',
    'CGROUP_UDP6_RECVMSG',
    'CGROUP_INET4_GETPEERNAME',
    'CGROUP_INET6_GETPEERNAME',
    'CGROUP_INET4_GETSOCKNAME',
    'CGROUP_INET6_GETSOCKNAME',
  ],
}

function attachCgroup(program: Attachable, target: AttachTarget & { readonly kind: 'cgroup' }): NativeLink {
  const { kind, spec } = program
  const hooks = cgroupHooks[kind.type]
  if (hooks === undefined) {
    throw new X0tError('BPF_UNSUPPORTED', `program ${spec.name} is a ${kind.type}, which no cgroup takes`)
  }
  const path = openSyscalls().open(target.path)
  if (path < 0) {
    throw failure(`cgroup ${target.path} could not be opened`, path, {
      code: 'BPF_TARGET_INVALID',
      hint: 'findmnt -t cgroup2',
    })
  }
  using folder = new Descriptor(path, `cgroup ${target.path}`)
  const asked = target.direction === undefined ? undefined : directions[target.direction]
  const known = asked ?? kind.attachType
  // Either direction would do for an opened cgroup_skb: that is to be said, not guessed.
  if (known === undefined && kind.type === 'cgroup_skb') {
    throw new TypeError(`program ${spec.name} was opened, or is of cgroup/skb: name a direction`)
  }
  let result = -errno.EINVAL
  for (const hook of known === undefined ? hooks : [known]) {
    result = new Attributes(linkBytes)
      .u32(0, program.fd)
      .u32(4, folder.fd)
      .u32(8, attachType[hook])
      .call('LINK_CREATE')
    if (result !== -errno.EINVAL) break
  }
  if (result === -errno.EBADF) {
    throw new X0tError('BPF_TARGET_INVALID', `${target.path} is no folder of a cgroup2`, {
      hint: 'findmnt -t cgroup2',
    })
  }
  if (result < 0) throw refused(program, `cgroup ${target.path}`, result)
  return adoptLink(result)
}

const directions = { ingress: 'CGROUP_INET_INGRESS', egress: 'CGROUP_INET_EGRESS' } as const

/** Hints where the interface cannot do it, and where the kernel does not know what is asked. */
interface Hints {
  readonly unsupported?: string
  readonly invalid?: string
}

function create(program: Attachable, attributes: Attributes, what: string, hints: Hints): NativeLink {
  const fd = attributes.u32(0, program.fd).call('LINK_CREATE')
  if (fd === -errno.EOPNOTSUPP) {
    throw failure(`program ${program.spec.name} could not be attached to ${what}`, fd, {
      hint: hints.unsupported,
    })
  }
  if (fd < 0) throw refused(program, what, fd, hints.invalid)
  return adoptLink(fd)
}

function refused({ spec }: Attachable, what: string, result: number, hint = 'x0t bpf doctor'): X0tError {
  const message = `program ${spec.name} could not be attached to ${what}`
  if (result === -errno.EBUSY || result === -errno.EEXIST) {
    return new X0tError('BPF_BUSY', `${message}: another program is there (${errnoName(-result)})`, {
      hint: 'x0t bpf list; detach it, or for XDP use one mode and the chain',
    })
  }
  if (result === -errno.EINVAL) {
    return failure(message, result, { code: 'BPF_UNSUPPORTED', hint })
  }
  return failure(message, result, { code: codeOf(-result) })
}
