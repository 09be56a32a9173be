/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fault.bpf.c and the testbed share: cables with a fault switch.
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
	__u64 reserved[3];
};

#endif
