/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Datagrams inside Ethernet, IPv4 or IPv6, and UDP: reading them, and writing them anew for another link. */
#ifndef X0T_FASTPATH_PACKET_H
#define X0T_FASTPATH_PACKET_H

#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IPV4_DONT_FRAGMENT 0x4000
#define SENT_TTL 64

/* An address as links have it: IPv4 mapped into IPv6. Aligned words, as they lie in memory. */
struct address {
	__u64 words[2];
};

/* What the checksum of UDP covers beside the rest of the payload. */
static __always_inline __u64 sum_of_header(const __u64 *header, __u16 source_port, __u16 target_port)
{
	return sum_words((__u64)source_port + target_port, header, HEADER_WORDS);
}

/* IPv4 as it is mapped adds 0xffff, which is nothing. */
static __always_inline __u64 sum_of_addresses(const struct address *source, const struct address *target)
{
	return sum_words(sum_words(0, source->words, 2), target->words, 2);
}

static __always_inline __u64 sum_of_length(__u16 udp_bytes)
{
	return bpf_htons(udp_bytes) + (__u64)bpf_htons(IPPROTO_UDP);
}

/* What is left of a packet once it has been read: nothing here points into it. */
struct packet {
	__u64 header[HEADER_WORDS];
	struct address source, target;
	__u16 source_port, target_port; /* big endian */
	__u16 ip_bytes;                 /* length of the IP header */
	__u16 datagram_bytes;           /* by the UDP header; the frame may be longer */
	__u16 checksum;                 /* UDP's */
	__u8 target_mac[6], source_mac[6];
};

/* Where a packet is to go. */
struct destination {
	struct address local, remote;
	__u8 local_mac[6], remote_mac[6];
	__u32 ifindex;
	__u16 local_port, remote_port; /* big endian */
};

static __always_inline struct address mapped(__be32 ipv4)
{
	return (struct address){ { 0, 0xffff0000ULL | (__u64)ipv4 << 32 } };
}

static __always_inline bool is_mapped(const struct address *address)
{
	return address->words[0] == 0 && (__u32)address->words[1] == 0xffff0000;
}

static __always_inline __be32 ipv4_of(const struct address *address)
{
	return address->words[1] >> 32;
}

static __always_inline bool is_same_address(const struct address *address, const __u8 *bytes)
{
	const __u64 *words = (const __u64 *)bytes;

	return address->words[0] == words[0] && address->words[1] == words[1];
}

static __always_inline void copy_address(void *to, const void *from)
{
	((__u64 *)to)[0] = ((const __u64 *)from)[0];
	((__u64 *)to)[1] = ((const __u64 *)from)[1];
}

static __always_inline void copy_mac(void *to, const void *from)
{
	*(__u16 *)to = *(const __u16 *)from;
	*(__u16 *)(to + 2) = *(const __u16 *)(from + 2);
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

/*
 * Reads a packet that is a whole UDP datagram to this port: no tags of VLANs, no fragments, no extension headers. False for
 * anything else, and for what the stack will find broken. The header is read only as far as the datagram reaches.
 */
static __noinline bool read_packet(struct xdp_md *ctx, struct packet *packet, __u16 port)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct udphdr *udp;
	__u64 *words;
	__u32 ip_payload, bytes;

	if (data + sizeof(*ethernet) > end)
		return false;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + sizeof(*ethernet);
		__u32 ip_bytes, total;

		if ((void *)(ip + 1) > end)
			return false;
		ip_bytes = (ip->version_ihl & 15) * 4;
		total = bpf_ntohs(ip->tot_len);
		if (ip->version_ihl >> 4 != 4 || ip_bytes < IPV4_BYTES || total < ip_bytes)
			return false;
		if (ip->protocol != IPPROTO_UDP || ip->frag_off & bpf_htons(IPV4_FRAGMENT))
			return false;
		packet->source = mapped(ip->saddr);
		packet->target = mapped(ip->daddr);
		packet->ip_bytes = ip_bytes;
		ip_payload = total - ip_bytes;
		udp = (void *)ip + ip_bytes;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = data + sizeof(*ethernet);

		if ((void *)(ip + 1) > end)
			return false;
		if (ip->version_priority >> 4 != 6 || ip->nexthdr != IPPROTO_UDP)
			return false;
		copy_address(&packet->source, ip->saddr);
		copy_address(&packet->target, ip->daddr);
		packet->ip_bytes = IPV6_BYTES;
		ip_payload = bpf_ntohs(ip->payload_len);
		udp = (void *)(ip + 1);
	} else {
		return false;
	}
	if ((void *)(udp + 1) > end || udp->dest != port)
		return false;
	bytes = bpf_ntohs(udp->len);
	if (bytes < sizeof(*udp) || bytes > ip_payload || (void *)udp + bytes > end)
		return false;
	packet->source_port = udp->source;
	packet->target_port = udp->dest;
	packet->datagram_bytes = bytes - sizeof(*udp);
	packet->checksum = udp->check;
	copy_mac(packet->target_mac, ethernet->h_dest);
	copy_mac(packet->source_mac, ethernet->h_source);
	words = (void *)(udp + 1);
	if (packet->datagram_bytes >= HEADER_BYTES) {
		if ((void *)(words + HEADER_WORDS) > end)
			return false;
		for (int i = 0; i < HEADER_WORDS; i++)
			packet->header[i] = words[i];
	} else if (packet->datagram_bytes >= 4) {
		if ((void *)words + 4 > end)
			return false;
		packet->header[0] = *(__u32 *)words;
	} else {
		packet->datagram_bytes = 0;
	}
	return true;
}

