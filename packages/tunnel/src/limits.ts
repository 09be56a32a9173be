/** Bounds of the data plane; memory is reserved for them at the start. */
export const maxLinks = 512
export const maxPeers = 2048
export const maxSessions = 4096
export const maxRoutes = 4096
/** Longest sealed unit: what its 16-bit length field and one UDP burst can hold. */
export const maxUnitBytes = 65_535
/** Most fragments of a unit, parity included: the index has 8 bits, and older kernels cut a burst at 64. */
export const maxFragments = 255
/** Smallest path that is used, as UDP payload: IPv6's 1,280 minus IPv6 and UDP header. */
export const minDatagramBytes = 1232
/** Largest: a jumbo frame. Larger loopback paths gain nothing. */
export const maxDatagramBytes = 8952
/** Parity bytes a unit may carry beside its data. */
export const maxParityBytes = 16_384
/** Units in reassembly at once, over all sessions. */
export const maxUnitsInReassembly = 96
/** Packets of one SA after which a new one is asked for, and after which it stops sending. */
export const rekeyAfterUnits = 2 ** 31
export const stopAfterUnits = 2 ** 32
/** Hop limit at the source. */
export const initialHopLimit = 255
