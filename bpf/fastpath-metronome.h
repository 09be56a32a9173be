/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The clock of the kernel's probes: one frame, the token, circles a pair of veth interfaces, held back by a token bucket
 * filter at one end. Each time it arrives at the other, a copy of it leaves as a probe to every neighbour that is due.
 */
#ifndef X0T_FASTPATH_METRONOME_H
#define X0T_FASTPATH_METRONOME_H

/* Local experimental ethertype (IEEE 802); the rest of the token is whatever the last probe left. */
#define TOKEN_ETHERTYPE 0x88b5
#define TOKEN_BYTES (sizeof(struct ethhdr) + IPV6_BYTES + sizeof(struct udphdr) + HEADER_BYTES)
/* A probe may leave early by this part of its interval, or a late tick would cost a whole one. */
#define EARLY_PART 10
/* No neighbour was probed for so long: this machine stood still, or the token was lost. */
#define LATE_TICK_NS 10000000

struct tick {
	struct __sk_buff *skb;
	struct fastpath_self *self;
	__u64 now;
};

/* Headers up to the datagram, on the stack: the padding aligns what follows Ethernet. */
struct probe_frame {
	__u16 padding;
	struct ethhdr ethernet;
	union {
		struct {
			struct iphdr ip;
			struct udphdr udp;
		} ipv4;
		struct {
			struct ipv6hdr ip;
			struct udphdr udp;
		} ipv6;
	};
};

/* Where the neighbour is; false while that is not known. */
static __always_inline bool set_destination(struct destination *to, const struct fastpath_link *link,
					    const struct fastpath_self *self)
{
	if (!link->ifindex || !link->remote_port)
		return false;
	copy_address(&to->local, link->local_ip);
	copy_address(&to->remote, link->remote_ip);
	copy_mac(to->local_mac, link->local_mac);
	copy_mac(to->remote_mac, link->remote_mac);
	to->ifindex = link->ifindex;
	to->local_port = self->port;
	to->remote_port = link->remote_port;
	return is_mapped(&to->local) == is_mapped(&to->remote);
}

static __noinline int send_probe(struct __sk_buff *skb, struct fastpath_link *link, const struct destination *to)
{
	__u64 header[HEADER_WORDS] = {};
	struct probe_frame frame = {};
	__u32 bytes = sizeof(frame.ethernet);
	__u16 udp_bytes = sizeof(struct udphdr) + HEADER_BYTES;
	__u16 checksum;

	link->sent_ns = bpf_ktime_get_ns();
	link->sent++;
	header[0] = first_word(TYPE_KERNEL_PROBE, INITIAL_HOP_LIMIT, link->remote_link_id, 0);
	header[4] = bpf_cpu_to_be64(link->sent_ns);
	header[5] = bpf_cpu_to_be64(link->sent);
	number_and_tag(header, link);
	checksum = udp_checksum(sum_of_addresses(&to->local, &to->remote) + sum_of_length(udp_bytes) +
				bpf_htons(udp_bytes) + sum_of_header(header, to->local_port, to->remote_port));
	copy_mac(frame.ethernet.h_dest, to->remote_mac);
	copy_mac(frame.ethernet.h_source, to->local_mac);
	if (is_mapped(&to->remote)) {
		frame.ethernet.h_proto = bpf_htons(ETH_P_IP);
		write_ipv4(&frame.ipv4.ip, to, udp_bytes);
		write_udp(&frame.ipv4.udp, to, udp_bytes, checksum);
		bytes += sizeof(frame.ipv4);
		/* Shorter than the frame: what follows it is padding. */
		bpf_skb_store_bytes(skb, 0, &frame.ethernet, sizeof(frame.ethernet) + sizeof(frame.ipv4), 0);
	} else {
		frame.ethernet.h_proto = bpf_htons(ETH_P_IPV6);
		write_ipv6(&frame.ipv6.ip, to, udp_bytes);
		write_udp(&frame.ipv6.udp, to, udp_bytes, checksum);
		bytes += sizeof(frame.ipv6);
		bpf_skb_store_bytes(skb, 0, &frame.ethernet, sizeof(frame.ethernet) + sizeof(frame.ipv6), 0);
	}
	bpf_skb_store_bytes(skb, bytes, header, HEADER_BYTES, 0);
	__sync_fetch_and_add(&link->tx_datagrams, 1);
	__sync_fetch_and_add(&link->tx_bytes, HEADER_BYTES);
	if (bpf_clone_redirect(skb, to->ifindex, 0))
		count(COUNTER_REDIRECT_FAILED);
	return 0;
}

/* Judges one of the links to be probed, and probes it if it is due. */
static long probe_next(__u32 index, struct tick *tick)
{
	struct fastpath_self *self = tick->self;
	struct fastpath_link *link;
	struct destination to;
	__u32 slot;

	if (index >= FASTPATH_MAX_PROBED)
		return 1;
	slot = self->probed[index];
	link = find_link(slot);
	if (!link || !(link->flags & LINK_PROBED))
		return 0;
	/* Silence is found without traffic too. */
	is_down(slot, link, tick->now);
	if (tick->now - link->sent_ns + link->interval_ns / EARLY_PART < link->interval_ns)
		return 0;
	if (set_destination(&to, link, self))
		send_probe(tick->skb, link, &to);
	return 0;
}

static __always_inline void note_tick(struct fastpath_self *self, __u64 now)
{
	__u64 gap = now - self->last_tick_ns;

	if (self->last_tick_ns && gap > self->longest_gap_ns)
		self->longest_gap_ns = gap;
	if (self->last_tick_ns && gap > LATE_TICK_NS)
		__sync_fetch_and_add(&self->late_ticks, 1);
	self->last_tick_ns = now;
	__sync_fetch_and_add(&self->ticks, 1);
}

static __always_inline void restore_token(struct __sk_buff *skb)
{
	struct ethhdr ethernet = { .h_proto = bpf_htons(TOKEN_ETHERTYPE) };

	bpf_skb_store_bytes(skb, 0, &ethernet, sizeof(ethernet), 0);
}

#endif
