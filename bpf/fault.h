/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What fault.bpf.c shares with the testbed (cables with a fault switch) and with others who inject faults (injectors).
 *
 * A cable joins two interfaces of one network namespace, its sides. Their indexes differ in the lowest bit only: side 0
 * has 2 * cable + 2, side 1 has 2 * cable + 3 (1 is the loopback). The tcx program `x0t_fault_cable` is attached to
 * the ingress of both: what comes in on a side leaves by the other one (bpf_redirect to ifindex ^ 1, so that GSO and
 * partial checksums survive), unless the switch takes it. Everything passes: ARP and IPv6 as well.
 */
#ifndef X0T_FAULT_H
#define X0T_FAULT_H

#define FAULT_MAX_CABLES 4096
#define FAULT_DROP_ALL 0xffffffffU
#define FAULT_LARGE_BYTES 512

/* fault_switch, ARRAY of FAULT_MAX_CABLES by number of the cable, mmapable. */
struct fault_cable {
	/*
	 * Share of the packets that is dropped, of 2^32: the low half for what comes in on side 0, the high half for side 1.
	 * 0 passes all, FAULT_DROP_ALL drops all without drawing lots. One aligned store of 8 bytes switches both directions at
	 * once, from the next packet on.
	 */
	__u64 drop;
	/* Written by the kernel, by the side on which the packet came in; a GSO buffer counts as one. */
	__u64 passed[2];
	__u64 dropped[2];
	/* Bytes of the frames of FAULT_LARGE_BYTES or more that passed: of data rather than of probes. */
	__u64 large_bytes[2];
	__u64 reserved;
};

/*
 * Injectors: `x0t_fault_tc` (ingress or egress) and `x0t_fault_xdp` drop what their slot of `fault_injectors` says and
 * leave the rest to the next program, `x0t_fault_cable` for one.
 */
#define FAULT_SLOTS 256
/* Value of the global `fault_slot`: the slot is the index of the interface. */
#define FAULT_SLOT_BY_IFINDEX 0xffffffff

enum fault_mode {
	FAULT_OFF = 0,
	/* Drops everything that matches; with FAULT_MATCH_ALL also ARP and all else that is not IP. */
	FAULT_ALL = 1,
	/* Drops `share` of what matches. */
	FAULT_SHARE = 2,
	/* Gilbert-Elliott: good and bad spells, each with a share of its own. */
	FAULT_BURST = 3,
};

enum fault_match {
	/* Every IP packet. In the modes SHARE and BURST neighbour discovery is spared. */
	FAULT_MATCH_ALL = 0,
	/* Probes of x0t: UDP payload that begins with 0x11, 0x15 or 0x16. */
	FAULT_MATCH_PROBES = 1,
	/* Data of x0t (0x10) that is for another node than `label`: what the node behind this interface would forward. */
	FAULT_MATCH_FORWARDED = 2,
};

/* fault_injectors, ARRAY of FAULT_SLOTS, mmapable. Shares are in 1/10,000. */
struct fault_injector {
	/* Written by whoever injects faults; a store takes effect on the next packet. */
	__u32 mode;
	__u32 match;
	__u32 share;
	__u32 good_share;
	__u32 bad_share;
	__u32 good_to_bad;      /* chance of a packet to begin a bad spell, or to end it */
	__u32 bad_to_good;
	__u32 redirect_ifindex; /* tcx only: what is not dropped leaves by this interface; 0: to the next program */
	__u64 label;            /* see FAULT_MATCH_FORWARDED; first 8 bytes of a node's id as they lie in a datagram; 0: of nobody */
	__u64 random;           /* state of a xorshift generator: the same seed drops the same packets; 0: the kernel's randomness */
	__u16 port;             /* UDP port of x0t, big endian, for matches of x0t's datagrams; 0: any */
	__u16 reserved;
	/* Written by the program. */
	__u32 bad;              /* a bad spell is on */
	__u64 seen;
	__u64 matched;
	__u64 dropped;
	__u64 dropped_bytes;
	__u64 reserved2[5];
};

#endif
