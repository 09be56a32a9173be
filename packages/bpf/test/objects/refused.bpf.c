// SPDX-License-Identifier: Apache-2.0
// One program that the verifier takes, and one that it does not.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int reads_beyond(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	return data[20] == 6 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int passes(struct xdp_md *ctx)
{
	return XDP_PASS;
}
