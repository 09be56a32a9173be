/** Every error code of this package: what it means and what to do. */
export const errorCodes = {
  CONTROL_LISTEN_FAILED:
    'the control port cannot be opened: another process has it, or the address is not on this host; choose another with --listen',
  CONTROL_ADDRESS_INVALID: 'an address is not host:port; IPv6 is written [address]:port',
  CONTROL_HOST_KEY_INVALID: 'the host key is not an Ed25519 private key; see x0t key show',
  CONTROL_DIAL_FAILED:
    'no TCP connection to the address; check that the node runs there and that no firewall is between',
  CONTROL_REFUSED:
    'one side refused the other; the reason tells why (banned, expired, other-trust-domain, no-pq-group, …)',
  CONTROL_NOT_CONNECTED: 'the node is not a neighbour at the moment; x0t node peers lists those that are',
  CONTROL_PROTOCOL_UNKNOWN:
    'the neighbour does not speak a protocol: it runs another version, or has no use for it',
  FRAME_INVALID:
    'a neighbour sent a frame that is too long or on an unknown channel; the connection was closed',
  ENROL_UNREACHABLE:
    'no member answered the enrolment request; check the address in the join token and the network',
  ENROL_AUTHORITY_MISMATCH:
    'the server does not belong to the mesh of the join token: its certificates do not end in the pinned authority',
  ENROL_REFUSED:
    'the member did not answer the request: too many requests, or it is refused; wait and try again',
  ENROL_TOO_LARGE: 'an enrolment record is larger than 64 KiB',
} as const
