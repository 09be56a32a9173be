/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Connections of TCP: time until they stand, how many are in which state, and an event when one stands, ends or fails. */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "histogram.h"
#include "packet.h"
#include "peer.h"
#include "tcp.h"

/* Inode of a network namespace (/proc/self/ns/net); 0: all. */
const volatile __u32 connections_netns = 0;

struct connection {
	__u64 began_ns; /* when the first SYN was sent; 0: this side did not ask */
	__u32 state;
	__u32 reserved;
};

struct connection_event {
	__u64 at_ns;
	__u64 connect_us; /* 0: this side did not ask */
	struct peer peer;
	__u16 local_port;
	__u16 remote_port;
	__u8 from; /* states of TCP */
	__u8 to;
	__u16 reserved;
};

/* By address of the socket in the kernel; what does not fit is not counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct connection);
} x0t_connections_open SEC(".maps");

/* Sockets by state, of those that changed state since the program was attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TCP_STATES);
	__type(key, __u32);
	__type(value, __u64);
} x0t_tcp_sessions SEC(".maps");

/* Microseconds from the first SYN to the answer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} x0t_tcp_connect SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} x0t_connection_events SEC(".maps");

/* Ring buffers have no type of value: this keeps that of the events in the BTF, where readers find it. */
struct connection_event *unused_connection_event __attribute__((unused));

static __always_inline void count(__u32 state, __s64 change)
{
	__u64 *sessions = bpf_map_lookup_elem(&x0t_tcp_sessions, &state);

	if (sessions)
		__sync_fetch_and_add(sessions, change);
}

static __always_inline void tell(struct sock *sk, __u64 now, __u64 connect_us, int from, int to)
{
	struct connection_event *event = bpf_ringbuf_reserve(&x0t_connection_events, sizeof(*event), 0);

	if (!event)
		return;
	event->at_ns = now;
	event->connect_us = connect_us;
	peer_of_socket(&event->peer, sk);
	event->local_port = sk->__sk_common.skc_num;
	event->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	event->from = from;
	event->to = to;
	event->reserved = 0;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(x0t_connection, struct sock *sk, int from, int to)
{
	__u64 id = (__u64)sk, now, connect_us = 0;
	__u32 zero = 0;
	struct connection *known;
	struct histogram *histogram;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (connections_netns && sk->__sk_common.skc_net.net->ns.inum != connections_netns)
		return 0;
	now = bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&x0t_connections_open, &id);
	if (known && to == TCP_ESTABLISHED && known->state == TCP_SYN_SENT) {
		connect_us = (now - known->began_ns) / 1000;
		histogram = bpf_map_lookup_elem(&x0t_tcp_connect, &zero);
		if (histogram)
			histogram_add(histogram, connect_us);
	}
	if (to == TCP_ESTABLISHED || (to == TCP_CLOSE && from != TCP_LISTEN))
		tell(sk, now, connect_us, from, to);

	if (known)
		count(known->state, -1);
	if (to == TCP_CLOSE) {
		bpf_map_delete_elem(&x0t_connections_open, &id);
		return 0;
	}
	if (known) {
		known->state = to;
		if (to == TCP_SYN_SENT)
			known->began_ns = now;
	} else {
		struct connection fresh = { .began_ns = to == TCP_SYN_SENT ? now : 0, .state = to };

		if (bpf_map_update_elem(&x0t_connections_open, &id, &fresh, BPF_NOEXIST))
			return 0;
	}
	count(to, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
