/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The fast path: forwards the tunnel's datagrams at relays, answers the probes of other kernels, and sends and judges its
 * own, all without the daemon, for as long as that says so (`valid_until_ns`). What it cannot do it leaves to the daemon,
 * unchanged. The contract is fastpath.h.
 */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "chain.h"
#include "packet.h"
#include "fastpath.h"
#include "siphash.h"
#include "internet-checksum.h"
#include "fastpath-maps.h"
#include "fastpath-datagram.h"
#include "fastpath-window.h"
#include "fastpath-liveness.h"
#include "fastpath-planes.h"
#include "fastpath-packet.h"
#include "fastpath-metronome.h"

/*
 * Drops what bears the id of a link but was not made by the neighbour. Only where the link's own address is meant: the port
 * may be that of somebody else to whom this machine is a router, and then the stack is to decide.
 */
static __always_inline int reject(const struct packet *packet, const struct fastpath_link *link, __u32 counter)
{
	if (!link->ifindex || !is_same_address(&packet->target, link->local_ip))
		return XDP_PASS;
	count(counter);
	return XDP_DROP;
}

static __always_inline int drop(__u32 counter)
{
	count(counter);
	return XDP_DROP;
}

static __always_inline int to_userspace(void)
{
	count(COUNTER_TO_USERSPACE);
	return XDP_PASS;
}

/* A valid datagram that the daemon will not see. */
static __always_inline void count_received(struct fastpath_link *link, const struct packet *packet, __u64 number)
{
	__sync_fetch_and_add(&link->rx_datagrams, 1);
	__sync_fetch_and_add(&link->rx_bytes, packet->datagram_bytes);
	if (number < KERNEL_COUNTER_BASE)
		__sync_fetch_and_add(&link->consumed, 1);
}

static __always_inline void count_sent(struct fastpath_link *link, __u32 bytes)
{
	__sync_fetch_and_add(&link->tx_datagrams, 1);
	__sync_fetch_and_add(&link->tx_bytes, bytes);
}

/* Where the neighbour is, from the newest of its probes, if it came from where the daemon expects it. */
static __always_inline void learn(struct fastpath_link *link, const struct packet *packet, __u32 ifindex)
{
	if (!is_same_address(&packet->source, link->remote_ip) || packet->source_port != link->remote_port)
		return;
	copy_address(link->local_ip, &packet->target);
	copy_mac(link->local_mac, packet->target_mac);
	copy_mac(link->remote_mac, packet->source_mac);
	link->ifindex = ifindex;
}

static __always_inline int forward(struct xdp_md *ctx, struct packet *packet, struct fastpath_link *from, __u64 number,
				   const struct fastpath_self *self, __u64 now)
{
	__u32 plane_word = header_plane_word(packet->header);
	__u8 hop_limit = header_hop_limit(packet->header);
	struct fastpath_route *route;
	struct fastpath_link *link;
	struct destination to;
	struct hop hop = {};
	__u64 before;
	int refusal;

	if (hop_limit <= 1) {
		count_received(from, packet, number);
		return drop(COUNTER_DROPPED_HOP_LIMIT);
	}
	route = bpf_map_lookup_elem(&fastpath_routes, &packet->header[2]);
	if (!route)
		return to_userspace();
	refusal = next_hop(&hop, route, plane_word, from->neighbour, now);
	if (refusal == HOP_LOOP) {
		count_received(from, packet, number);
		return drop(COUNTER_DROPPED_LOOP);
	}
	if (refusal != HOP_FOUND)
		return to_userspace();
	link = find_link(hop.slot);
	if (!link || !set_destination(&to, link, self) || is_mute(to.ifindex))
		return to_userspace();
	if (!make_room(ctx, packet, &to))
		return to_userspace();
	count_received(from, packet, number);
	count(COUNTER_FORWARDED);
	if (hop.is_silent)
		count(COUNTER_TO_SILENT);
	if (hop.plane != plane_word >> 30)
		count(hop.plane == PLANE_REPAIR ? COUNTER_TO_REPAIR : COUNTER_TO_TREE);
	before = sum_before(packet);
	packet->header[0] = first_word(TYPE_DATA, hop_limit - 1, link->remote_link_id,
				       hop.plane << 30 | (hop.remaining & MAX_REMAINING));
	number_and_tag(packet->header, link);
	count_sent(link, packet->datagram_bytes);
	return send_packet(ctx, packet, &to, before);
}

