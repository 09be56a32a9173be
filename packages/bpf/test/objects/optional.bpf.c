// SPDX-License-Identifier: Apache-2.0
// A program that is loaded only by name, one whose map no kernel makes, and one that needs neither.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 0);
	__type(key, __u32);
	__type(value, __u32);
} impossible SEC(".maps");

enum answer { ANSWER_PASS = 2, ANSWER_DROP = 1 };
const volatile enum answer answer = ANSWER_PASS;
__hidden int hidden_value(int value);

SEC("?xdp")
int only_by_name(struct xdp_md *ctx)
{
	return answer;
}

SEC("xdp")
int needs_the_impossible(struct xdp_md *ctx)
{
	__u32 zero = 0, *found = bpf_map_lookup_elem(&impossible, &zero);
	return found ? *found : XDP_PASS;
}

__attribute__((noinline)) __hidden int hidden_value(int value)
{
	return value > 3 ? 3 : value & 3;
}

SEC("xdp")
int calls_hidden(struct xdp_md *ctx)
{
	return hidden_value(ctx->ingress_ifindex) | answer;
}
