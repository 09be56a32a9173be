/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Does nothing, where flow counts: what the kernel's hooks and calls cost by themselves. */
#include "vmlinux-min.h"
#include <bpf/bpf_helpers.h>

SEC("tc")
int x0t_noop_in(struct __sk_buff *skb)
{
	return TCX_NEXT;
}

SEC("tc")
int x0t_noop_out(struct __sk_buff *skb)
{
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
