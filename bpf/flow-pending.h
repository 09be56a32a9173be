/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is counted, and not yet in the maps that are read. Looking a peer up in a hash costs more than all the rest of
 * counting a packet, so each CPU adds up what its last few peers sent and got, in one cache line each, and writes it out
 * when a timer runs off, when there were FLOW_MOST_PENDING packets, or when another peer needs the place.
 */
#ifndef X0T_FLOW_PENDING_H
#define X0T_FLOW_PENDING_H

#include "flow-maps.h"

/* A counter in a map is late by so much at most. */
#define FLOW_LATEST_NS 50000000
/* Should a timer be lost (its CPU was taken away), so many packets of a peer write all out, and start it again. */
#define FLOW_MOST_PENDING 1024
/* Per direction; a power of two. */
#define FLOW_PLACES 8
/* CPUs above that have no timer. */
#define FLOW_MAX_CPUS 1024
/* Without a timer each packet is written out, and so many later one is asked for again. */
#define FLOW_UNTIMED 4096

/* One cache line, and all that most packets touch. */
struct flow_pending {
	struct flow_key key;
	__u32 times; /* that something was added; 0: nothing waits to be written out */
	__u64 packets;
	__u64 bytes;
	__u64 padding[3];
};

struct flow_cpu {
	struct flow_pending pending[FLOW_DIRECTIONS * FLOW_PLACES];
	__u32 is_timed; /* the timer runs */
	__u32 untimed; /* times to come that are written out, each by itself */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_cpu);
} x0t_flow_pending SEC(".maps");

struct flow_timer {
	struct bpf_timer timer;
};

/* By CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_MAX_CPUS);
	__type(key, __u32);
	__type(value, struct flow_timer);
} x0t_flow_timers SEC(".maps");

/* Everything here runs with softirqs off, and the timer as one: on a CPU nothing comes between. */
static __noinline int write_out(struct flow_pending *pending)
{
	struct flow_key key = pending->key;
	__u64 packets = pending->packets, bytes = pending->bytes;
	struct flow_traffic *traffic;

	if (!pending->times)
		return 0;
	pending->times = 0;
	pending->packets = 0;
	pending->bytes = 0;
	add_total(key.direction, packets, bytes);
	traffic = bpf_map_lookup_elem(&x0t_flow_peers, &key);
	if (!traffic) {
		struct flow_traffic none = {};

		bpf_map_update_elem(&x0t_flow_peers, &key, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&x0t_flow_peers, &key);
	}
	if (traffic) {
		traffic->packets += packets;
		traffic->bytes += bytes;
		traffic->last_seen_ns = bpf_ktime_get_coarse_ns();
	}
	return 0;
}

static __noinline int write_all_out(struct flow_cpu *cpu)
{
	cpu->is_timed = false;
	for (int i = 0; i < FLOW_DIRECTIONS * FLOW_PLACES; i++)
		write_out(&cpu->pending[i]);
	return 0;
}

static int on_timer(void *map, __u32 *id, struct flow_timer *timer)
{
	__u32 zero = 0;
	struct flow_cpu *cpu = bpf_map_lookup_elem(&x0t_flow_pending, &zero);

	/* Timers of a CPU that was taken away run off on another. */
	if (cpu && *id == bpf_get_smp_processor_id())
		write_all_out(cpu);
	return 0;
}

/* False where no timer can be had that stays on its CPU: before kernel 6.7, or while nobody holds the map. */
static __noinline int start_timer(void)
{
	__u32 id = bpf_get_smp_processor_id();
	struct flow_timer *timer = bpf_map_lookup_elem(&x0t_flow_timers, &id);

	if (!timer)
		return false;
	bpf_timer_init(&timer->timer, &x0t_flow_timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&timer->timer, on_timer);
	return bpf_timer_start(&timer->timer, FLOW_LATEST_NS, BPF_F_TIMER_CPU_PIN) == 0;
}

/* Something waits to be written out since just now: by when? */
static __noinline int begin(struct flow_cpu *cpu, struct flow_pending *pending)
{
	if (!cpu->is_timed && !cpu->untimed) {
		cpu->is_timed = start_timer();
		if (!cpu->is_timed)
			cpu->untimed = FLOW_UNTIMED;
	}
	if (cpu->untimed) {
		cpu->untimed--;
		write_out(pending);
	}
	return 0;
}

static __always_inline bool is_same(const struct flow_key *one, const struct flow_key *other)
{
	return one->peer.ip[3] == other->peer.ip[3] && one->peer.ip[2] == other->peer.ip[2] &&
	       one->peer.ip[1] == other->peer.ip[1] && one->peer.ip[0] == other->peer.ip[0] &&
	       one->direction == other->direction && one->protocol == other->protocol;
}

/* Multiplicative hashing (Knuth): the upper bits depend on all lower ones. */
static __always_inline __u32 place_of(const struct flow_key *key)
{
	__u32 hash = (key->peer.ip[3] ^ key->peer.ip[1] ^ key->protocol) * 0x9e3779b1u;

	return (hash >> 29 & (FLOW_PLACES - 1)) + (key->direction & 1) * FLOW_PLACES;
}

static __always_inline void add_pending(const struct flow_key *key, __u64 packets, __u64 bytes)
{
	__u32 zero = 0;
	struct flow_cpu *cpu = bpf_map_lookup_elem(&x0t_flow_pending, &zero);
	struct flow_pending *pending;

	if (!cpu)
		return;
	pending = &cpu->pending[place_of(key)];
	if (!is_same(&pending->key, key)) {
		write_out(pending);
		pending->key = *key;
	}
	pending->packets += packets;
	pending->bytes += bytes;
	if (!pending->times++)
		begin(cpu, pending);
	else if (pending->times == FLOW_MOST_PENDING)
		/* All: the timer begins anew, and what waits for it would wait longer. */
		write_all_out(cpu);
}

#endif
