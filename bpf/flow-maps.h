/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What of flows is read from outside: counters by peer, direction and protocol, and of all packets. */
#ifndef X0T_FLOW_MAPS_H
#define X0T_FLOW_MAPS_H

#include "peer.h"

enum flow_direction {
	FLOW_INGRESS,
	FLOW_EGRESS,
	FLOW_DIRECTIONS,
};

struct flow_key {
	struct peer peer;
	__u8 direction;
	__u8 protocol; /* of IP; for IPv6 the first next header */
	__u16 reserved;
};

struct flow_traffic {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen_ns; /* CLOCK_MONOTONIC, when it was written here */
};

struct flow_total {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct flow_key);
	__type(value, struct flow_traffic);
} x0t_flow_peers SEC(".maps");

/* By direction, of all packets: what peers add up to does not fall when an idle peer is evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOW_DIRECTIONS);
	__type(key, __u32);
	__type(value, struct flow_total);
} x0t_flow_totals SEC(".maps");

static __always_inline void add_total(__u32 direction, __u64 packets, __u64 bytes)
{
	struct flow_total *total = bpf_map_lookup_elem(&x0t_flow_totals, &direction);

	if (!total)
		return;
	total->packets += packets;
	total->bytes += bytes;
}

#endif
