/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Bytes and packets by peer, direction and protocol, as they are on the wire: a buffer of GSO counts as its packets.
 * Counters are exact, and late by FLOW_LATEST_NS at most (flow-pending.h).
 */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
#include "flow-pending.h"

static __always_inline void set_ipv4(struct flow_key *key, const struct iphdr *ip)
{
	peer_of_ipv4(&key->peer, key->direction == FLOW_INGRESS ? ip->saddr : ip->daddr);
	key->protocol = ip->protocol;
}

static __always_inline void set_ipv6(struct flow_key *key, const struct ipv6hdr *ip)
{
	peer_of_ipv6(&key->peer, key->direction == FLOW_INGRESS ? ip->saddr : ip->daddr);
	key->protocol = ip->nexthdr;
}

/*
 * Reads what comes behind an Ethernet header in place, which is quicker. Where the packet might as well begin with IP, as
 * on a device without link header, that is not for the bytes to say: false, as for anything else.
 */
static __always_inline bool read_behind_ethernet(struct __sk_buff *skb, struct flow_key *key)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	void *ip = data + sizeof(struct ethhdr);
	__be16 *protocol = ip - sizeof(*protocol);
	__u8 *version = ip, *version_if_ip = data;

	if (ip + sizeof(struct iphdr) > end || *protocol != skb->protocol)
		return false;
	if (*protocol == bpf_htons(ETH_P_IP) && *version >> 4 == 4 && *version_if_ip >> 4 != 4) {
		set_ipv4(key, ip);
		return true;
	}
	if (*protocol == bpf_htons(ETH_P_IPV6) && ip + sizeof(struct ipv6hdr) <= end && *version >> 4 == 6 &&
	    *version_if_ip >> 4 != 6) {
		set_ipv6(key, ip);
		return true;
	}
	return false;
}

/* Offsets count from the network header, so that devices without link header (TUN) are read alike. */
static __always_inline long load(struct __sk_buff *skb, __u32 offset, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, bytes, 1 /* BPF_HDR_START_NET */);
}

static __noinline int read_anywhere(struct __sk_buff *skb, struct flow_key *key)
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
		set_ipv4(key, &ip);
		return true;
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (load(skb, offset, &ip, sizeof(ip)))
			return false;
		set_ipv6(key, &ip);
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

	if (read_behind_ethernet(skb, &key) || read_anywhere(skb, &key))
		add_pending(&key, packets, bytes);
	else
		add_total(direction, packets, bytes);
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
