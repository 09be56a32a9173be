/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fast path in the kernel and its owner, the daemon, share: the maps of fastpath.bpf.c. Sizes and offsets are a
 * contract: the owner reads them from the object's BTF, and takes over pinned maps only of the same layout number.
 *
 * Numbers of hop counters: below 2^52 the neighbour's daemon numbered the datagram, from 2^52 on its kernel did. Each
 * space has a replay window of its own, so neither writer needs to know of the other.
 */
#ifndef X0T_FASTPATH_H
#define X0T_FASTPATH_H

#define FASTPATH_LAYOUT 2
#define FASTPATH_MAX_LINKS 512
#define FASTPATH_MAX_ROUTES 4096
#define FASTPATH_MAX_NEIGHBOURS 512
/* Links that the metronome probes; the rest keep to the daemon's probes. */
#define FASTPATH_MAX_PROBED 64
#define FASTPATH_NONE 0xffff
#define FASTPATH_MAX_MUTE 64

/* Datagram types (version 1 in the high half). The 16 bytes after the hop header: u64 sent_ns, u64 number, both of the
 * prober; the reply gives them back. The label is zero. */
#define TYPE_DATA 0x10
#define TYPE_PROBE 0x11
#define TYPE_KERNEL_PROBE 0x15
#define TYPE_KERNEL_REPLY 0x16

#define HOP_HEADER_BYTES 32
#define HEADER_BYTES 48
#define KERNEL_COUNTER_BASE (1ULL << 52)
/* Datagrams of a link that may be late and are still accepted, in each number space. */
#define HOP_WINDOW 2048

/* fastpath_self, ARRAY of 1, mmapable. */
struct fastpath_self {
	__u64 label;          /* first 8 bytes of the node's id, as they lie in a datagram */
	__u64 valid_until_ns; /* CLOCK_MONOTONIC; past it every packet is left to the stack, as if the program were not there */
	__u32 layout;         /* FASTPATH_LAYOUT */
	__u16 port;           /* UDP port of the daemon, big endian */
	__u16 probed_count;   /* of probed[] */
	__u32 pacer_ifindex;  /* the end into which the metronome sends the token back */
	__u32 generation;     /* one more with every daemon that takes over */
	__u64 last_tick_ns;   /* written by the metronome */
	__u64 ticks;          /* written by the metronome */
	__u16 probed[FASTPATH_MAX_PROBED]; /* slots */
	__u64 longest_gap_ns; /* written by the metronome: between two ticks; the owner may clear it */
	__u64 late_ticks;     /* written by the metronome: ticks that came more than LATE_TICK_NS after the one before */
};

#define LINK_USED 1
/* The daemon's own probes get through. */
#define LINK_USER_ALIVE 2
/* The kernel is to probe it. */
#define LINK_PROBED 4
/* The daemon has given up the kernel's judgement (probes of daemons get through, those of kernels do not). */
#define LINK_UNWATCHED 8

/* state: judgement of the kernel. Only `down` keeps traffic off a link. */
#define KERNEL_UNKNOWN 0
#define KERNEL_UP 1
#define KERNEL_DOWN 2

