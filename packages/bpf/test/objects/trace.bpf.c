// SPDX-License-Identifier: Apache-2.0
// A tp_btf program with a CO-RE relocation, without the whole of vmlinux.h.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// Fields in another order and place than the kernel's: only CO-RE makes them right.
struct task_struct {
	int tgid;
	int pid;
} __attribute__((preserve_access_index));

const volatile int wanted;
volatile __u64 switches;

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *before, struct task_struct *after)
{
	if (after->tgid == wanted)
		switches++;
	return 0;
}

SEC("tp_btf/no_such_tracepoint")
int BPF_PROG(on_nothing, void *argument)
{
	return 0;
}
