/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Bytes and packets by peer, direction and protocol, as they are on the wire: a buffer of GSO counts as its packets. */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
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
	__u64 last_seen_ns; /* CLOCK_MONOTONIC, to the timer tick */
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

/* Offsets count from the network header, so that devices without link header (TUN) are read alike. */
static __always_inline long load(struct __sk_buff *skb, __u32 offset, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, bytes, 1 /* BPF_HDR_START_NET */);
}

static __always_inline bool read_key(struct __sk_buff *skb, struct flow_key *key)
{
	__be16 protocol = skb->protocol;
	__u32 offset = 0;

#pragma unroll
	for (int tag = 0; tag < 2; tag++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (load(skb, offset + 2, &protocol, 2))
			return false;
		offset += sizeof(struct vlan_hdr);
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (load(skb, offset, &ip, sizeof(ip)))
			return false;
		peer_of_ipv4(&key->peer, key->direction == FLOW_INGRESS ? ip.saddr : ip.daddr);
		key->protocol = ip.protocol;
		return true;
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (load(skb, offset, &ip, sizeof(ip)))
			return false;
		peer_of_ipv6(&key->peer, key->direction == FLOW_INGRESS ? ip.saddr : ip.daddr);
		key->protocol = ip.nexthdr;
		return true;
	}
	return false;
}

static __always_inline int count(struct __sk_buff *skb, const __u32 direction)
{
	struct flow_key key = { .direction = direction };
	__u64 packets = skb->gso_segs ? skb->gso_segs : 1;
	/* Only on the way out does the kernel know what the headers of GSO's packets will add. */
	__u64 bytes = direction == FLOW_EGRESS && skb->wire_len ? skb->wire_len : skb->len;
	struct flow_traffic *traffic;
	struct flow_total *total = bpf_map_lookup_elem(&x0t_flow_totals, &direction);

	if (total) {
		total->packets += packets;
		total->bytes += bytes;
	}
	if (!read_key(skb, &key))
		return TCX_NEXT;
	traffic = bpf_map_lookup_elem(&x0t_flow_peers, &key);
	if (!traffic) {
		struct flow_traffic none = {};

		bpf_map_update_elem(&x0t_flow_peers, &key, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&x0t_flow_peers, &key);
	}
	if (traffic) {
		traffic->packets += packets;
		traffic->bytes += bytes;
		traffic->last_seen_ns = bpf_ktime_get_coarse_ns();
	}
	return TCX_NEXT;
}

SEC("tc")
int x0t_flow_in(struct __sk_buff *skb)
{
	return count(skb, FLOW_INGRESS);
}

SEC("tc")
int x0t_flow_out(struct __sk_buff *skb)
{
	return count(skb, FLOW_EGRESS);
}

char LICENSE[] SEC("license") = "GPL";
