import { fail, ok, warn, type Check } from './check.ts'

/** UDP_SEGMENT came with 4.18, UDP_GRO with 5.0, USO on TUN with 6.2. */
export const checkKernel: Check = async ({ probes }) => {
  const release = probes.kernelRelease
  const [major = 0, minor = 0] = release.split('.').map(Number)
  const version = major * 1000 + minor
  if (!(version >= 4018))
    return fail(`Linux ${release}`, 'use Linux 5.10 or newer (UDP_SEGMENT came with 4.18)')
  if (version < 5010)
    return warn(`Linux ${release}`, 'use Linux 5.10 or newer: UDP_GRO and fixes of TUN are missing')
  return ok(`Linux ${release}`)
}

export const checkTunDevice: Check = async ({ config, probes }) => {
  if (config.tunnel.enabled === false) return ok('not used (tunnel.enabled = false)')
  const severity = config.tunnel.enabled === true ? fail : warn
  const code = await probes.openError('/dev/net/tun')
  if (code === undefined) return ok('/dev/net/tun opens')
  if (code === 'ENOENT')
    return severity('/dev/net/tun is missing', 'sudo modprobe tun; in a container: --device /dev/net/tun')
  if (code === 'EACCES' || code === 'EPERM')
    return severity(
      `/dev/net/tun does not open (${code})`,
      'chmod 0666 /dev/net/tun, as udev does by default; in a container or unit, allow the device',
    )
  return severity(`/dev/net/tun does not open (${code})`, 'sudo modprobe tun')
}

const capNetAdmin = 12n

/** CAP_NET_ADMIN makes the interface; it is read from the effective set in /proc/self/status. */
export const checkNetAdmin: Check = async ({ config, probes }) => {
  if (config.tunnel.enabled === false) return ok('not needed (tunnel.enabled = false)')
  const severity = config.tunnel.enabled === true ? fail : warn
  const effective = effectiveCapabilities((await probes.readText('/proc/self/status')) ?? '')
  if (effective !== undefined && (effective & (1n << capNetAdmin)) !== 0n) return ok('CAP_NET_ADMIN is there')
  return severity(
    'CAP_NET_ADMIN is missing: no interface can be made, this node would only relay',
    'run as root, or as a service: x0t node install',
  )
}

/** The effective capability set in the text of /proc/<pid>/status. */
export function effectiveCapabilities(status: string): bigint | undefined {
  const match = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)
  return match === null ? undefined : BigInt(`0x${match[1]}`)
}

export const checkUdpOffload: Check = async ({ probes }) => {
  const offload = await probes.udpOffload()
  if (offload === undefined) return warn('cannot be asked (no native calls)', 'see the check node-ffi')
  const missing = [...(offload.segmentation ? [] : ['UDP_SEGMENT']), ...(offload.receive ? [] : ['UDP_GRO'])]
  if (missing.length === 0) return ok('UDP_SEGMENT and UDP_GRO')
  return warn(`the kernel lacks ${missing.join(' and ')}: throughput falls`, 'use Linux 5.0 or newer')
}

export const checkIpv6: Check = async ({ config, probes }) => {
  if ((await probes.readText('/proc/net/if_inet6')) === undefined)
    return fail('the kernel has no IPv6', 'boot without ipv6.disable=1: the overlay is IPv6')
  for (const name of ['all', 'default']) {
    const value = await probes.readText(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`)
    if (value?.trim() !== '1') continue
    const severity = config.tunnel.enabled === false ? warn : fail
    return severity(
      `IPv6 is off (net.ipv6.conf.${name}.disable_ipv6 = 1)`,
      `sudo sysctl net.ipv6.conf.${name}.disable_ipv6=0`,
    )
  }
  return ok('IPv6 is on')
}
