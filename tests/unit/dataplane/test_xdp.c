/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program, as DPDK loads it, run by the kernel over frames of ours; and the hold on an
 * interface. In namespaces of its own; needs root and AF_XDP, and skips without.
 */
#include "tests/unit/dataplane/netns.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <strowger/errors.h>

#include "dataplane/steer/xdp.h"

#define QUEUE 0
#define RING  64
#define CHUNK 2048

static const uint16_t vlans[] = {63, 64, 4094};
static const struct stw_xdp_take owned = {.all = true}, shared = {0},
				 with_vlans = {.vlans = vlans, .n_vlans = 3};

struct fixture {
	struct bpf_object *object;
	int program;
	int xsk;
	void *umem;
	struct stw_xdp xdp;
};

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* As net_af_xdp does with its xdp_prog= argument. */
static void load_and_attach(struct fixture *f)
{
	char path[32];

	assert_int_equal(stw_xdp_path(path), STW_OK);
	f->object = bpf_object__open_file(path, NULL);
	assert_non_null(f->object);
	assert_int_equal(bpf_object__load(f->object), 0);
	f->program = bpf_program__fd(bpf_object__next_program(f->object, NULL));
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("dp0"), f->program,
					XDP_FLAGS_UPDATE_IF_NOEXIST, NULL),
			 0);
}

static void put_socket(struct fixture *f)
{
	const struct xdp_umem_reg reg = {.addr = (uintptr_t)f->umem,
					 .len = RING * CHUNK,
					 .chunk_size = CHUNK};
	const struct sockaddr_xdp to = {.sxdp_family = AF_XDP,
					.sxdp_ifindex = if_nametoindex("dp0"),
					.sxdp_queue_id = QUEUE,
					.sxdp_flags = XDP_COPY};
	const int rings[] = {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING};
	const int n = RING;
	const __u32 queue = QUEUE;
	int map = bpf_object__find_map_fd_by_name(f->object, "xsks_map");

	assert_return_code(setsockopt(f->xsk, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)), errno);
	for (unsigned i = 0; i < 3; i++)
		assert_return_code(setsockopt(f->xsk, SOL_XDP, rings[i], &n, sizeof(n)), errno);
	assert_return_code(bind(f->xsk, (const struct sockaddr *)&to, sizeof(to)), errno);
	assert_return_code(bpf_map_update_elem(map, &queue, &f->xsk, BPF_ANY), errno);
}

/* The program at the interface, a socket for what it takes, and the hold on both. */
static void hold(struct fixture *f, const struct stw_xdp_take *how)
{
	load_and_attach(f);
	put_socket(f);
	assert_int_equal(stw_xdp_hold("dp0", how, &f->xdp), STW_OK);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	libbpf_set_print(quiet);
	assert_non_null(f);
	f->xdp = STW_XDP_NONE;
	f->umem = mmap(NULL, RING * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	*state = f;
	if (!netns_enter() || sh("ip link set dp0 up") != 0)
		return 1;
	f->xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	return f->xsk < 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stw_xdp_release(&f->xdp);
	bpf_object__close(f->object);
	close(f->xsk);
	munmap(f->umem, RING * CHUNK);
	netns_leave();
	free(f);
	return 0;
}

/* --- frames --- */

static const uint8_t ip4[4] = {192, 0, 2, 1}, other4[4] = {192, 0, 2, 9};
static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

struct frame {
	uint8_t b[128];
	unsigned len;
};

static struct frame frame4(const uint8_t to[4], uint8_t protocol, uint16_t fragment, uint16_t port)
{
	struct frame f = {.len = 14 + 20 + 8 + 16};
	uint8_t *ip = f.b + 14;

	f.b[12] = 0x08;
	ip[0] = 0x45;
	ip[6] = (uint8_t)(fragment >> 8);
	ip[7] = (uint8_t)fragment;
	ip[9] = protocol;
	memcpy(ip + 16, to, 4);
	ip[22] = (uint8_t)(port >> 8);
	ip[23] = (uint8_t)port;
	return f;
}

/* @fragment: with a fragment header, whose payload is of @protocol. */
static struct frame frame6(const uint8_t to[16], uint8_t protocol, bool fragment, uint16_t port)
{
	struct frame f = {.len = 14 + 40 + 8 + 16};
	uint8_t *ip = f.b + 14, *l4 = ip + 40;

	f.b[12] = 0x86;
	f.b[13] = 0xdd;
	ip[0] = 0x60;
	ip[6] = fragment ? 44 : protocol;
	memcpy(ip + 24, to, 16);
	if (fragment) {
		l4[0] = protocol;
	} else {
		l4[2] = (uint8_t)(port >> 8);
		l4[3] = (uint8_t)port;
	}
	return f;
}

static bool taken(const struct fixture *f, struct frame frame)
{
	struct xdp_md md = {.data_end = frame.len,
			    .ingress_ifindex = if_nametoindex("dp0"),
			    .rx_queue_index = QUEUE};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.b, .data_size_in = frame.len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1);

	assert_return_code(bpf_prog_test_run_opts(f->program, &opts), errno);
	assert_true(opts.retval == XDP_PASS || opts.retval == XDP_REDIRECT);
	return opts.retval == XDP_REDIRECT;
}

