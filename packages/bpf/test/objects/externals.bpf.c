// SPDX-License-Identifier: Apache-2.0
// A program that reads a variable of the kernel's configuration, and one in a section that is loaded only by name.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

extern int LINUX_KERNEL_VERSION __kconfig;

SEC("xdp")
int asks_version(struct xdp_md *ctx)
{
	return LINUX_KERNEL_VERSION > 0 ? XDP_PASS : XDP_DROP;
}
