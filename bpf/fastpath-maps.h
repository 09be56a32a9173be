/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The maps of the fast path, and their elements by number. */
#ifndef X0T_FASTPATH_MAPS_H
#define X0T_FASTPATH_MAPS_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fastpath_self);
} fastpath_self SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FASTPATH_MAX_LINKS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fastpath_link);
} fastpath_links SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FASTPATH_MAX_LINKS);
	__type(key, __u32);
	__type(value, __u32);
} fastpath_link_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * FASTPATH_MAX_LINKS);
	__type(key, __u32);
	__type(value, struct fastpath_window);
} fastpath_windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FASTPATH_MAX_NEIGHBOURS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fastpath_neighbour);
} fastpath_neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FASTPATH_MAX_ROUTES);
	__type(key, __u64);
	__type(value, struct fastpath_route);
} fastpath_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FASTPATH_MAX_MUTE);
	__type(key, __u32);
	__type(value, __u8);
} fastpath_mute SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} fastpath_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} fastpath_events SEC(".maps");

static __always_inline struct fastpath_self *find_self(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fastpath_self, &key);
}

/* A link in use; the daemon may have taken it away since its number was found. */
static __always_inline struct fastpath_link *find_link(__u32 slot)
{
	struct fastpath_link *link = bpf_map_lookup_elem(&fastpath_links, &slot);

	return link && link->flags & LINK_USED ? link : NULL;
}

/* XDP frames that leave there get lost, and nobody says so. */
static __always_inline bool is_mute(__u32 ifindex)
{
	return bpf_map_lookup_elem(&fastpath_mute, &ifindex) != NULL;
}

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&fastpath_counters, &counter);

	if (value)
		++*value;
}

#endif
