/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  TUN_FORBIDDEN:
    'the kernel did not let this process make a TUN device; give node CAP_NET_ADMIN or run as root',
  TUN_UNAVAILABLE:
    'no TUN device could be made: /dev/net/tun is missing, or the name is in use by another process',
  TUN_SETUP_FAILED: 'the TUN device is there, but its address or route was refused; the cause says why',
  UDP_UNAVAILABLE: 'the UDP port of the data plane could not be opened; most often another process has it',
  FAST_PATH_FORBIDDEN:
    'the kernel does not let this process load programs; run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON',
  FAST_PATH_NO_BPFFS: 'there is no BPF file system and it cannot be mounted: mount -t bpf bpf /sys/fs/bpf',
  FAST_PATH_NO_BTF: 'the kernel does not describe its types; it takes one built with CONFIG_DEBUG_INFO_BTF',
  FAST_PATH_NO_PACER:
    "the clock of the kernel's probes could not be made; it takes iproute2, veth and the token bucket filter",
  FAST_PATH_XDP_TAKEN:
    'an XDP program of somebody else is attached to every interface; the hint says how to look',
  FAST_PATH_MUTE:
    'an interface sends no frames for XDP, so what would leave there is forwarded in userspace; the hint says what to do',
  FAST_PATH_REFUSED: 'the kernel refused the program; x0t bpf doctor tells what it can do',
  FAST_PATH_FAILED: 'the fast path could not be started; the message says why',
  DATA_PLANE_FULL: 'more neighbours, peers or sessions than the data plane has room for',
  DATA_PLANE_FAILED: 'a worker of the data plane stopped; the message says why',
} as const
