// SPDX-License-Identifier: Apache-2.0
// Every kind of map, global, call and hook that the loader knows, in as few instructions as possible.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u32 number;
	__u32 length;
};
struct guarded {
	struct bpf_spin_lock lock;
	__u32 count;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32);
} shared SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} counters SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guarded);
} locked SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} stages SEC(".maps");

const volatile __u32 verdict = 2;
const volatile char label[8] = "none";
volatile __u64 limit = 7;
volatile __u64 runs;
static volatile __u32 calls;

static __noinline int note(__u32 length)
{
	__sync_fetch_and_add(&calls, 1);
	return length > 1 ? length : 0;
}

static long each(__u32 index, void *context)
{
	*(__u64 *)context += index;
	return 0;
}

SEC("xdp")
int count_packet(struct xdp_md *ctx)
{
	__u32 length = (__u64)ctx->data_end - (__u64)ctx->data, zero = 0;
	__u64 sum = 0;
	__u32 *count = bpf_map_lookup_elem(&counters, &zero);
	__u32 *word = bpf_map_lookup_elem(&shared, &zero);
	struct guarded *guarded = bpf_map_lookup_elem(&locked, &zero);
	struct event *event;

	runs++;
	if (count)
		*count += 1;
	if (word)
		*word += 2;
	if (guarded) {
		bpf_spin_lock(&guarded->lock);
		guarded->count++;
		guarded->bytes += length;
		bpf_spin_unlock(&guarded->lock);
	}
	bpf_loop(limit & 15, each, &sum, 0);
	bpf_map_update_elem(&table, &length, &sum, BPF_ANY);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->number = runs;
		event->length = note(length);
		bpf_ringbuf_submit(event, 0);
	}
	if (label[0] == 'd')
		return XDP_DROP;
	return verdict;
}

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &stages, 1);
	return XDP_ABORTED;
}

SEC("tc")
int pass_first(struct __sk_buff *skb)
{
	return -1;
}

SEC("tc")
int pass_second(struct __sk_buff *skb)
{
	return 0;
}

SEC("sockops")
int watch_sockets(struct bpf_sock_ops *ops)
{
	return 1;
}

SEC("cgroup_skb/egress")
int watch_egress(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup/connect4")
int watch_connect(struct bpf_sock_addr *address)
{
	return 1;
}

SEC("raw_tp/sched_switch")
int watch_raw(void *context)
{
	return 0;
}
