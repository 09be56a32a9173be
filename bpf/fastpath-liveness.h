/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the kernel knows of a link's life: from its own probes and from the daemon's word. */
#ifndef X0T_FASTPATH_LIVENESS_H
#define X0T_FASTPATH_LIVENESS_H

/* Answers in a row after which a link is up. */
#define ANSWERS_TO_UP 3

static __always_inline bool is_judged(const struct fastpath_link *link)
{
	return (link->flags & (LINK_PROBED | LINK_UNWATCHED)) == LINK_PROBED;
}

/* Of all who see it at once, one changes the state and says so. */
static __noinline int change_state(__u32 slot, struct fastpath_link *link, __u32 from, __u32 to, __u64 now)
{
	struct fastpath_event event = {
		.slot = slot,
		.state = to,
		.at_ns = now,
		.silence_ns = now - link->reply_ns,
		.rtt_ns = link->rtt_ns,
	};

	if (__sync_val_compare_and_swap(&link->state, from, to) != from)
		return 0;
	link->streak = 0;
	if (to == KERNEL_DOWN)
		__sync_fetch_and_add(&link->downs, 1);
	bpf_ringbuf_output(&fastpath_events, &event, sizeof(event), 0);
	return 1;
}

/*
 * Silent for too long, and it is not our own silence: while this machine stands still it sends no probes, and blames nobody
 * (self-stall guard).
 */
static __always_inline bool is_silent(const struct fastpath_link *link, __u64 now)
{
	return (__s64)(now - link->reply_ns) > (__s64)link->deadline_ns && link->sent - link->answered >= link->misses;
}

/* Whether the kernel's judgement keeps traffic off the link; the first to find it silent takes it down. */
static __always_inline bool is_down(__u32 slot, struct fastpath_link *link, __u64 now)
{
	if (!is_judged(link))
		return false;
	if (link->state == KERNEL_UP && is_silent(link, now))
		change_state(slot, link, KERNEL_UP, KERNEL_DOWN, now);
	return link->state == KERNEL_DOWN;
}

/* A reply whose tag and hop number are valid. */
static __always_inline void take_reply(__u32 slot, struct fastpath_link *link, const __u64 *header, __u64 now)
{
	__u64 number = probe_number(header);
	__u64 before = link->answered;
	__u64 sent_ns = probe_sent_ns(header);

	if (number <= before || number > link->sent || sent_ns > now)
		return;
	/* A silence that would have been death, had we asked often enough, ends: one stall of ours. */
	if (link->state == KERNEL_UP && (__s64)(now - link->reply_ns) > (__s64)link->deadline_ns)
		__sync_fetch_and_add(&link->stalls, 1);
	link->rtt_ns = now - sent_ns;
	link->answered = number;
	link->reply_ns = now;
	if (link->state == KERNEL_UP)
		return;
	link->streak = number == before + 1 ? link->streak + 1 : 1;
	if (link->streak >= ANSWERS_TO_UP)
		change_state(slot, link, link->state, KERNEL_UP, now);
}

#endif