/* fastpath_links, ARRAY of FASTPATH_MAX_LINKS by slot, mmapable. */
struct fastpath_link {
	/* Written by the daemon. */
	__u32 flags;
	__u16 remote_link_id; /* host order; big endian in the datagram */
	__u16 remote_port;    /* big endian */
	__u8 remote_ip[16];   /* IPv4 mapped into IPv6 (::ffff:a.b.c.d) */
	__u64 send_key[2];    /* little endian words, as SipHash reads them */
	__u64 receive_key[2];
	__u64 interval_ns;    /* between probes */
	__u64 deadline_ns;    /* silence after which it is down, if `misses` probes are unanswered */
	__u32 misses;
	__u16 neighbour;      /* index into fastpath_neighbours */
	__u16 reserved;
	/* Written by the kernel. */
	__u32 state;
	__u32 streak;         /* answers in a row while not up; KERNEL_UP after 3 */
	__u64 sent;           /* number of the last probe sent */
	__u64 answered;       /* number of the last probe answered */
	__u64 sent_ns;
	__u64 reply_ns;       /* arrival of the last valid reply */
	__u64 rtt_ns;         /* of the last reply */
	__u64 counter;        /* last hop counter that the kernel used, without KERNEL_COUNTER_BASE */
	__u64 consumed;       /* valid datagrams numbered by the neighbour's daemon that the kernel took (its daemon's loss count needs them) */
	__u64 tx_datagrams;
	__u64 tx_bytes;
	__u64 rx_datagrams;
	__u64 rx_bytes;
	__u64 stalls;         /* times that silence was blamed on this machine */
	__u64 downs;
	/* Learnt from valid datagrams of the neighbour that came from remote_ip and remote_port. ifindex 0: not yet. */
	__u32 ifindex;
	__u8 local_mac[6];
	__u8 remote_mac[6];
	__u8 local_ip[16];
};

/* fastpath_link_ids, HASH of FASTPATH_MAX_LINKS: u32 local link id -> u32 slot. */

/* fastpath_windows, ARRAY of 2 * FASTPATH_MAX_LINKS: slot * 2 + (numbered by a kernel ? 1 : 0). */
struct fastpath_window {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 top;
	__u64 words[2 * HOP_WINDOW / 64];
};

/* fastpath_neighbours, ARRAY of FASTPATH_MAX_NEIGHBOURS, mmapable: while keys are renewed a neighbour has two links. */
struct fastpath_neighbour {
	__u64 label;          /* first 8 bytes of its id; 0: free */
	__u16 slots[2];       /* the newest first; FASTPATH_NONE: none */
	__u32 reserved;
};

struct fastpath_tree {
	__u16 neighbour;      /* FASTPATH_NONE: none */
	__u16 hops;
};

/* fastpath_routes, HASH of FASTPATH_MAX_ROUTES: u64 label as it lies in a datagram -> struct fastpath_route. */
struct fastpath_route {
	__u16 next_hop;       /* indexes into fastpath_neighbours */
	__u16 alternate;      /* FASTPATH_NONE: none */
	__u32 feasible_us;
	__u32 alternate_remaining;
	__u8 alternate_plane; /* 1 repair, 2 red, 3 blue */
	__u8 has_former;
	__u8 former_is_held;
	__u8 reserved;
	struct fastpath_tree red, blue, former_red, former_blue;
};

/*
 * fastpath_mute, HASH of FASTPATH_MAX_MUTE: u32 ifindex -> u8: interfaces that send no frames for XDP, as a veth whose peer
 * has neither XDP nor GRO. Written by the daemon. What would leave there is left to it, and probes that come in there are not
 * answered.
 */

/* fastpath_counters, PERCPU_ARRAY of u64 by these indexes. */
enum fastpath_counter {
	COUNTER_FORWARDED,
	COUNTER_TO_REPAIR,
	COUNTER_TO_TREE,
	COUNTER_TO_SILENT,
	COUNTER_TO_USERSPACE,     /* valid, but the kernel cannot forward it: left to the daemon */
	COUNTER_PROBES_ANSWERED,
	COUNTER_REPLIES,
	COUNTER_DROPPED_TOO_SHORT,
	COUNTER_DROPPED_BAD_TAG,
	COUNTER_DROPPED_REPLAY,
	COUNTER_DROPPED_HOP_LIMIT,
	COUNTER_DROPPED_LOOP,
	COUNTER_REDIRECT_FAILED,
	COUNTER_COUNT,
};

/* fastpath_events, RINGBUF of 64 KiB. */
struct fastpath_event {
	__u32 slot;
	__u32 state;          /* KERNEL_UP or KERNEL_DOWN */
	__u64 at_ns;
	__u64 silence_ns;     /* since the last reply */
	__u64 rtt_ns;
};

#endif
