/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How long threads of one process wait for a processor: tells "the peer is dead" from "I was asleep". Counts from the
 * moment a thread could run (woken, or preempted) to the moment it does.
 */
#include "vmlinux-min.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "histogram.h"

/* Process id; nothing is counted while it is 0. */
const volatile __u32 runqueue_tgid = 0;
/* The pid namespace in which it has that id: st_dev and st_ino of /proc/self/ns/pid. 0: the initial one. */
const volatile __u64 runqueue_pidns_device = 0;
const volatile __u64 runqueue_pidns_inode = 0;

/* Its id in the initial namespace, once a thread of it was seen. */
__u32 runqueue_found = 0;

/* Thread -> since when it could run. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} x0t_runqueue_since SEC(".maps");

/* Microseconds of waiting. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct histogram);
} x0t_runqueue SEC(".maps");

static __always_inline bool is_ours(struct task_struct *task)
{
	__u32 tgid = runqueue_pidns_inode ? runqueue_found : runqueue_tgid;

	return tgid && (__u32)task->tgid == tgid;
}

/* Only of the current process does a helper tell the id in another namespace. */
static __always_inline void find(struct task_struct *current)
{
	struct bpf_pidns_info info;

	if (!runqueue_pidns_inode || runqueue_found)
		return;
	if (bpf_get_ns_current_pid_tgid(runqueue_pidns_device, runqueue_pidns_inode, &info, sizeof(info)))
		return;
	if (info.tgid == runqueue_tgid)
		runqueue_found = current->tgid;
}

static __always_inline void waits(struct task_struct *task)
{
	__u32 thread = task->pid;
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&x0t_runqueue_since, &thread, &now, BPF_ANY);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(x0t_wakeup, struct task_struct *task)
{
	if (is_ours(task))
		waits(task);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(x0t_wakeup_new, struct task_struct *task)
{
	if (is_ours(task))
		waits(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(x0t_switch, bool preempted, struct task_struct *previous, struct task_struct *next)
{
	__u32 thread, zero = 0;
	__u64 *since, waited_ns;
	struct histogram *histogram;

	find(previous);
	if (is_ours(previous) && (preempted || previous->__state == 0 /* TASK_RUNNING */))
		waits(previous);
	if (!is_ours(next))
		return 0;
	thread = next->pid;
	since = bpf_map_lookup_elem(&x0t_runqueue_since, &thread);
	if (!since)
		return 0;
	waited_ns = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&x0t_runqueue_since, &thread);
	histogram = bpf_map_lookup_elem(&x0t_runqueue, &zero);
	if (histogram)
		histogram_add(histogram, waited_ns / 1000);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
