/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  TUN_FORBIDDEN:
    'the kernel did not let this process make a TUN device; give node CAP_NET_ADMIN or run as root',
  TUN_UNAVAILABLE:
    'no TUN device could be made: /dev/net/tun is missing, or the name is in use by another process',
  TUN_SETUP_FAILED: 'the TUN device is there, but its address or route was refused; the cause says why',
  UDP_UNAVAILABLE: 'the UDP port of the data plane could not be opened; most often another process has it',
  DATA_PLANE_FULL: 'more neighbours, peers or sessions than the data plane has room for',
  DATA_PLANE_FAILED: 'a worker of the data plane stopped; the message says why',
} as const
