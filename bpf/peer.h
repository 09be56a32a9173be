/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Address of the other side, 16 bytes: IPv4 is mapped into IPv6 (::ffff:a.b.c.d), so that one map holds both. */
#ifndef X0T_PEER_H
#define X0T_PEER_H

struct peer {
	__be32 ip[4];
};

static __always_inline void peer_of_ipv4(struct peer *peer, __be32 ip)
{
	peer->ip[0] = 0;
	peer->ip[1] = 0;
	peer->ip[2] = bpf_htonl(0xffff);
	peer->ip[3] = ip;
}

static __always_inline void peer_of_ipv6(struct peer *peer, const __be32 ip[4])
{
	peer->ip[0] = ip[0];
	peer->ip[1] = ip[1];
	peer->ip[2] = ip[2];
	peer->ip[3] = ip[3];
}

/* Remote address of a socket of the kernel. */
static __always_inline void peer_of_socket(struct peer *peer, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET6) {
		peer->ip[0] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0];
		peer->ip[1] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1];
		peer->ip[2] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2];
		peer->ip[3] = sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3];
	} else {
		peer_of_ipv4(peer, sk->__sk_common.skc_daddr);
	}
}

#endif
