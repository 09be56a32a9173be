/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Sliding window against replay (RFC 4303 3.4.3, the bitmap of RFC 6479), one for each space of numbers of a link. */
#ifndef X0T_FASTPATH_WINDOW_H
#define X0T_FASTPATH_WINDOW_H

#define WINDOW_WORDS (2 * HOP_WINDOW / 64)
#define NUMBER_END (1ULL << 53)

enum window_verdict {
	WINDOW_REPLAYED,
	WINDOW_LATE,   /* new, but others came before it */
	WINDOW_NEWEST,
};

/*
 * Records a number whose tag has been checked: a forged one would move the window. The bitmap has twice the bits of the
 * window, so that words are cleared as a whole when the window enters them; a leap clears each word once, however far it is.
 */
static __noinline int window_accept(__u32 slot, __u64 number)
{
	__u32 key = slot * 2 + (number >= KERNEL_COUNTER_BASE ? 1 : 0);
	struct fastpath_window *window = bpf_map_lookup_elem(&fastpath_windows, &key);
	int verdict = WINDOW_REPLAYED;
	__u64 bit = 1ULL << (number & 63);
	__u64 from_word, steps;

	if (!window || number == 0 || number >= NUMBER_END)
		return WINDOW_REPLAYED;
	bpf_spin_lock(&window->lock);
	if (number > window->top) {
		from_word = window->top / 64;
		steps = number / 64 - from_word;
		for (__u32 i = 1; i <= WINDOW_WORDS; i++) {
			if (i > steps)
				break;
			window->words[(from_word + i) & (WINDOW_WORDS - 1)] = 0;
		}
		window->top = number;
		verdict = WINDOW_NEWEST;
	} else if (number + HOP_WINDOW > window->top &&
		   !(window->words[(number / 64) & (WINDOW_WORDS - 1)] & bit)) {
		verdict = WINDOW_LATE;
	}
	if (verdict != WINDOW_REPLAYED)
		window->words[(number / 64) & (WINDOW_WORDS - 1)] |= bit;
	bpf_spin_unlock(&window->lock);
	return verdict;
}

#endif
