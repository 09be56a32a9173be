/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * How long threads of one process wait for a processor: tells "the peer is dead" from "I was asleep". Counts from the
 * moment a thread could run (woken, or preempted) to the moment it does. The kernel adds that up by thread itself
 * (CONFIG_SCHED_INFO), so only a thread that leaves the processor is looked at, and no clock is read: what its sum has
 * grown by since it last left is what it had waited this time.
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

/* Both since the thread began. */
struct thread_waits {
	__u64 times;
	__u64 waited_ns;
};

/* Thread -> its waits when it last left the processor. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct thread_waits);
} x0t_runqueue_threads SEC(".maps");

/* Microseconds of waiting. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
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

static __always_inline void count(__u64 waited_ns)
{
	__u32 zero = 0;
	struct histogram *histogram = bpf_map_lookup_elem(&x0t_runqueue, &zero);

	if (histogram)
		histogram_add_own(histogram, waited_ns / 1000);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(x0t_switch, bool preempted, struct task_struct *previous)
{
	struct thread_waits now = {}, before = {}, *known;
	__u32 thread;

	find(previous);
	if (!is_ours(previous))
		return 0;
	thread = previous->pid;
	now.times = previous->sched_info.pcount;
	now.waited_ns = previous->sched_info.run_delay;
	known = bpf_map_lookup_elem(&x0t_runqueue_threads, &thread);
	if (known)
		before = *known;
	/* Otherwise the thread has run unseen: how much of its waiting was before this time is not known. */
	if (now.times == before.times + 1)
		count(now.waited_ns - before.waited_ns);
	if (previous->__state & TASK_DEAD)
		bpf_map_delete_elem(&x0t_runqueue_threads, &thread);
	else if (known)
		*known = now;
	else
		bpf_map_update_elem(&x0t_runqueue_threads, &thread, &now, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