static struct stw_endpoint listener(const uint8_t *ip, bool v4, uint16_t port)
{
	return (struct stw_endpoint){.ip = v4 ? stw_ip_from_v4(ip) : stw_ip_from_v6(ip),
				     .port = port};
}

static void listen_on(struct fixture *f, uint16_t port)
{
	const struct stw_endpoint l[] = {listener(ip4, true, port), listener(ip6, false, port)};

	assert_int_equal(stw_xdp_listeners(&f->xdp, l, 2), STW_OK);
}

/* --- tests --- */

static void shared_takes_what_is_sent_to_listeners(void **state)
{
	struct fixture *f = *state;

	hold(f, &shared);
	assert_false(taken(f, frame4(ip4, IPPROTO_UDP, 0, 5060)));
	listen_on(f, 5060);
	assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0, 5060)));
	assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0x4000, 5060))); /* don't fragment */
	assert_true(taken(f, frame6(ip6, IPPROTO_UDP, false, 5060)));
	assert_false(taken(f, frame4(ip4, IPPROTO_UDP, 0, 5061)));
	assert_false(taken(f, frame4(other4, IPPROTO_UDP, 0, 5060)));
	assert_false(taken(f, frame4(ip4, IPPROTO_TCP, 0, 5060)));
	assert_false(taken(f, frame6(ip6, IPPROTO_TCP, false, 5060)));
	assert_false(taken(f, frame6(ip6, IPPROTO_UDP, false, 53)));
}

static void shared_takes_fragments_to_their_addresses(void **state)
{
	struct fixture *f = *state;

	hold(f, &shared);
	listen_on(f, 5060);
	assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0x2000, 9)));
	assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0x00b9, 9)));
	assert_true(taken(f, frame6(ip6, IPPROTO_UDP, true, 0)));
	assert_false(taken(f, frame4(other4, IPPROTO_UDP, 0x2000, 5060)));
	assert_false(taken(f, frame4(ip4, IPPROTO_TCP, 0x2000, 5060)));
	assert_false(taken(f, frame6(ip6, IPPROTO_TCP, true, 0)));
}

static void frames_cut_anywhere_are_the_kernels_or_whole(void **state)
{
	struct fixture *f = *state;
	struct frame v4 = frame4(ip4, IPPROTO_UDP, 0, 5060),
		     v6 = frame6(ip6, IPPROTO_UDP, false, 5060);

	hold(f, &shared);
	listen_on(f, 5060);
	for (v4.len = 15; v4.len < 64; v4.len++)
		assert_int_equal(taken(f, v4), v4.len >= 14 + 20 + 8);
	for (v6.len = 15; v6.len < 80; v6.len++)
		assert_int_equal(taken(f, v6), v6.len >= 14 + 40 + 8);
	v4 = frame4(ip4, IPPROTO_UDP, 0, 5060);
	v4.b[14] = 0x44; /* a header of 16 bytes */
	assert_false(taken(f, v4));
	v4.b[14] = 0x4f; /* one with options, that leaves no room */
	assert_false(taken(f, v4));
}

/* @f with one more tag. @type: 0x8100 or 0x88a8 */
static struct frame tagged(struct frame f, uint16_t type, uint16_t tci)
{
	const uint8_t tag[] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tci >> 8),
			       (uint8_t)tci};

	memmove(f.b + 16, f.b + 12, f.len - 12);
	memcpy(f.b + 12, tag, 4);
	f.len += 4;
	return f;
}

