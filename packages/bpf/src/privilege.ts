/** Capabilities that BPF asks for, with their bits (capabilities(7)). */
const capabilityBits = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const
export type Capability = keyof typeof capabilityBits

/** What this process may do, as /proc and /sys show it. */
export interface Privilege {
  /** Effective set; undefined if /proc/self/status does not tell. */
  readonly effective: bigint | undefined
  /** `integrity` or `confidentiality` if the kernel is locked down. */
  readonly lockdown: string | undefined
  readonly inUserNamespace: boolean
  readonly hasSeccompFilter: boolean
}

/** Reads the text of a file; undefined if there is none. */
export type ReadText = (path: string) => Promise<string | undefined>

export async function readPrivilege(readText: ReadText): Promise<Privilege> {
  const [status = '', lockdown = '', uids = ''] = await Promise.all([
    readText('/proc/self/status'),
    readText('/sys/kernel/security/lockdown'),
    readText('/proc/self/uid_map'),
  ])
  const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1]
  const mode = /\[(\w+)\]/.exec(lockdown)?.[1]
  return {
    effective: effective === undefined ? undefined : BigInt(`0x${effective}`),
    lockdown: mode === 'none' ? undefined : mode,
    inUserNamespace: uids !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(uids),
    hasSeccompFilter: /^Seccomp:\s*2$/m.test(status),
  }
}

/** Why the kernel said EPERM to something that needs these capabilities, and what to do. */
export function explainRefusal(
  needed: readonly Capability[],
  { effective, lockdown, inUserNamespace, hasSeccompFilter }: Privilege,
): { readonly detail: string; readonly hint: string } {
  const has = (name: Capability): boolean =>
    effective !== undefined && (effective & (1n << BigInt(capabilityBits[name]))) !== 0n
  // Before Linux 5.8 CAP_SYS_ADMIN was all of CAP_BPF and CAP_PERFMON, and it still is.
  const covers = (name: Capability): boolean =>
    has(name) || (name !== 'CAP_NET_ADMIN' && has('CAP_SYS_ADMIN'))
  const lacking = needed.filter((name) => !covers(name))
  if (lacking.length > 0) {
    return {
      detail: `needs ${needed.join(' and ')}; this process lacks ${lacking.join(' and ')}`,
      hint: `run as root, or give the service AmbientCapabilities=${needed.join(' ')}`,
    }
  }
  if (inUserNamespace) {
    return {
      detail: 'in a user namespace, whose capabilities do not count for BPF',
      hint: 'run outside of a rootless container, or mount a bpffs with delegate_cmds for it (BPF token)',
    }
  }
  if (lockdown !== undefined) {
    return {
      detail: `the kernel is locked down (${lockdown})`,
      hint: 'boot without lockdown= or Secure Boot, or do without this',
    }
  }
  if (hasSeccompFilter) {
    return {
      detail: 'a seccomp filter, as containers have, forbids it',
      hint: 'allow bpf(2) in the seccomp profile: docker run --privileged, or a profile of your own',
    }
  }
  return {
    detail: `refused although this process has ${needed.join(' and ')}`,
    hint: 'the kernel log may say why: dmesg | tail; before Linux 5.11, ulimit -l unlimited',
  }
}
