import { effectiveCapabilities } from './kernel-checks.ts'
import { fail, ok, warn, type Check } from './check.ts'

const capNetAdmin = 12n
const capSysAdmin = 21n
const capPerfmon = 38n
const capBpf = 39n

/** What probing and forwarding in the kernel takes; what the kernel says to the program itself only a start tells. */
export const checkFastPath: Check = async ({ config, probes }) => {
  if (config.fastPath.mode === 'off') return ok('not used (fast_path.mode = off)')
  const severity = config.fastPath.mode === 'on' ? fail : warn
  if ((await probes.facts('/sys/kernel/btf/vmlinux')) === undefined)
    return severity('the kernel does not describe its types', 'use a kernel with CONFIG_DEBUG_INFO_BTF')
  const effective = effectiveCapabilities((await probes.readText('/proc/self/status')) ?? '') ?? 0n
  const has = (capability: bigint): boolean => (effective & (1n << capability)) !== 0n
  if (!has(capNetAdmin) || !(has(capSysAdmin) || (has(capBpf) && has(capPerfmon))))
    return severity(
      'this process may not load programs (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)',
      'run the node as root, or give it these capabilities',
    )
  const mounts = (await probes.readText('/proc/self/mounts')) ?? ''
  if (!/^\S+ \/sys\/fs\/bpf bpf /m.test(mounts) && !has(capSysAdmin))
    return severity('no BPF file system at /sys/fs/bpf', 'mount -t bpf bpf /sys/fs/bpf')
  return ok('the kernel takes programs; x0t node status tells whether they run')
}
