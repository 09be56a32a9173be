/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Generator of valid data datagrams, for measuring relays: run with live frames (BPF_F_TEST_XDP_LIVE_FRAMES) on an
 * interface, it numbers and tags each frame anew, as the neighbour's kernel would, and sends it out of that interface. Frames
 * are Ethernet, IPv4 without options, UDP with the checksum zero, and the datagram. The kernel uses frames again as those who
 * got them left them, so all that relays change is written each time.
 */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
#include "fastpath.h"
#include "siphash.h"

#define HEADER_OFFSET (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define HEAD_WORDS 12
#define PS_OF_NS 1000
/* A generator that was held up makes up for so much of it. */
#define MOST_BEHIND_PS (100 * 1000 * PS_OF_NS)

struct gendata {
	/* Written by whoever generates. */
	__u64 key[2];      /* of the link, little endian words, as SipHash reads them */
	__u64 interval_ps; /* between two datagrams; 0: as fast as can be */
	/* Written by the program. */
	__u64 number;      /* of the last datagram, without KERNEL_COUNTER_BASE */
	__u64 due_ps;
	__u64 packets;
	__u64 bytes;
	__u64 early;       /* frames that were not due, and went back to the pool */
	/* Written by whoever generates: how frames begin, headers and a little more; number and tag do not matter. */
	__u64 head[HEAD_WORDS];
	/* Written by the program: CLOCK_MONOTONIC of the first frame sent since first_ns was set to 0, and of the last. */
	__u64 first_ns;
	__u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct gendata);
} x0t_gendata_state SEC(".maps");

static __always_inline bool is_due(struct gendata *state, __u64 now_ns)
{
	__u64 now = now_ns * PS_OF_NS;

	if (now < state->due_ps)
		return false;
	if (now - state->due_ps > MOST_BEHIND_PS)
		state->due_ps = now - MOST_BEHIND_PS;
	state->due_ps += state->interval_ps;
	return true;
}

SEC("xdp")
int x0t_gendata(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	void *end = (void *)(long)xdp->data_end;
	__u64 *frame = data;
	__u64 *words = data + HEADER_OFFSET;
	__u64 header[HEADER_BYTES / 8];
	__u64 now = bpf_ktime_get_ns();
	__u32 key = 0;
	struct gendata *state = bpf_map_lookup_elem(&x0t_gendata_state, &key);

	if (!state || data + HEAD_WORDS * 8 > end)
		return XDP_ABORTED;
	if (state->interval_ps && !is_due(state, now)) {
		state->early++;
		return XDP_DROP;
	}
	for (int i = 0; i < HEAD_WORDS; i++)
		frame[i] = state->head[i];
	for (int i = 0; i < HEADER_BYTES / 8; i++)
		header[i] = words[i];
	header[1] = bpf_cpu_to_be64(KERNEL_COUNTER_BASE + ++state->number);
	words[1] = header[1];
	words[3] = siphash_tag(header, state->key[0], state->key[1]);
	state->packets++;
	if (!state->first_ns)
		state->first_ns = now;
	state->last_ns = now;
	state->bytes += end - data;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
