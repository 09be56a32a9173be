/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Guard of the handshake port: a post-quantum handshake costs the one who answers far more than the one who asks, so
 * that strangers are limited before a socket sees them. Peers of the allow-list pass always.
 */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "chain.h"
#include "guard.h"
#include "packet.h"
#include "peer.h"

/* TCP and UDP port that is guarded; 0: every packet of IP is. */
const volatile __u16 guard_port = 0;
/*
 * Whether UDP is guarded too. A node takes no handshakes there: what comes is checked by a tag, which costs less than
 * this, and its neighbours' tunnel would be limited with the strangers.
 */
const volatile bool guard_udp = true;
/* Drops all that does not come from the allow-list. */
const volatile bool guard_allowed_only = false;
/* Packets a second, and how many at once, of one source: an IPv4 address, or the /64 of an IPv6 address. 0: no limit. */
const volatile __u32 guard_source_rate = 50;
const volatile __u32 guard_source_burst = 100;
/* The same of all sources together that are not on the allow-list. */
const volatile __u32 guard_total_rate = 2000;
const volatile __u32 guard_total_burst = 2000;

#define NS_PER_SECOND 1000000000ULL
#define MAX_EXTENSION_HEADERS 4
#define ND_FIRST 133 /* router solicitation */
#define ND_LAST 137  /* redirect */
#define TCP_FLAGS_OFFSET 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct guard_prefix4);
	__type(value, __u64);
} x0t_guard_allow4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct guard_prefix6);
	__type(value, __u64);
} x0t_guard_allow6 SEC(".maps");

/* Source -> earliest time at which its bucket is full again, ns. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct peer);
	__type(value, __u64);
} x0t_guard_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} x0t_guard_total SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_VERDICTS);
	__type(key, __u32);
	__type(value, __u64);
} x0t_guard_packets SEC(".maps");

/*
 * Token bucket as the generic cell rate algorithm (ITU-T I.371): one word, so that processors need no lock. A packet
 * moves the time at which the bucket is full again on by 1/rate; it conforms if that is at most burst/rate ahead.
 */
static __always_inline bool conforms(__u64 *full_at, __u64 now, __u32 rate, __u32 burst)
{
	__u64 interval = NS_PER_SECOND / rate;

	for (int attempt = 0; attempt < 4; attempt++) {
		__u64 before = *(volatile __u64 *)full_at;
		__u64 after = (before > now ? before : now) + interval;

		if (after - now > interval * burst)
			return false;
		if (__sync_val_compare_and_swap(full_at, before, after) == before)
			return true;
	}
	return false;
}

static __always_inline enum guard_verdict limit(const struct peer *source)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 zero = 0;
	__u64 *full_at;

	if (guard_allowed_only)
		return GUARD_DENIED;
	if (guard_source_rate) {
		full_at = bpf_map_lookup_elem(&x0t_guard_sources, source);
		if (!full_at) {
			bpf_map_update_elem(&x0t_guard_sources, source, &now, BPF_NOEXIST);
			full_at = bpf_map_lookup_elem(&x0t_guard_sources, source);
		}
		if (full_at && !conforms(full_at, now, guard_source_rate, guard_source_burst))
			return GUARD_LIMITED_SOURCE;
	}
	full_at = bpf_map_lookup_elem(&x0t_guard_total, &zero);
	if (full_at && guard_total_rate && !conforms(full_at, now, guard_total_rate, guard_total_burst))
		return GUARD_LIMITED_TOTAL;
	return GUARD_PASSED;
}

/*
 * Whether a packet asks something of the guarded port: all of UDP (unless guard_udp is false), of TCP what opens a connection. A fragment without
 * ports counts, lest the guard be passed in pieces. Negative if the header is cut short.
 */