/* Turns a probe of the neighbour's kernel into the reply, back to where it came from. */
static __always_inline int answer(struct xdp_md *ctx, struct packet *packet, struct fastpath_link *link, __u64 number)
{
	struct destination to = {
		.local = packet->target,
		.remote = packet->source,
		.ifindex = ctx->ingress_ifindex,
		.local_port = packet->target_port,
		.remote_port = packet->source_port,
	};
	__u64 before;

	copy_mac(to.local_mac, packet->target_mac);
	copy_mac(to.remote_mac, packet->source_mac);
	if (is_mute(to.ifindex) || !make_room(ctx, packet, &to))
		return to_userspace();
	count_received(link, packet, number);
	before = sum_before(packet);
	packet->header[0] = first_word(TYPE_KERNEL_REPLY, INITIAL_HOP_LIMIT, link->remote_link_id, 0);
	packet->header[2] = 0;
	number_and_tag(packet->header, link);
	count(COUNTER_PROBES_ANSWERED);
	count_sent(link, packet->datagram_bytes);
	return send_packet(ctx, packet, &to, before);
}

static __always_inline int handle(struct xdp_md *ctx, struct packet *packet, const struct fastpath_self *self, __u64 now)
{
	__u8 type = header_type(packet->header);
	__u32 id = header_link_id(packet->header);
	struct fastpath_link *link;
	__u64 number;
	__u32 *slot;
	int verdict;

	if (packet->datagram_bytes >= HEADER_BYTES) {
		/* The daemon checks what is for it; path-MTU probes too are its own. */
		if (type == TYPE_DATA ? packet->header[2] == self->label : type != TYPE_PROBE && type != TYPE_KERNEL_PROBE &&
									   type != TYPE_KERNEL_REPLY)
			return XDP_PASS;
	}
	slot = bpf_map_lookup_elem(&fastpath_link_ids, &id);
	if (!slot)
		return XDP_PASS;
	link = find_link(*slot);
	if (!link)
		return XDP_PASS;
	if (packet->datagram_bytes < HEADER_BYTES)
		return reject(packet, link, COUNTER_DROPPED_TOO_SHORT);
	if (!is_tag_valid(packet->header, link))
		return type == TYPE_PROBE ? XDP_PASS : reject(packet, link, COUNTER_DROPPED_BAD_TAG);
	number = header_number(packet->header);
	verdict = window_accept(*slot, number);
	if (type == TYPE_PROBE) {
		if (verdict == WINDOW_NEWEST)
			learn(link, packet, ctx->ingress_ifindex);
		return XDP_PASS;
	}
	if (verdict == WINDOW_REPLAYED)
		return drop(COUNTER_DROPPED_REPLAY);
	if (type == TYPE_DATA)
		return forward(ctx, packet, link, number, self, now);
	if (verdict == WINDOW_NEWEST)
		learn(link, packet, ctx->ingress_ifindex);
	if (type == TYPE_KERNEL_PROBE)
		return answer(ctx, packet, link, number);
	count_received(link, packet, number);
	take_reply(*slot, link, packet->header, now);
	return drop(COUNTER_REPLIES);
}

static __always_inline int fastpath(struct xdp_md *ctx)
{
	struct fastpath_self *self = find_self();
	struct packet packet = {};
	__u64 now;

	if (!self || !read_packet(ctx, &packet, self->port))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	if (now > self->valid_until_ns || packet.datagram_bytes == 0)
		return XDP_PASS;
	return handle(ctx, &packet, self, now);
}

SEC("xdp")
int x0t_fastpath(struct xdp_md *ctx)
{
	return chain_next(ctx, fastpath(ctx));
}

/* For the other end of a veth pair: with a program there, it takes packets that come by XDP. */
SEC("xdp")
int x0t_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int x0t_metronome(struct __sk_buff *skb)
{
	struct fastpath_self *self = find_self();
	struct tick tick = { .skb = skb, .self = self };

	if (!self || skb->protocol != bpf_htons(TOKEN_ETHERTYPE) || skb->len < TOKEN_BYTES)
		return TCX_NEXT;
	tick.now = bpf_ktime_get_ns();
	note_tick(self, tick.now);
	if (tick.now <= self->valid_until_ns) {
		bpf_loop(self->probed_count, probe_next, &tick, 0);
		restore_token(skb);
	}
	return bpf_redirect(self->pacer_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
