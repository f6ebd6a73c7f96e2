/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which packets of an interface the data plane gets (net_af_xdp). On an owned port all of them; on
 * a shared one UDP datagrams to a listener's address and port, and fragments of UDP datagrams to
 * its address. The kernel keeps everything else, and with no data plane behind the queue (its
 * sockets close when it dies) it gets these as well.
 *
 * With one VLAN tag (802.1Q) the same holds for the VLANs that the configuration names: a VLAN
 * interface is another interface, and others are the kernel's. So are frames with two tags. A tag
 * that the device has taken off before we see the frame is none here.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dataplane/steer/key.h"

#define IPV4_FRAGMENT 0x3fff /* more to come, or not the first */
#define IPV6_FRAGMENT 44

/* The name is what DPDK looks for. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STW_STEER_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STW_STEER_KEYS);
	__type(key, struct stw_steer_key);
	__type(value, __u8);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stw_steer_settings);
} settings SEC(".maps");

struct vlan_tag {
	__be16 tci;
	__be16 type; /* of what follows */
};

struct ipv6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* Fill in @key, without a port for a fragment. 0: no UDP. */
static __always_inline int see_ipv4(void *at, void *end, struct stw_steer_key *key)
{
	struct iphdr *ip = at;
	struct udphdr *udp;

	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_UDP || ip->ihl < 5)
		return 0;
	key->ip[10] = 0xff;
	key->ip[11] = 0xff;
	__builtin_memcpy(key->ip + 12, &ip->daddr, 4);
	if (ip->frag_off & bpf_htons(IPV4_FRAGMENT))
		return 1;
	udp = at + ip->ihl * 4;
	if ((void *)(udp + 1) > end)
		return 0;
	key->port = udp->dest;
	return 1;
}

static __always_inline int see_ipv6(void *at, void *end, struct stw_steer_key *key)
{
	struct ipv6hdr *ip = at;
	struct ipv6_fragment *fragment = at + sizeof(*ip);
	struct udphdr *udp = at + sizeof(*ip);

	if ((void *)(udp + 1) > end)
		return 0;
	__builtin_memcpy(key->ip, &ip->daddr, 16);
	if (ip->nexthdr == IPPROTO_UDP) {
		key->port = udp->dest;
		return 1;
	}
	return ip->nexthdr == IPV6_FRAGMENT && (void *)(fragment + 1) <= end &&
	       fragment->nexthdr == IPPROTO_UDP;
}

/* VLAN 0 is none: such a tag carries a priority only. */
static __always_inline int is_our_vlan(const struct stw_steer_settings *s, __be16 tci)
{
	const __u32 vlan = bpf_ntohs(tci) & 0xfff;

	return vlan == 0 || (s->vlans[vlan / 64] >> (vlan % 64) & 1);
}

static __always_inline int is_listeners(struct xdp_md *ctx, const struct stw_steer_settings *s)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct stw_steer_key key = {};
	void *at = eth + 1;
	__be16 type;

	if (at > end)
		return 0;
	type = eth->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		struct vlan_tag *tag = at;

		at = tag + 1;
		if (at > end || !is_our_vlan(s, tag->tci))
			return 0;
		type = tag->type;
	}
	if (type == bpf_htons(ETH_P_IP)) {
		if (!see_ipv4(at, end, &key))
			return 0;
	} else if (type != bpf_htons(ETH_P_IPV6) || !see_ipv6(at, end, &key)) {
		return 0;
	}
	return bpf_map_lookup_elem(&listeners, &key) != 0;
}

SEC("xdp")
int strowger_steer(struct xdp_md *ctx)
{
	__u32 first = 0;
	struct stw_steer_settings *s = bpf_map_lookup_elem(&settings, &first);

	if (s && (s->all || is_listeners(ctx, s)))
		return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
	return XDP_PASS;
}

/* The helpers used are open to all; the kernel asks for a word nonetheless. */
char license_text[] SEC("license") = "Dual BSD/GPL";
