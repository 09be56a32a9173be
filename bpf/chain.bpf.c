/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The head of a chain of XDP programs on one interface; chain.h says how programs join in. */
#include "vmlinux-min.h"
#include "chain.h"

/* Number of this copy's chain. */
const volatile __u32 chain_number = 0;

SEC("xdp")
int x0t_chain(struct xdp_md *xdp)
{
	__u32 zero = 0, number = chain_number;
	struct chain_place *place = bpf_map_lookup_elem(&chain_place, &zero);
	__u32 *head = bpf_map_lookup_elem(&chain_heads, &number);

	if (!place || !head)
		return XDP_PASS;
	place->inside = 1;
	place->slot = *head;
	bpf_tail_call(xdp, &chain_programs, *head);
	/* No program is in the chain. */
	place->inside = 0;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
