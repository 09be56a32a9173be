/**
 * Layout of the maps that the program in the kernel and its owner share, as bpf/fastpath.h gives it: sizes and offsets in
 * bytes. All numbers are in the order of the processor, which is little endian on all that are supported, except those
 * that lie in a datagram as they are.
 */

/** FASTPATH_LAYOUT: maps of another number are not taken over. */
export const layoutNumber = 2
export const maxProbed = 64
export const noIndex = 0xffff

/** struct fastpath_self. */
export const selfField = {
  label: 0,
  validUntilNs: 8,
  layout: 16,
  port: 20,
  probedCount: 22,
  pacerIfindex: 24,
  generation: 28,
  lastTickNs: 32,
  ticks: 40,
  probed: 48,
  longestGapNs: 48 + 2 * maxProbed,
  lateTicks: 56 + 2 * maxProbed,
} as const
export const selfBytes = 64 + 2 * maxProbed

/** struct fastpath_link. */
export const linkField = {
  flags: 0,
  remoteLinkId: 4,
  remotePort: 6,
  remoteIp: 8,
  sendKey: 24,
  receiveKey: 40,
  intervalNs: 56,
  deadlineNs: 64,
  misses: 72,
  neighbour: 76,
  /** From here on the kernel writes. */
  state: 80,
  streak: 84,
  sent: 88,
  answered: 96,
  sentNs: 104,
  replyNs: 112,
  rttNs: 120,
  counter: 128,
  consumed: 136,
  txDatagrams: 144,
  txBytes: 152,
  rxDatagrams: 160,
  rxBytes: 168,
  stalls: 176,
  downs: 184,
  ifindex: 192,
  localMac: 196,
  remoteMac: 202,
  localIp: 208,
} as const
export const linkBytes = 224

export const linkFlag = { used: 1, userAlive: 2, probed: 4, unwatched: 8 } as const
/** What the kernel's own probes say of a link. */
export const kernelState = { unknown: 0, up: 1, down: 2 } as const

/** struct fastpath_window: lock, top, words of 2 × 2,048 bits. */
export const windowBytes = 16 + 2 * (2048 / 8)
/** struct fastpath_neighbour. */
export const neighbourField = { label: 0, slots: 8 } as const
export const neighbourBytes = 16

/** struct fastpath_route. */
export const routeField = {
  nextHop: 0,
  alternate: 2,
  feasibleUs: 4,
  alternateRemaining: 8,
  alternatePlane: 12,
  hasFormer: 13,
  formerIsHeld: 14,
  red: 16,
  blue: 20,
  formerRed: 24,
  formerBlue: 28,
} as const
export const routeBytes = 32

/** enum fastpath_counter, in its order. */
export const counterNames = [
  'forwarded',
  'toRepair',
  'toTree',
  'toSilent',
  'toUserspace',
  'probesAnswered',
  'replies',
  'droppedTooShort',
  'droppedBadTag',
  'droppedReplay',
  'droppedHopLimit',
  'droppedLoop',
  'redirectFailed',
] as const
export type KernelCounter = (typeof counterNames)[number]