static __always_inline __u16 ipv4_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u64 sum = 0;

	for (int i = 0; i < IPV4_BYTES / 2; i++)
		sum += words[i];
	return ~fold_sum(sum);
}

static __always_inline void write_ipv4(struct iphdr *ip, const struct destination *to, __u16 udp_bytes)
{
	ip->version_ihl = 0x45;
	ip->tos = 0;
	ip->tot_len = bpf_htons(IPV4_BYTES + udp_bytes);
	ip->id = 0;
	ip->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
	ip->ttl = SENT_TTL;
	ip->protocol = IPPROTO_UDP;
	ip->check = 0;
	ip->saddr = ipv4_of(&to->local);
	ip->daddr = ipv4_of(&to->remote);
	ip->check = ipv4_checksum(ip);
}

static __always_inline void write_ipv6(struct ipv6hdr *ip, const struct destination *to, __u16 udp_bytes)
{
	ip->version_priority = 0x60;
	ip->flow_lbl[0] = 0;
	ip->flow_lbl[1] = 0;
	ip->flow_lbl[2] = 0;
	ip->payload_len = bpf_htons(udp_bytes);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = SENT_TTL;
	copy_address(ip->saddr, &to->local);
	copy_address(ip->daddr, &to->remote);
}

static __always_inline void write_udp(struct udphdr *udp, const struct destination *to, __u16 udp_bytes, __u16 checksum)
{
	udp->source = to->local_port;
	udp->dest = to->remote_port;
	udp->len = bpf_htons(udp_bytes);
	udp->check = checksum;
}

static __always_inline __u32 ip_bytes_to(const struct destination *to)
{
	return is_mapped(&to->remote) ? IPV4_BYTES : IPV6_BYTES;
}

/*
 * Of the header, ports and addresses before they change: with those after it gives the new checksum (RFC 1624). Zero if
 * there is none to go on with: it was not made (RFC 6935 for IPv6), or it holds no more than the sum of addresses and length,
 * as where the sender is on this machine and left the rest to a network card that there is not.
 */
static __always_inline __u64 sum_before(const struct packet *packet)
{
	__u64 addresses = sum_of_addresses(&packet->source, &packet->target);

	if (packet->checksum == 0 ||
	    packet->checksum == fold_sum(addresses + sum_of_length(packet->datagram_bytes + sizeof(struct udphdr))))
		return 0;
	/* In one's complement the negative of a sum is its complement. */
	return (__u16)~packet->checksum +
	       (__u64)(__u16)~fold_sum(addresses + sum_of_header(packet->header, packet->source_port, packet->target_port));
}

/* Makes room for the headers of the way out; the packet is as it was if it fails. */
static __always_inline bool make_room(struct xdp_md *ctx, const struct packet *packet, const struct destination *to)
{
	int delta = packet->ip_bytes - (int)ip_bytes_to(to);

	return delta == 0 || bpf_xdp_adjust_head(ctx, delta) == 0;
}

/* Writes all headers, the datagram's among them, and sends the packet; `before` is of sum_before(). */
static __noinline int send_packet(struct xdp_md *ctx, const struct packet *packet, const struct destination *to, __u64 before)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	void *ip = data + sizeof(*ethernet);
	__u16 udp_bytes = packet->datagram_bytes + sizeof(struct udphdr);
	struct udphdr *udp;
	__u16 checksum = 0;
	__u64 *words;

	if (before)
		checksum = udp_checksum(before + sum_of_addresses(&to->local, &to->remote) +
					sum_of_header(packet->header, to->local_port, to->remote_port));
	if (is_mapped(&to->remote)) {
		udp = ip + IPV4_BYTES;
		words = (void *)(udp + 1);
		if ((void *)(words + HEADER_WORDS) > end)
			return XDP_ABORTED;
		ethernet->h_proto = bpf_htons(ETH_P_IP);
		write_ipv4(ip, to, udp_bytes);
	} else {
		udp = ip + IPV6_BYTES;
		words = (void *)(udp + 1);
		if ((void *)(words + HEADER_WORDS) > end)
			return XDP_ABORTED;
		ethernet->h_proto = bpf_htons(ETH_P_IPV6);
		write_ipv6(ip, to, udp_bytes);
	}
	write_udp(udp, to, udp_bytes, checksum);
	copy_mac(ethernet->h_dest, to->remote_mac);
	copy_mac(ethernet->h_source, to->local_mac);
	for (int i = 0; i < HEADER_WORDS; i++)
		words[i] = packet->header[i];
	return to->ifindex == ctx->ingress_ifindex ? XDP_TX : (int)bpf_redirect(to->ifindex, 0);
}

#endif
