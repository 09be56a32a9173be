/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The header of a datagram as six words, as they lie in memory; its numbers are big endian (ARCHITECTURE.md, "Datagram"). */
#ifndef X0T_FASTPATH_DATAGRAM_H
#define X0T_FASTPATH_DATAGRAM_H

#define HEADER_WORDS (HEADER_BYTES / 8)
#define INITIAL_HOP_LIMIT 255

/* Planes; a datagram only ever rises to a higher one. */
#define PLANE_SHORTEST 0
#define PLANE_REPAIR 1
#define PLANE_RED 2
#define PLANE_BLUE 3
#define MAX_REMAINING ((1U << 30) - 1)

/* First word: type, hop limit, link id, plane and remaining distance. */
static __always_inline __u8 header_type(const __u64 *header)
{
	return header[0];
}

static __always_inline __u8 header_hop_limit(const __u64 *header)
{
	return header[0] >> 8;
}

static __always_inline __u32 header_link_id(const __u64 *header)
{
	return bpf_ntohs(header[0] >> 16);
}

static __always_inline __u32 header_plane_word(const __u64 *header)
{
	return bpf_ntohl(header[0] >> 32);
}

static __always_inline __u64 first_word(__u8 type, __u8 hop_limit, __u16 link_id, __u32 plane_word)
{
	return type | (__u64)hop_limit << 8 | (__u64)bpf_htons(link_id) << 16 | (__u64)bpf_htonl(plane_word) << 32;
}

/* Second word: the hop counter. Third: the label. Fourth: the tag. */
static __always_inline __u64 header_number(const __u64 *header)
{
	return bpf_be64_to_cpu(header[1]);
}

/* Fifth and sixth word of the kernel's probes and replies. */
static __always_inline __u64 probe_sent_ns(const __u64 *header)
{
	return bpf_be64_to_cpu(header[4]);
}

static __always_inline __u64 probe_number(const __u64 *header)
{
	return bpf_be64_to_cpu(header[5]);
}

static __always_inline bool is_tag_valid(const __u64 *header, const struct fastpath_link *link)
{
	return siphash_tag(header, link->receive_key[0], link->receive_key[1]) == header[3];
}

/* The next number of the link and the tag: from here on the header must go out, or the neighbour counts a loss. */
static __always_inline void number_and_tag(__u64 *header, struct fastpath_link *link)
{
	header[1] = bpf_cpu_to_be64(KERNEL_COUNTER_BASE + __sync_fetch_and_add(&link->counter, 1) + 1);
	header[3] = siphash_tag(header, link->send_key[0], link->send_key[1]);
}

#endif