static void shared_takes_the_vlans_that_are_named(void **state)
{
	struct fixture *f = *state;
	const struct frame v4 = frame4(ip4, IPPROTO_UDP, 0, 5060),
			   v6 = frame6(ip6, IPPROTO_UDP, false, 5060);
	static const uint16_t others[] = {1, 62, 65, 128, 4095};

	hold(f, &with_vlans);
	listen_on(f, 5060);
	assert_true(taken(f, v4));
	assert_true(taken(f, tagged(v4, 0x8100, 0xe000))); /* a priority, no VLAN */
	for (size_t i = 0; i < 3; i++) {
		assert_true(taken(f, tagged(v4, 0x8100, vlans[i])));
		assert_true(taken(f, tagged(v4, 0x8100, (uint16_t)(0xf000 | vlans[i]))));
		assert_true(taken(f, tagged(v6, 0x8100, vlans[i])));
		assert_true(
			taken(f, tagged(frame4(ip4, IPPROTO_UDP, 0x2000, 9), 0x8100, vlans[i])));
		assert_true(taken(f, tagged(frame6(ip6, IPPROTO_UDP, true, 0), 0x8100, vlans[i])));
		assert_false(taken(f, tagged(frame4(ip4, IPPROTO_UDP, 0, 5061), 0x8100, vlans[i])));
		assert_false(taken(f, tagged(frame4(ip4, IPPROTO_TCP, 0, 5060), 0x8100, vlans[i])));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(taken(f, tagged(v4, 0x8100, others[i])));
}

static void frames_with_two_tags_are_the_kernels(void **state)
{
	struct fixture *f = *state;
	const struct frame v4 = frame4(ip4, IPPROTO_UDP, 0, 5060);

	hold(f, &with_vlans);
	listen_on(f, 5060);
	assert_false(taken(f, tagged(tagged(v4, 0x8100, 64), 0x88a8, 64)));
	assert_false(taken(f, tagged(tagged(v4, 0x8100, 64), 0x8100, 64)));
	assert_false(taken(f, tagged(v4, 0x88a8, 64)));
}

/* No VLAN is named: all tags but a priority's are the kernel's. */
static void without_vlans_tagged_frames_are_the_kernels(void **state)
{
	struct fixture *f = *state;
	const struct frame v4 = frame4(ip4, IPPROTO_UDP, 0, 5060);

	hold(f, &shared);
	listen_on(f, 5060);
	for (uint16_t vlan = 1; vlan < 4096; vlan++)
		assert_false(taken(f, tagged(v4, 0x8100, vlan)));
}

static void tagged_frames_cut_anywhere_are_the_kernels_or_whole(void **state)
{
	struct fixture *f = *state;
	struct frame v4 = tagged(frame4(ip4, IPPROTO_UDP, 0, 5060), 0x8100, 64),
		     v6 = tagged(frame6(ip6, IPPROTO_UDP, false, 5060), 0x8100, 64);

	hold(f, &with_vlans);
	listen_on(f, 5060);
	for (v4.len = 15; v4.len < 64; v4.len++)
		assert_int_equal(taken(f, v4), v4.len >= 18 + 20 + 8);
	for (v6.len = 15; v6.len < 80; v6.len++)
		assert_int_equal(taken(f, v6), v6.len >= 18 + 40 + 8);
}

static void listeners_are_replaced(void **state)
{
	struct fixture *f = *state;
	struct stw_endpoint many[300];

	hold(f, &shared);
	for (uint16_t i = 0; i < 300; i++)
		many[i] = listener(ip4, true, (uint16_t)(6000 + i));
	assert_int_equal(stw_xdp_listeners(&f->xdp, many, 300), STW_OK);
	for (uint16_t i = 0; i < 300; i++)
		assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0, (uint16_t)(6000 + i))));
	listen_on(f, 6007);
	for (uint16_t i = 0; i < 300; i++)
		assert_int_equal(taken(f, frame4(ip4, IPPROTO_UDP, 0, (uint16_t)(6000 + i))),
				 i == 7);
	assert_int_equal(stw_xdp_listeners(&f->xdp, NULL, 0), STW_OK);
	assert_false(taken(f, frame4(ip4, IPPROTO_UDP, 0, 6007)));
	assert_false(taken(f, frame4(ip4, IPPROTO_UDP, 0x2000, 0)));
}

