/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Sums of RFC 1071 over words as they lie in memory: the order of bytes does not matter to them, and 64 bits count as four
 * words of 16. Up to a few thousand words can be added before a sum is folded.
 */
#ifndef X0T_INTERNET_CHECKSUM_H
#define X0T_INTERNET_CHECKSUM_H

static __always_inline __u64 sum_words(__u64 sum, const __u64 *words, const int count)
{
	for (int i = 0; i < count; i++)
		sum += (words[i] & 0xffffffff) + (words[i] >> 32);
	return sum;
}

static __always_inline __u16 fold_sum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* As UDP has it: zero says that there is none. */
static __always_inline __u16 udp_checksum(__u64 sum)
{
	__u16 checksum = ~fold_sum(sum);

	return checksum ? checksum : 0xffff;
}

#endif
