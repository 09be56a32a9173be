/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Faults: a cable between two interfaces that can be cut, and injectors that drop packets at one interface. */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "fault.h"
#include "packet.h"

#define X0T_DATA 0x10
#define X0T_PROBE 0x11
#define X0T_KERNEL_PROBE 0x15
#define X0T_KERNEL_REPLY 0x16
#define X0T_LABEL_OFFSET 16

#define ND_FIRST 133 /* router solicitation */
#define ND_LAST 137  /* redirect */

const volatile __u32 fault_slot = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FAULT_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fault_injector);
} fault_injectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FAULT_MAX_CABLES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fault_cable);
} fault_switch SEC(".maps");

struct traits {
	bool ip;
	bool neighbour_discovery;
	__u8 type;   /* first byte of an UDP payload, 0 if there is none */
	__be16 source, dest;
	__u64 label;
};

/* The payload need not lie in the linear part of a packet: copying helpers reach it wherever it is. */
static __always_inline long load(void *ctx, const bool xdp, __u32 offset, void *to, const __u32 bytes)
{
	return xdp ? bpf_xdp_load_bytes(ctx, offset, to, bytes) : bpf_skb_load_bytes(ctx, offset, to, bytes);
}

static __always_inline void read_udp(void *ctx, const bool xdp, __u32 offset, struct traits *traits)
{
	struct udphdr udp;

	if (load(ctx, xdp, offset, &udp, sizeof(udp)))
		return;
	if (load(ctx, xdp, offset + sizeof(udp), &traits->type, 1))
		return;
	traits->source = udp.source;
	traits->dest = udp.dest;
	if (traits->type == X0T_DATA && load(ctx, xdp, offset + sizeof(udp) + X0T_LABEL_OFFSET, &traits->label, 8))
		traits->type = 0;
}

static __always_inline void read_traits(void *ctx, const bool xdp, struct traits *traits)
{
	__u32 offset = sizeof(struct ethhdr);
	__be16 protocol;

	if (load(ctx, xdp, 12, &protocol, 2))
		return;
#pragma unroll
	for (int tag = 0; tag < 2; tag++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (load(ctx, xdp, offset + 2, &protocol, 2))
			return;
		offset += sizeof(struct vlan_hdr);
	}
	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (load(ctx, xdp, offset, &ip, sizeof(ip)))
			return;
		traits->ip = true;
		if (ip.protocol == IPPROTO_UDP && !(ip.frag_off & bpf_htons(IP_OFFSET_MASK)))
			read_udp(ctx, xdp, offset + (ip.version_ihl & 15) * 4, traits);
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;
		__u8 type;

		if (load(ctx, xdp, offset, &ip, sizeof(ip)))
			return;
		traits->ip = true;
		offset += sizeof(ip);
		if (ip.nexthdr == IPPROTO_UDP)
			read_udp(ctx, xdp, offset, traits);
		else if (ip.nexthdr == IPPROTO_ICMPV6 && !load(ctx, xdp, offset, &type, 1))
			traits->neighbour_discovery = type >= ND_FIRST && type <= ND_LAST;
	}
}

static __always_inline bool matches(const struct fault_injector *fault, const struct traits *traits)
{
	if (fault->match == FAULT_MATCH_ALL)
		return fault->mode == FAULT_ALL || (traits->ip && !traits->neighbour_discovery);
	if (fault->port && fault->port != traits->source && fault->port != traits->dest)
		return false;
	if (fault->match == FAULT_MATCH_PROBES)
		return traits->type == X0T_PROBE || traits->type == X0T_KERNEL_PROBE || traits->type == X0T_KERNEL_REPLY;
	if (fault->match == FAULT_MATCH_FORWARDED)
		return traits->type == X0T_DATA && traits->label != fault->label;
	return false;
}

/* Evenly distributed over [0, 10000). Marsaglia's xorshift64 (2003), triple 13, 7, 17. */
static __always_inline __u32 draw(struct fault_injector *fault)
{
	__u64 x = fault->random;
	__u32 high;

	if (x) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		fault->random = x;
		high = x >> 32;
	} else {
		high = bpf_get_prandom_u32();
	}
	return ((__u64)high * 10000) >> 32;
}

static __always_inline bool decide(struct fault_injector *fault)
{
	switch (fault->mode) {
	case FAULT_ALL:
		return true;
	case FAULT_SHARE:
		return draw(fault) < fault->share;
	case FAULT_BURST:
		if (draw(fault) < (fault->bad ? fault->bad_to_good : fault->good_to_bad))
			fault->bad = !fault->bad;
		return draw(fault) < (fault->bad ? fault->bad_share : fault->good_share);
	}
	return false;
}

static __always_inline bool drops(void *ctx, const bool xdp, struct fault_injector *fault, __u32 bytes)
{
	struct traits traits = {};

	__sync_fetch_and_add(&fault->seen, 1);
	if (fault->mode == FAULT_OFF)
		return false;
	read_traits(ctx, xdp, &traits);
	if (!matches(fault, &traits))
		return false;
	__sync_fetch_and_add(&fault->matched, 1);
	if (!decide(fault))
		return false;
	__sync_fetch_and_add(&fault->dropped, 1);
	__sync_fetch_and_add(&fault->dropped_bytes, bytes);
	return true;
}

static __always_inline struct fault_injector *injector_of(__u32 ifindex)
{
	__u32 slot = fault_slot == FAULT_SLOT_BY_IFINDEX ? ifindex : fault_slot;

	return bpf_map_lookup_elem(&fault_injectors, &slot);
}

SEC("tc")
int x0t_fault_cable(struct __sk_buff *skb)
{
	__u32 index = (skb->ifindex - 2) / 2;
	__u32 side = skb->ifindex & 1;
	struct fault_cable *cable = bpf_map_lookup_elem(&fault_switch, &index);
	__u32 share;

	if (!cable)
		return TCX_NEXT;
	share = *(volatile __u64 *)&cable->drop >> (side ? 32 : 0);
	if (share && (share == FAULT_DROP_ALL || bpf_get_prandom_u32() < share)) {
		__sync_fetch_and_add(&cable->dropped[side], 1);
		return TCX_DROP;
	}
	__sync_fetch_and_add(&cable->passed[side], 1);
	if (skb->len >= FAULT_LARGE_BYTES)
		__sync_fetch_and_add(&cable->large_bytes[side], skb->len);
	return bpf_redirect(skb->ifindex ^ 1, 0);
}

SEC("tc")
int x0t_fault_tc(struct __sk_buff *skb)
{
	struct fault_injector *fault = injector_of(skb->ifindex);

	if (!fault)
		return TCX_NEXT;
	if (drops(skb, false, fault, skb->len))
		return TCX_DROP;
	return fault->redirect_ifindex ? bpf_redirect(fault->redirect_ifindex, 0) : TCX_NEXT;
}

SEC("xdp")
int x0t_fault_xdp(struct xdp_md *xdp)
{
	struct fault_injector *fault = injector_of(xdp->ingress_ifindex);

	if (!fault)
		return XDP_PASS;
	return drops(xdp, true, fault, bpf_xdp_get_buff_len(xdp)) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
