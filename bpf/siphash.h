/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* SipHash-2-4 (Aumasson, Bernstein 2012) over what the tag of a datagram covers. */
#ifndef X0T_SIPHASH_H
#define X0T_SIPHASH_H

#define SIP_ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))

#define SIP_ROUND()                   \
	do {                          \
		v0 += v1;             \
		v1 = SIP_ROTATE(v1, 13) ^ v0; \
		v0 = SIP_ROTATE(v0, 32);      \
		v2 += v3;             \
		v3 = SIP_ROTATE(v3, 16) ^ v2; \
		v0 += v3;             \
		v3 = SIP_ROTATE(v3, 21) ^ v0; \
		v2 += v1;             \
		v1 = SIP_ROTATE(v1, 17) ^ v2; \
		v2 = SIP_ROTATE(v2, 32);      \
	} while (0)

#define SIP_BLOCK(word)        \
	do {                   \
		v3 ^= (word);  \
		SIP_ROUND();   \
		SIP_ROUND();   \
		v0 ^= (word);  \
	} while (0)

/*
 * The tag of a header of six words, of which the fourth is the tag itself: 40 bytes are hashed. Words are little endian, as
 * the memory of the machines that this is compiled for; so is the tag.
 */
static __noinline __u64 siphash_tag(const __u64 *header, __u64 key0, __u64 key1)
{
	__u64 v0 = key0 ^ 0x736f6d6570736575ULL;
	__u64 v1 = key1 ^ 0x646f72616e646f6dULL;
	__u64 v2 = key0 ^ 0x6c7967656e657261ULL;
	__u64 v3 = key1 ^ 0x7465646279746573ULL;

	SIP_BLOCK(header[0]);
	SIP_BLOCK(header[1]);
	SIP_BLOCK(header[2]);
	SIP_BLOCK(header[4]);
	SIP_BLOCK(header[5]);
	SIP_BLOCK(40ULL << 56); /* the length, in the last byte */
	v2 ^= 0xff;
	SIP_ROUND();
	SIP_ROUND();
	SIP_ROUND();
	SIP_ROUND();
	return v0 ^ v1 ^ v2 ^ v3;
}

#endif
