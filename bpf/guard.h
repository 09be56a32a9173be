/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What guard.bpf.c and its owner share. */
#ifndef X0T_GUARD_H
#define X0T_GUARD_H

enum guard_verdict {
	/* Not for the guarded port, or not IP: passed. */
	GUARD_UNGUARDED,
	/* From the allow-list: passed. */
	GUARD_ALLOWED,
	/* From elsewhere, within the limits: passed. */
	GUARD_PASSED,
	/* More than the limit of its source: dropped. */
	GUARD_LIMITED_SOURCE,
	/* More than the limit of all unlisted sources together: dropped. */
	GUARD_LIMITED_TOTAL,
	/* Not on the allow-list, where nobody else is let in: dropped. */
	GUARD_DENIED,
	/* Header cut short: dropped. */
	GUARD_MALFORMED,
	GUARD_VERDICTS,
};

/* x0t_guard_allow4 and x0t_guard_allow6, LPM_TRIE: prefix -> packets that passed by it. */
struct guard_prefix4 {
	__u32 prefix_bits;
	__be32 ip;
};

struct guard_prefix6 {
	__u32 prefix_bits;
	__be32 ip[4];
};

#endif
