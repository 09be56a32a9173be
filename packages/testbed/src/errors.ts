/** Error codes of the testbed: what each means and what to do. */
export const errorCodes = {
  TESTBED_NEEDS_ROOT:
    'Network namespaces need root (CAP_NET_ADMIN and CAP_SYS_ADMIN). Run the command with sudo.',
  TESTBED_TOOL_MISSING:
    'A program the testbed calls is not installed; the message names it and its Debian package.',
  TESTBED_NAME_INVALID: 'Names of beds and hosts are short: lower-case letters and digits, a letter first.',
  TESTBED_SHAPE_INVALID: 'The named shape is unknown; there are pair, line:N, diamond, ring:N, grid:WxH.',
  TESTBED_TOPOLOGY_INVALID: 'The topology file does not describe hosts and links; the message says where.',
  TESTBED_EXISTS: 'A testbed of this name is there already. Use another --bed, or x0t testbed down first.',
  TESTBED_NAMESPACE_EXISTS:
    'A network namespace of this name exists and belongs to no testbed: remove it or use another --bed.',
  TESTBED_NOT_FOUND: 'There is no testbed of this name; x0t testbed status --all lists those there are.',
  TESTBED_AMBIGUOUS: 'Several testbeds are up: name one with --bed.',
  TESTBED_MANIFEST_BROKEN:
    'The record of a testbed cannot be read. Its namespaces start with x0t-<bed>-: ip netns list.',
  TESTBED_HOST_UNKNOWN: 'The testbed has no such host; x0t testbed status lists them.',
  TESTBED_LINK_UNKNOWN: 'The testbed has no link between these hosts; x0t testbed status lists them.',
  TESTBED_FAULT_INVALID: 'The fault is not written as expected, such as link:a-b loss=10% or node:a crash.',
  TESTBED_FAULT_INEFFECTIVE: 'The fault was injected but is not to be seen; nothing was left changed.',
  TESTBED_FAULT_UNPREPARED:
    'The hosts were not started in a way that lets this fault be injected; the hint says how to start them.',
  TESTBED_NO_NETEM: 'Latency needs a kernel with the netem queueing discipline, or with TAP devices and nft.',
  TESTBED_CABLES_UNAVAILABLE:
    'The cables of --cables bpf cannot be made here; the message says why. --cables veth needs no program in the kernel.',
  TESTBED_HOST_NOT_RUNNING: 'The program of this host is not running, so it cannot be crashed or frozen.',
  TESTBED_HOST_START_FAILED: 'The program of a host did not come up; the message and its log say why.',
  TESTBED_COMMAND_FAILED: 'A system command of the testbed failed; the message holds what it printed.',
  TESTBED_PROCESS_STUCK: 'A process of the testbed did not end after SIGKILL: it hangs in the kernel.',
} as const

/** One of {@link errorCodes}. */
export type TestbedErrorCode = keyof typeof errorCodes
