/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Several XDP programs on one interface, one after the other, by tail calls.
 *
 * x0t_chain (chain.bpf.c) is what is attached to the interface, one copy of it for each; the programs of the chain stand
 * in chain_programs from chain_heads[chain] on, in the order of their priority. A program joins in by including this
 * header, being loaded with the maps below in place of its own, and ending with
 *
 *	return chain_next(xdp, verdict);
 *
 * which goes on to the next program where the slot's `proceed_on` has the bit of the verdict. Attached by itself, or the
 * last of its chain, it returns the verdict. A chain has two banks of slots: a new order is written into the bank that is
 * not in use, and chain_heads is then switched over, so that every packet meets either the old order or the new one.
 */
#ifndef X0T_CHAIN_H
#define X0T_CHAIN_H

#include <bpf/bpf_helpers.h>

#define CHAIN_MAX 32       /* interfaces */
#define CHAIN_BANK_SLOTS 16 /* the last stays free: it ends the chain */
#define CHAIN_SLOTS (CHAIN_MAX * 2 * CHAIN_BANK_SLOTS)

struct chain_slot {
	__u32 proceed_on; /* bit n: after verdict n the next program runs */
	__u32 priority;   /* for people; the order is that of the slots */
};

/* Where the packet in hand is. Left 0 by the last program, so that one attached by itself finds no chain. */
struct chain_place {
	__u32 inside;
	__u32 slot;
};

/* First slot of the bank in use, by chain. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CHAIN_MAX);
	__type(key, __u32);
	__type(value, __u32);
} chain_heads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CHAIN_SLOTS);
	__type(key, __u32);
	__type(value, struct chain_slot);
} chain_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CHAIN_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} chain_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chain_place);
} chain_place SEC(".maps");

static __always_inline int chain_next(struct xdp_md *xdp, int verdict)
{
	__u32 zero = 0;
	struct chain_place *place = bpf_map_lookup_elem(&chain_place, &zero);
	struct chain_slot *slot;

	if (!place || !place->inside)
		return verdict;
	zero = place->slot;
	slot = bpf_map_lookup_elem(&chain_slots, &zero);
	if (slot && verdict >= 0 && verdict < 32 && slot->proceed_on & (1U << verdict)) {
		place->slot++;
		bpf_tail_call(xdp, &chain_programs, place->slot);
		/* The slot is empty: this was the last program. */
	}
	place->inside = 0;
	return verdict;
}

#endif
