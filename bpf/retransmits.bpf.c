/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Retransmissions of TCP by peer and by what made them necessary; in segments too, since one call sends many with GSO. */
#include "vmlinux-min.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "peer.h"
#include "tcp.h"

/* Inode of a network namespace (/proc/self/ns/net); 0: all. */
const volatile __u32 retransmits_netns = 0;

enum retransmit_cause {
	RETRANSMIT_OTHER,    /* tail loss probe, MTU probing and the like */
	RETRANSMIT_FAST,     /* duplicate or selective acknowledgements */
	RETRANSMIT_TIMEOUT,
	RETRANSMIT_CONNECT,  /* SYN */
};

struct retransmit_key {
	struct peer peer;
	__u32 cause;
};

struct retransmit_count {
	__u64 calls;
	__u64 segments;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct retransmit_key);
	__type(value, struct retransmit_count);
} x0t_retransmits SEC(".maps");

/* Of all peers: what they add up to does not fall when one is evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct retransmit_count);
} x0t_retransmits_all SEC(".maps");

static __always_inline void add(struct retransmit_count *count, __u64 segments)
{
	if (!count)
		return;
	__sync_fetch_and_add(&count->calls, 1);
	__sync_fetch_and_add(&count->segments, segments);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(x0t_retransmit, struct sock *sk, struct sk_buff *skb)
{
	struct retransmit_key key = { .cause = RETRANSMIT_OTHER };
	struct retransmit_count *count;
	struct tcp_sock *tcp;
	__u64 segments = 1;
	__u32 zero = 0;

	if (retransmits_netns && sk->__sk_common.skc_net.net->ns.inum != retransmits_netns)
		return 0;
	peer_of_socket(&key.peer, sk);
	tcp = bpf_skc_to_tcp_sock(sk);
	if (sk->__sk_common.skc_state == TCP_SYN_SENT) {
		key.cause = RETRANSMIT_CONNECT;
	} else if (tcp) {
		__u32 mss = tcp->mss_cache;
		__u8 state = congestion_state(tcp);

		if (mss && skb->len > mss)
			segments = (skb->len + mss - 1) / mss;
		if (state == TCP_CA_RECOVERY)
			key.cause = RETRANSMIT_FAST;
		else if (state == TCP_CA_LOSS)
			key.cause = RETRANSMIT_TIMEOUT;
	}
	count = bpf_map_lookup_elem(&x0t_retransmits, &key);
	if (!count) {
		struct retransmit_count none = {};

		bpf_map_update_elem(&x0t_retransmits, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&x0t_retransmits, &key);
	}
	add(count, segments);
	add(bpf_map_lookup_elem(&x0t_retransmits_all, &zero), segments);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