static __always_inline int is_guarded(void *transport, void *end, __u8 protocol, bool later_fragment)
{
	__be16 *port = transport + 2;
	__u8 *flags = transport + TCP_FLAGS_OFFSET;

	if (!guard_udp && protocol == IPPROTO_UDP)
		return 0;
	if (!guard_port || later_fragment)
		return 1;
	if (protocol != IPPROTO_UDP && protocol != IPPROTO_TCP)
		return 0;
	if ((void *)(port + 1) > end)
		return -1;
	if (*port != bpf_htons(guard_port))
		return 0;
	if (protocol == IPPROTO_UDP)
		return 1;
	if ((void *)(flags + 1) > end)
		return -1;
	return (*flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline enum guard_verdict judge_ipv4(void *at, void *end)
{
	struct iphdr *ip = at;
	struct guard_prefix4 prefix = { .prefix_bits = 32 };
	struct peer source;
	__u64 *packets;
	__u32 header_bytes;
	int guarded;

	if ((void *)(ip + 1) > end)
		return GUARD_MALFORMED;
	header_bytes = (ip->version_ihl & 15) * 4;
	if (header_bytes < sizeof(*ip) || at + header_bytes > end)
		return GUARD_MALFORMED;
	guarded = is_guarded(at + header_bytes, end, ip->protocol, ip->frag_off & bpf_htons(IP_OFFSET_MASK));
	if (guarded <= 0)
		return guarded ? GUARD_MALFORMED : GUARD_UNGUARDED;
	prefix.ip = ip->saddr;
	packets = bpf_map_lookup_elem(&x0t_guard_allow4, &prefix);
	if (packets) {
		__sync_fetch_and_add(packets, 1);
		return GUARD_ALLOWED;
	}
	peer_of_ipv4(&source, ip->saddr);
	return limit(&source);
}

static __always_inline enum guard_verdict judge_ipv6(void *at, void *end)
{
	struct ipv6hdr *ip = at;
	struct guard_prefix6 prefix = { .prefix_bits = 128 };
	struct peer source;
	bool later_fragment = false;
	__u64 *packets;
	__u8 protocol;
	int guarded;

	if ((void *)(ip + 1) > end)
		return GUARD_MALFORMED;
	protocol = ip->nexthdr;
	at += sizeof(*ip);
	/* Without neighbour discovery nobody on the link is reached; it comes from the link only (RFC 4861, hop limit 255). */
	if (protocol == IPPROTO_ICMPV6 && ip->hop_limit == 255 && at + 1 <= end && *(__u8 *)at >= ND_FIRST && *(__u8 *)at <= ND_LAST)
		return GUARD_UNGUARDED;
	for (int header = 0; header < MAX_EXTENSION_HEADERS; header++) {
		__u8 *extension = at;

		if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_ROUTING && protocol != IPPROTO_DSTOPTS &&
		    protocol != IPPROTO_FRAGMENT)
			break;
		if (at + 8 > end)
			return GUARD_MALFORMED;
		if (protocol == IPPROTO_FRAGMENT) {
			later_fragment = later_fragment || *(__be16 *)(at + 2) & bpf_htons(0xfff8);
			at += 8;
		} else {
			at += (extension[1] + 1) * 8;
		}
		protocol = extension[0];
		if (later_fragment)
			break;
	}
	/* More extension headers than anybody needs would hide the port: such a packet counts as one for it. */
	later_fragment = later_fragment || protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
			 protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT;
	guarded = is_guarded(at, end, protocol, later_fragment);
	if (guarded <= 0)
		return guarded ? GUARD_MALFORMED : GUARD_UNGUARDED;
	peer_of_ipv6((struct peer *)prefix.ip, ip->saddr);
	packets = bpf_map_lookup_elem(&x0t_guard_allow6, &prefix);
	if (packets) {
		__sync_fetch_and_add(packets, 1);
		return GUARD_ALLOWED;
	}
	source.ip[0] = ip->saddr[0];
	source.ip[1] = ip->saddr[1];
	source.ip[2] = 0;
	source.ip[3] = 0;
	return limit(&source);
}

static __always_inline enum guard_verdict judge(void *data, void *end)
{
	void *at = data + sizeof(struct ethhdr);
	__be16 protocol;

	if (at > end)
		return GUARD_MALFORMED;
	protocol = ((struct ethhdr *)data)->h_proto;
#pragma unroll
	for (int tag = 0; tag < 2; tag++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (at + sizeof(struct vlan_hdr) > end)
			return GUARD_MALFORMED;
		protocol = ((struct vlan_hdr *)at)->h_vlan_encapsulated_proto;
		at += sizeof(struct vlan_hdr);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return judge_ipv4(at, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return judge_ipv6(at, end);
	return GUARD_UNGUARDED;
}

SEC("xdp")
int x0t_guard(struct xdp_md *xdp)
{
	__u32 verdict = judge((void *)(long)xdp->data, (void *)(long)xdp->data_end);
	__u64 *packets = bpf_map_lookup_elem(&x0t_guard_packets, &verdict);

	if (packets)
		*packets += 1;
	return chain_next(xdp, verdict <= GUARD_PASSED ? XDP_PASS : XDP_DROP);
}

char LICENSE[] SEC("license") = "GPL";
