// SPDX-License-Identifier: Apache-2.0
// A global that points to a function.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __noinline int answer(struct xdp_md *ctx)
{
	return XDP_PASS;
}

int (*volatile choice)(struct xdp_md *ctx) = answer;

SEC("xdp")
int passes(struct xdp_md *ctx)
{
	return choice ? XDP_PASS : XDP_DROP;
}
