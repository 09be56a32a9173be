/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Round trips that TCP measures, by peer. Sees connections that begin after it was attached to their cgroup. */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "histogram.h"
#include "peer.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct peer);
	__type(value, struct histogram);
} x0t_rtt_peers SEC(".maps");

SEC("sockops")
int x0t_rtt(struct bpf_sock_ops *ops)
{
	volatile struct bpf_sock_ops *fields = ops;
	struct peer peer;
	struct histogram *histogram;
	__u32 rtt_us, ip4;

	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
		return 1;
	case BPF_SOCK_OPS_RTT_CB:
		break;
	default:
		return 1;
	}
	/* Since 6.9 the kernel hands over the sample itself; before, there is only the smoothed value, times eight. */
	rtt_us = ops->args[0];
	if (!rtt_us)
		rtt_us = ops->srtt_us >> 3;
	/* Read in every case: loads in two branches get merged into one at a computed address, which the verifier refuses. */
	ip4 = fields->remote_ip4;
	peer.ip[0] = fields->remote_ip6[0];
	peer.ip[1] = fields->remote_ip6[1];
	peer.ip[2] = fields->remote_ip6[2];
	peer.ip[3] = fields->remote_ip6[3];
	if (ops->family != AF_INET6)
		peer_of_ipv4(&peer, ip4);
	histogram = bpf_map_lookup_elem(&x0t_rtt_peers, &peer);
	if (!histogram) {
		struct histogram none = {};

		bpf_map_update_elem(&x0t_rtt_peers, &peer, &none, BPF_NOEXIST);
		histogram = bpf_map_lookup_elem(&x0t_rtt_peers, &peer);
	}
	if (histogram)
		histogram_add(histogram, rtt_us);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