static void owned_takes_everything(void **state)
{
	struct fixture *f = *state;

	hold(f, &owned);
	assert_true(taken(f, frame4(other4, IPPROTO_TCP, 0, 22)));
}

/* A dead data plane: its sockets are closed, so the kernel gets all. */
static void without_a_socket_all_passes(void **state)
{
	struct fixture *f = *state;

	hold(f, &shared);
	listen_on(f, 5060);
	assert_true(taken(f, frame4(ip4, IPPROTO_UDP, 0, 5060)));
	close(f->xsk);
	f->xsk = -1;
	assert_false(taken(f, frame4(ip4, IPPROTO_UDP, 0, 5060)));
}

static __u32 attached(void)
{
	__u32 id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex("dp0"), 0, &id), 0);
	return id;
}

static void release_leaves_a_bare_interface(void **state)
{
	struct fixture *f = *state;

	load_and_attach(f);
	assert_int_not_equal(attached(), 0);
	assert_int_equal(stw_xdp_hold("dp0", &shared, &f->xdp), STW_OK);
	assert_int_not_equal(attached(), 0);
	stw_xdp_release(&f->xdp);
	assert_int_equal(attached(), 0);
	stw_xdp_release(&f->xdp); /* once more does no harm */
}

static void what_nobody_holds_is_cleared(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(stw_xdp_clear("dp0"), STW_OK);
	load_and_attach(f);
	assert_int_equal(stw_xdp_clear("dp0"), STW_OK);
	assert_int_equal(attached(), 0);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("dp0"), f->program, 0, NULL), 0);
	assert_int_equal(stw_xdp_hold("dp0", &shared, &f->xdp), STW_OK);
	assert_int_equal(stw_xdp_clear("dp0"), STW_EBUSY);
	assert_int_not_equal(attached(), 0);
	assert_int_equal(stw_xdp_clear("nothere0"), STW_EIO);
}

static void a_kill_leaves_a_bare_interface(void **state)
{
	struct fixture *f = *state;
	int ends[2], status;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	if (child == 0) {
		load_and_attach(f);
		if (stw_xdp_hold("dp0", &shared, &f->xdp) != STW_OK || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_not_equal(attached(), 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (unsigned i = 0; attached() != 0 && i < 10000; i++)
		usleep(1000);
	assert_int_equal(attached(), 0);
	close(ends[0]);
	close(ends[1]);
}

static void other_programs_are_left_alone(void **state)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct fixture *f = *state;
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "BSD", pass, 2, NULL);

	assert_return_code(program, errno);
	assert_int_equal(stw_xdp_hold("dp0", &shared, &f->xdp), STW_ENOENT);
	assert_int_equal(stw_xdp_hold("nothere0", &shared, &f->xdp), STW_EIO);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("dp0"), program, 0, NULL), 0);
	assert_int_equal(stw_xdp_hold("dp0", &shared, &f->xdp), STW_ENOENT);
	assert_int_equal(stw_xdp_clear("dp0"), STW_EBUSY);
	assert_int_not_equal(attached(), 0);
	assert_int_equal(f->xdp.link_fd, -1);
	close(program);
}

#define IN_NETNS(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETNS(shared_takes_what_is_sent_to_listeners),
		IN_NETNS(shared_takes_fragments_to_their_addresses),
		IN_NETNS(frames_cut_anywhere_are_the_kernels_or_whole),
		IN_NETNS(shared_takes_the_vlans_that_are_named),
		IN_NETNS(frames_with_two_tags_are_the_kernels),
		IN_NETNS(without_vlans_tagged_frames_are_the_kernels),
		IN_NETNS(tagged_frames_cut_anywhere_are_the_kernels_or_whole),
		IN_NETNS(listeners_are_replaced),
		IN_NETNS(owned_takes_everything),
		IN_NETNS(without_a_socket_all_passes),
		IN_NETNS(release_leaves_a_bare_interface),
		IN_NETNS(what_nobody_holds_is_cleared),
		IN_NETNS(a_kill_leaves_a_bare_interface),
		IN_NETNS(other_programs_are_left_alone),
	};
	int xsk = socket(AF_XDP, SOCK_RAW, 0);

	if (xsk < 0 || !netns_possible()) {
		puts("1..0 # SKIP needs root and AF_XDP");
		return 0;
	}
	close(xsk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
