/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Packets that the kernel drops, by reason. Names of reasons are those of enum skb_drop_reason in the running kernel. */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Inode of a network namespace (/proc/self/ns/net); 0: all. */
const volatile __u32 drops_netns = 0;

struct drop_key {
	__u32 reason;
	__u32 netns;    /* inode of the network namespace; 0: the packet does not tell */
	__u16 protocol; /* EtherType */
	__u16 reserved;
};

struct drop_count {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct drop_key);
	__type(value, struct drop_count);
} x0t_drops SEC(".maps");

/* A packet in a socket's queue keeps other things where its device was: such a pointer reads as zero or nonsense. */
static __always_inline __u32 netns_of(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	struct net_device *dev = skb->dev;

	if (dev) {
		__u32 inode = dev->nd_net.net->ns.inum;

		if (inode)
			return inode;
	}
	return sk ? sk->__sk_common.skc_net.net->ns.inum : 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(x0t_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	struct drop_key key = { .reason = reason };
	struct drop_count *count;

	key.netns = netns_of(skb);
	if (drops_netns && key.netns != drops_netns)
		return 0;
	key.protocol = bpf_ntohs(skb->protocol);
	count = bpf_map_lookup_elem(&x0t_drops, &key);
	if (!count) {
		struct drop_count none = {};

		bpf_map_update_elem(&x0t_drops, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&x0t_drops, &key);
	}
	if (count) {
		count->packets += 1;
		count->bytes += skb->len;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
