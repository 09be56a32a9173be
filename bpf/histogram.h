/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Histogram with a bucket for every power of two: bucket i holds values in (2^(i-1), 2^i], the first one 0 and 1 too. */
#ifndef X0T_HISTOGRAM_H
#define X0T_HISTOGRAM_H

/* The last bucket holds all that is more than 2^(HISTOGRAM_BUCKETS - 2): 67 s in microseconds. */
#define HISTOGRAM_BUCKETS 28

struct histogram {
	__u64 count;
	__u64 sum;
	__u64 buckets[HISTOGRAM_BUCKETS];
};

/* Smallest i with value <= 2^i, at most HISTOGRAM_BUCKETS - 1. */
static __always_inline __u32 histogram_bucket(__u64 value)
{
	__u64 rest = value ? value - 1 : 0;
	__u32 bits = 0;

	if (rest >> 32)
		return HISTOGRAM_BUCKETS - 1;
	if (rest >> 16) { bits += 16; rest >>= 16; }
	if (rest >> 8) { bits += 8; rest >>= 8; }
	if (rest >> 4) { bits += 4; rest >>= 4; }
	if (rest >> 2) { bits += 2; rest >>= 2; }
	if (rest >> 1) { bits += 1; rest >>= 1; }
	bits += rest;
	return bits < HISTOGRAM_BUCKETS ? bits : HISTOGRAM_BUCKETS - 1;
}

static __always_inline void histogram_add(struct histogram *histogram, __u64 value)
{
	__u32 bucket = histogram_bucket(value);

	if (bucket >= HISTOGRAM_BUCKETS)
		return;
	__sync_fetch_and_add(&histogram->buckets[bucket], 1);
	__sync_fetch_and_add(&histogram->sum, value);
	__sync_fetch_and_add(&histogram->count, 1);
}

/* For a histogram that is this CPU's own, where nothing can come between: adds without locking the bus. */
static __always_inline void histogram_add_own(struct histogram *histogram, __u64 value)
{
	__u32 bucket = histogram_bucket(value);

	if (bucket >= HISTOGRAM_BUCKETS)
		return;
	histogram->buckets[bucket]++;
	histogram->sum += value;
	histogram->count++;
}

#endif
