/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Traffic generator: run with live frames (BPF_F_TEST_XDP_LIVE_FRAMES) on an interface, it sends every frame out of that
 * interface, or of another one. The kernel uses frames again as the program left them, so what varies is set each time.
 */
#include "vmlinux-min.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"

/* Sends by this interface; 0: by the one that the frames are run on. */
const volatile __u32 gen_ifindex = 0;
/* UDP source ports in turn, from gen_first_port up: flows, for receivers with several queues. */
const volatile __u16 gen_flows = 1;
/* With several flows frames are to be UDP over IPv4 without options and with the checksum zero. */
const volatile __u16 gen_first_port = 1024;

struct sent {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sent);
} x0t_gen_sent SEC(".maps");

#define SOURCE_PORT_OFFSET (sizeof(struct ethhdr) + sizeof(struct iphdr))

SEC("xdp")
int x0t_gen(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data;
	void *end = (void *)(long)xdp->data_end;
	__u32 key = 0;
	struct sent *sent = bpf_map_lookup_elem(&x0t_gen_sent, &key);

	if (!sent)
		return XDP_ABORTED;
	if (gen_flows > 1 && data + SOURCE_PORT_OFFSET + 2 <= end)
		*(__be16 *)(data + SOURCE_PORT_OFFSET) = bpf_htons(gen_first_port + sent->packets % gen_flows);
	sent->packets++;
	sent->bytes += end - data;
	return gen_ifindex ? bpf_redirect(gen_ifindex, 0) : XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
