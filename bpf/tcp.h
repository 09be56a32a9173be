/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* States of TCP, and those of its congestion control. */
#ifndef X0T_TCP_H
#define X0T_TCP_H

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
/* One more than the last state, TCP_BOUND_INACTIVE. */
#define TCP_STATES 14

#define TCP_CA_RECOVERY 3
#define TCP_CA_LOSS 4

/* The field is one of bits, whose place is relocated by pieces: the bytes that hold it, and how to shift them. */
static __always_inline __u8 congestion_state(struct tcp_sock *tcp)
{
	return BPF_CORE_READ_BITFIELD(&tcp->inet_conn, icsk_ca_state);
}

#endif
