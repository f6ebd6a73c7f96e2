/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow path with real sockets, in a network namespace whose loopback carries everybody's
 * addresses: the test farm's listener and members, a far end, and a DNS server. Needs root.
 */
#include "tests/unit/dataplane/netns.h"

#include <ev.h>
#include <poll.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/slow/registering.h"
#include "control/slow/slow.h"
#include "control/slow/waiting.h"
#include "tests/support/farm.h"
#include "tests/support/lanes.h"
#include "tests/support/registrar_model.h"
#include "tests/support/turn.h"
#include "tests/unit/model/temp_dir.h"
#include "tests/unit/resolve/fake_dns.h"

struct rig {
	struct ev_loop *loop;
	struct fake_dns dns;
	struct stw_names *names;
	struct stw_slow *slow;
	struct stw_farm farm;
	struct stw_model_port port;
	struct stw_model_address addresses[3];
	struct stw_model_resolver resolver;
	char domains[1][STW_DOMAIN_MAX];
	uint64_t generation;
	bool hold_back; /* no new tables: control cannot send */
	int member, far;
	char got[4096];
};

/* As control does: names changed, so tables are built anew. */
static void serve(void *ctx)
{
	struct rig *r = ctx;
	struct stw_image_resolved *rows;
	struct stw_image image;
	size_t n;

	if (r->hold_back)
		return;
	assert_int_equal(stw_names_collect(r->names, &rows, &n), STW_OK);
	assert_int_equal(stw_image_build_named(&r->farm.model, NULL, rows, n, ++r->generation,
					       &image),
			 STW_OK);
	free(rows);
	stw_slow_serve(r->slow, &image);
	stw_image_fini(&image);
}

static socklen_t to_address(const struct stw_endpoint *ep, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (stw_ip_is_v4(&ep->ip)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(ep->port);
		memcpy(&v4->sin_addr, ep->ip.b + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(ep->port);
	memcpy(&v6->sin6_addr, ep->ip.b, 16);
	return sizeof(*v6);
}

static int bound(struct stw_endpoint ep)
{
	struct sockaddr_storage a;
	socklen_t len = to_address(&ep, &a);
	int fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	return fd;
}

static void make_model(struct rig *r)
{
	stw_farm_init(&r->farm, 2);
	r->addresses[0].prefix =
		(struct stw_model_prefix){.ip = stw_farm_v4(192, 0, 2, 1, 0).ip, .bits = 24};
	r->addresses[1].prefix =
		(struct stw_model_prefix){.ip = stw_farm_v4(198, 51, 100, 1, 0).ip, .bits = 24};
	r->port.addresses = r->addresses;
	r->addresses[2].prefix = (struct stw_model_prefix){.ip = stw_farm_v6(1, 0).ip, .bits = 64};
	r->port.n_addresses = 3;
	r->farm.model.ports = &r->port;
	r->farm.model.n_ports = 1;
	/* the second member by IPv6 */
	r->farm.members[1].address = stw_farm_v6(0x10, 5060);
	r->farm.members[1].id = stw_member_id(&r->farm.members[1].address);
	r->resolver = (struct stw_model_resolver){.servers = &r->dns.address,
						  .n_servers = 1,
						  .min_ttl_s = 5,
						  .max_ttl_s = 100,
						  .negative_ttl_s = 60,
						  .max_names = 100};
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->loop = ev_loop_new(EVFLAG_AUTO);
	fake_dns_start(&r->dns, r->loop);
	make_model(r);
	r->names = stw_names_new(r->loop, serve, r);
	assert_non_null(r->names);
	assert_int_equal(stw_names_configure(r->names, &r->resolver, true, true), STW_OK);
	r->slow = stw_slow_new(r->loop, r->names);
	assert_non_null(r->slow);
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	stw_slow_link(r->slow, &r->farm.model, true);
	serve(r);
	r->member = bound(stw_farm_v4(198, 51, 100, 10, 5060));
	r->far = bound(stw_farm_v4(203, 0, 113, 9, 5060));
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);

	assert_int_equal(c->received, c->sent + c->answered + c->dropped + c->waiting);
	stw_slow_free(r->slow);
	stw_names_free(r->names);
	fake_dns_stop(&r->dns);
	close(r->member);
	close(r->far);
	ev_loop_destroy(r->loop);
	free(r);
	return 0;
}

static void send_to(int fd, const char *text, struct stw_endpoint listener)
{
	struct sockaddr_storage to;
	socklen_t len = to_address(&listener, &to);

	assert_int_equal(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, len),
			 strlen(text));
}

static void send_text(int fd, const char *text)
{
	send_to(fd, text, stw_farm_v4(192, 0, 2, 1, 5060));
}

static void send_request(struct rig *r, const char *method, const char *uri, const char *call_id)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.10;branch=z9hG4bK1\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %s\r\n"
		 "CSeq: 1 %s\r\nContent-Length: 4\r\n\r\nbody",
		 method, uri, call_id, method);
	send_text(r->member, text);
}

static bool has_value(void *counter, const void *value)
{
	return *(const uint64_t *)counter >= *(const uint64_t *)value;
}

/* Turn the loop until @counter has that value. */
static void until(struct rig *r, const uint64_t *counter, uint64_t value)
{
	turn_until(r->loop, has_value, (void *)counter, &value);
	assert_int_equal(*counter, value);
}

/* What came to @fd, NUL-terminated; sent before on loopback, so it is there. */
static const char *receive(struct rig *r, int fd, struct sockaddr_in *from)
{
	socklen_t len = sizeof(*from);
	ssize_t n = recvfrom(fd, r->got, sizeof(r->got) - 1, 0, (struct sockaddr *)from, &len);

	assert_true(n > 0);
	r->got[n] = '\0';
	return r->got;
}

static void the_first_message_to_a_name_waits_and_is_not_lost(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;

	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "203.0.113.9");
	send_request(r, "INVITE", "sip:bob@Far.Example", "one");
	send_request(r, "INVITE", "sip:bob@far.example", "two");
	until(r, &c->sent, 2);
	const char *text = receive(r, r->far, &from);
	assert_memory_equal(text,
			    "INVITE sip:bob@Far.Example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1", 60);
	assert_non_null(strstr(text, "Max-Forwards: 69\r\n"));
	assert_non_null(strstr(text, "Record-Route: <sip:192.0.2.1:5060;lr;stw="));
	assert_non_null(strstr(text, "\r\n\r\nbody"));
	assert_int_equal(ntohs(from.sin_port), 5060);
	assert_string_equal(inet_ntoa(from.sin_addr), "192.0.2.1");
	assert_non_null(strstr(receive(r, r->far, &from), "Call-ID: two\r\n"));
	/* Known now: nothing waits, nobody is asked. */
	unsigned asked = r->dns.n_questions;
	send_request(r, "BYE", "sip:bob@far.example", "one");
	until(r, &c->sent, 3);
	assert_int_equal(r->dns.n_questions, asked);
}

/* The lanes as the one worker has them. */
struct worker {
	struct lanes_memory lanes;
	struct stw_lane_writer up;
	struct stw_lane_reader down;
};

static void open_lanes(struct rig *r, struct worker *w)
{
	w->lanes.size = stw_lanes_size(1);
	assert_int_equal(stw_slow_lanes(r->slow, 1, &w->lanes.memory, &w->lanes.doorbell), STW_OK);
	w->lanes.h =
		mmap(NULL, w->lanes.size, PROT_READ | PROT_WRITE, MAP_SHARED, w->lanes.memory, 0);
	assert_true(w->lanes.h != MAP_FAILED);
	w->up.ring = &w->lanes.h->lane[0].up;
	w->down.ring = &w->lanes.h->lane[0].down;
	atomic_store(&w->lanes.h->taken, 1);
}

static void hand_over(struct worker *w, const char *uri, const char *call_id)
{
	const struct stw_endpoint us = stw_farm_v4(192, 0, 2, 1, 5060);
	const struct stw_endpoint member = stw_farm_v4(198, 51, 100, 10, 5060);
	const uint64_t one = 1;
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.10;branch=z9hG4bK1\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
			 "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
			 uri, call_id);

	assert_true(stw_lane_put(&w->up, &us, &member, text, (size_t)n));
	if (stw_lane_show(&w->up) && stw_lanes_must_ring(w->lanes.h))
		assert_int_equal(write(w->lanes.doorbell, &one, sizeof(one)), sizeof(one));
}

/* What the worker is to send, NUL-terminated. */
static const char *given_back(struct rig *r, struct worker *w, struct stw_lane_message *m)
{
	ev_run(r->loop, EVRUN_NOWAIT); /* shown at the end of a turn */
	assert_int_equal(stw_lane_get(&w->down, m), STW_OK);
	assert_true(m->len < sizeof(r->got));
	memcpy(r->got, m->bytes, m->len);
	r->got[m->len] = '\0';
	stw_lane_release(&w->down);
	return r->got;
}

static void what_comes_by_a_lane_leaves_by_it(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct worker w = {0};
	struct stw_lane_message m = {0};

	open_lanes(r, &w);
	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "198.51.100.77");
	hand_over(&w, "sip:bob@none.example", "one");
	until(r, &c->answered, 1);
	assert_memory_equal(given_back(r, &w, &m), "SIP/2.0 503 Name Not Resolved\r\n", 31);
	assert_int_equal(m.peer.port, 5060);
	assert_int_equal(m.peer.ip.b[15], 10);
	/* Also when it had to wait. */
	hand_over(&w, "sip:bob@far.example", "two");
	until(r, &c->sent, 1);
	assert_non_null(strstr(given_back(r, &w, &m), "Call-ID: two\r\n"));
	assert_int_equal(m.peer.ip.b[15], 77);
	/* What came by a socket leaves by it. */
	send_request(r, "INVITE", "sip:bob@none.example", "three");
	until(r, &c->answered, 2);
	ev_run(r->loop, EVRUN_NOWAIT);
	assert_int_equal(stw_lane_get(&w.down, &m), STW_EAGAIN);
	munmap(w.lanes.h, w.lanes.size);
}

/* The kernel may know a way where workers have none. */
static void without_a_route_it_leaves_by_the_socket(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct worker w = {0};
	struct stw_lane_message m = {0};
	struct sockaddr_in from;

	open_lanes(r, &w);
	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "203.0.113.9");
	hand_over(&w, "sip:bob@far.example", "one");
	until(r, &c->sent, 1);
	assert_non_null(strstr(receive(r, r->far, &from), "Call-ID: one\r\n"));
	ev_run(r->loop, EVRUN_NOWAIT);
	assert_int_equal(stw_lane_get(&w.down, &m), STW_EAGAIN);
	munmap(w.lanes.h, w.lanes.size);
}

static void where_there_is_no_kernel_side_control_sends_by_a_lane(void **state)
{
	struct rig *r = *state;
	const struct stw_endpoint member = stw_farm_v4(198, 51, 100, 10, 5060);
	const struct stw_secret *secret;
	struct stw_endpoint local;
	struct worker w = {0};
	struct stw_lane_message m = {0};

	r->port.kernel = STW_KERNEL_SIDE_NONE;
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	assert_int_equal(stw_slow_way(r->slow, &member, &local, &secret), STW_ENOENT);
	assert_false(stw_slow_send(r->slow, &local, &member, "probe", 5));
	open_lanes(r, &w);
	assert_int_equal(stw_slow_way(r->slow, &member, &local, &secret), STW_OK);
	assert_true(stw_slow_send(r->slow, &local, &member, "probe", 5));
	assert_string_equal(given_back(r, &w, &m), "probe");
	assert_true(stw_endpoint_equal(&m.local, &local));
	assert_true(stw_endpoint_equal(&m.peer, &member));
	munmap(w.lanes.h, w.lanes.size);
}

/* The data plane dies while a message waits: its answer takes the other way. */
static void what_waited_for_a_lane_that_is_gone_leaves_by_the_socket(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct worker w = {0};
	struct sockaddr_in from;

	open_lanes(r, &w);
	r->hold_back = true;
	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "198.51.100.10");
	hand_over(&w, "sip:bob@far.example", "one");
	until(r, &c->waiting, 1);
	stw_slow_link(r->slow, &r->farm.model, false);
	munmap(w.lanes.h, w.lanes.size);
	stw_slow_link(r->slow, &r->farm.model, true);
	r->hold_back = false;
	send_request(r, "INVITE", "sip:bob@none.example", "two");
	until(r, &c->sent, 1);
	assert_non_null(strstr(receive(r, r->member, &from), "Call-ID: one\r\n"));
	until(r, &c->answered, 1);
}

static void a_name_that_is_none_is_answered_503(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;

	send_request(r, "INVITE", "sip:bob@none.example", "one");
	until(r, &c->answered, 1);
	assert_memory_equal(receive(r, r->member, &from), "SIP/2.0 503 Name Not Resolved\r\n", 31);
	assert_string_equal(inet_ntoa(from.sin_addr), "192.0.2.1");
	send_request(r, "ACK", "sip:bob@none.example", "two");
	until(r, &c->dropped, 1);
}

static void without_new_tables_a_message_times_out_with_503(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;

	r->hold_back = true;
	send_request(r, "OPTIONS", "sip:bob@far.example", "one");
	until(r, &c->waiting, 1);
	until(r, &c->timed_out, 1);
	assert_int_equal(c->answered, 1);
	assert_memory_equal(receive(r, r->member, &from), "SIP/2.0 503 ", 12);
	assert_int_equal(c->waiting, 0);
}

static void one_sender_cannot_fill_the_queue(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);

	r->hold_back = true;
	r->dns.silent = true;
	for (unsigned i = 0; i < STW_WAITING_A_SENDER + 3; i++) {
		send_request(r, "MESSAGE", "sip:bob@far.example", "x");
		until(r, &c->received, i + 1);
	}
	assert_int_equal(c->waiting, STW_WAITING_A_SENDER);
	assert_int_equal(c->queue_full, 3);
	assert_int_equal(c->answered, 3);
}

static void strangers_and_noise_are_handled_as_by_workers(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);

	send_text(r->far, "\r\n\r\n");
	send_text(r->far, "noise");
	until(r, &c->dropped, 2);
	/* a stranger's request to a name goes to a member, and no name is resolved */
	send_text(r->far, "MESSAGE sip:bob@far.example SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
			  "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: s\r\n"
			  "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n");
	until(r, &c->sent, 1);
	assert_int_equal(r->dns.n_asked, 0);
}

static void ipv6_goes_the_same_way(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	int member = bound(stw_farm_v6(0x10, 5060)), far = bound(stw_farm_v6(9, 5080));

	fake_dns_add(&r->dns, "far.example", STW_DNS_AAAA, 60, "2001:db8::9");
	send_to(member,
		"MESSAGE sip:bob@far.example:5080 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP [2001:db8::10];branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: s\r\n"
		"CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
		stw_farm_v6(1, 5060));
	until(r, &c->sent, 1);
	ssize_t n = recv(far, r->got, sizeof(r->got) - 1, 0);
	assert_true(n > 0);
	r->got[n] = '\0';
	assert_non_null(strstr(r->got, "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK"));
	close(member);
	close(far);
}

static void without_a_data_plane_the_addresses_are_left_alone(void **state)
{
	struct rig *r = *state;

	stw_slow_link(r->slow, &r->farm.model, false);
	close(bound(stw_farm_v4(192, 0, 2, 1, 5060)));
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	close(bound(stw_farm_v4(192, 0, 2, 1, 5060)));
	stw_slow_link(r->slow, &r->farm.model, true);
	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "203.0.113.9");
	send_request(r, "MESSAGE", "sip:bob@far.example", "one");
	until(r, &stw_slow_counters(r->slow)->sent, 1);
}

static void a_reload_keeps_moves_and_closes_sockets(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);

	r->farm.listeners[0].address = stw_farm_v4(192, 0, 2, 1, 5070);
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	serve(r);
	/* nobody is at the old port any more: it can be had */
	close(bound(stw_farm_v4(192, 0, 2, 1, 5060)));
	r->farm.listeners[0].address = stw_farm_v4(192, 0, 2, 1, 5060);
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	serve(r);
	fake_dns_add(&r->dns, "far.example", STW_DNS_A, 60, "203.0.113.9");
	send_request(r, "MESSAGE", "sip:bob@far.example", "one");
	until(r, &c->sent, 1);
}

static int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return sh("ip link set lo up && ip addr add 192.0.2.1/24 dev lo && ip addr add "
		  "198.51.100.10/24 dev lo && ip addr add 198.51.100.11/24 dev lo && "
		  "ip addr add 203.0.113.9/24 dev lo && for a in 1 9 10; do "
		  "ip addr add 2001:db8::$a/64 dev lo nodad || exit 1; done");
}

static void send_register(struct rig *r, const char *call_id)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "REGISTER sip:example.com SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
		 "From: <sip:bob@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: <sip:bob@203.0.113.9>\r\n\r\n",
		 call_id);
	send_text(r->far, text);
}

static void host_a_domain(struct rig *r, const char *store)
{
	snprintf(r->domains[0], STW_DOMAIN_MAX, "example.com");
	stw_registrar_host(&r->farm.model, r->domains, 1, store);
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	serve(r);
}

static void phones_register_and_are_answered_when_it_lasts(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;
	uint64_t n;

	assert_int_equal(temp_dir_make(NULL), 0);
	host_a_domain(r, temp_dir);
	for (int i = 0; i < 5; i++) {
		char call_id[8];

		snprintf(call_id, sizeof(call_id), "r%d", i);
		send_register(r, call_id);
	}
	until(r, &c->answered, 5);
	for (int i = 0; i < 5; i++) {
		const char *text = receive(r, r->far, &from);

		assert_memory_equal(text, "SIP/2.0 200 OK\r\n", 16);
		assert_non_null(strstr(text, "Contact: <sip:bob@203.0.113.9>;expires=3600\r\n"));
	}
	assert_int_equal(c->waiting, 0);
	struct stw_registrar *registrar =
		stw_registering_registrar(stw_slow_registering(r->slow), NULL);
	assert_int_equal(stw_store_count(stw_registrar_store(registrar), STW_TABLE_LOCATION, &n),
			 STW_OK);
	assert_int_equal(n, 1);
	/* No domains any more: no registrar, and the store is free for another. */
	r->farm.model.registrar.n_domains = 0;
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	assert_null(stw_registering_registrar(stw_slow_registering(r->slow), NULL));
	assert_int_equal(temp_dir_remove(NULL), 0);
}

/* From the far end, for a user of ours. */
static void send_invite(struct rig *r, const char *user, const char *call_id)
{
	char text[1024];

	snprintf(
		text, sizeof(text),
		"INVITE sip:%s@example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK2\r\nMax-Forwards: 70\r\n"
		"Route: <sip:192.0.2.1;lr>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:%s@example.com>\r\n"
		"Call-ID: %s\r\nCSeq: 1 INVITE\r\nContent-Length: 4\r\n\r\nbody",
		user, user, call_id);
	send_text(r->far, text);
}

static void calls_go_to_the_contact_that_was_registered(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;

	assert_int_equal(temp_dir_make(NULL), 0);
	host_a_domain(r, temp_dir);
	send_invite(r, "bob", "c0");
	until(r, &c->answered, 1);
	assert_memory_equal(receive(r, r->far, &from), "SIP/2.0 404 ", 12);
	send_register(r, "r");
	until(r, &c->answered, 2);
	receive(r, r->far, &from);
	send_invite(r, "bob", "c1");
	until(r, &c->sent, 1);
	const char *text = receive(r, r->far, &from);

	assert_ptr_equal(
		strstr(text, "INVITE sip:bob@203.0.113.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:"),
		text);
	assert_null(strstr(text, "\r\nRoute:"));
	assert_non_null(strstr(text, "Max-Forwards: 69\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nbody"));
	/* s8.3: the same question, answered with the contact */
	r->farm.model.registrar.calls = STW_CALLS_REDIRECT;
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	serve(r);
	send_invite(r, "bob", "c2");
	until(r, &c->answered, 3);
	text = receive(r, r->far, &from);
	assert_memory_equal(text, "SIP/2.0 302 ", 12);
	assert_non_null(strstr(text, "\r\nContact: <sip:bob@203.0.113.9>;q=1.000\r\n"));
	assert_int_equal(c->dropped, 0);
	assert_int_equal(temp_dir_remove(NULL), 0);
}

/* A rule asks for what registrar.calls does not; and what is left to the kernel comes to nobody. */
static void rules_are_carried_out(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct stw_model_rule_user bob = {"bob"};
	struct stw_model_rule rules[] = {
		{.name = "told",
		 .users = &bob,
		 .n_users = 1,
		 .action = STW_IMAGE_RULE_REDIRECT_CONTACTS,
		 .status = 302,
		 .pool = UINT32_MAX},
		{.name = "left",
		 .action = STW_IMAGE_RULE_TO_KERNEL,
		 .pool = UINT32_MAX,
		 .methods = 1u << STW_METHOD_INVITE,
		 .by = STW_IMAGE_RULE_FIELDS,
		 .row = 1},
	};
	struct sockaddr_in from;

	assert_int_equal(temp_dir_make(NULL), 0);
	host_a_domain(r, temp_dir);
	r->farm.model.registrar.calls = STW_CALLS_POOL;
	r->farm.model.rules = rules;
	r->farm.model.n_rules = 2;
	assert_int_equal(stw_slow_listen(r->slow, &r->farm.model), STW_OK);
	serve(r);
	send_register(r, "r");
	until(r, &c->answered, 1);
	receive(r, r->far, &from);
	send_invite(r, "bob", "c1");
	until(r, &c->answered, 2);
	const char *text = receive(r, r->far, &from);
	assert_memory_equal(text, "SIP/2.0 302 ", 12);
	assert_non_null(strstr(text, "\r\nContact: <sip:bob@203.0.113.9>;q=1.000\r\n"));
	send_invite(r, "kim", "c2");
	until(r, &c->answered, 3);
	assert_memory_equal(receive(r, r->far, &from), "SIP/2.0 503 Nobody Takes It Here\r\n", 34);
	assert_int_equal(c->dropped, 0);
	assert_int_equal(temp_dir_remove(NULL), 0);
}

static void without_a_store_they_are_answered_503(void **state)
{
	struct rig *r = *state;
	const struct stw_slow_counters *c = stw_slow_counters(r->slow);
	struct sockaddr_in from;
	const char *why;

	host_a_domain(r, "/proc/nowhere");
	assert_null(stw_registering_registrar(stw_slow_registering(r->slow), &why));
	assert_non_null(strstr(why, "/proc/nowhere"));
	send_register(r, "r");
	until(r, &c->answered, 1);
	assert_memory_equal(receive(r, r->far, &from), "SIP/2.0 503 ", 12);
}

int main(void)
{
#define SLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SLOW_TEST(the_first_message_to_a_name_waits_and_is_not_lost),
		SLOW_TEST(what_waited_for_a_lane_that_is_gone_leaves_by_the_socket),
		SLOW_TEST(without_a_route_it_leaves_by_the_socket),
		SLOW_TEST(where_there_is_no_kernel_side_control_sends_by_a_lane),
		SLOW_TEST(what_comes_by_a_lane_leaves_by_it),
		SLOW_TEST(a_name_that_is_none_is_answered_503),
		SLOW_TEST(without_new_tables_a_message_times_out_with_503),
		SLOW_TEST(one_sender_cannot_fill_the_queue),
		SLOW_TEST(strangers_and_noise_are_handled_as_by_workers),
		SLOW_TEST(ipv6_goes_the_same_way),
		SLOW_TEST(without_a_data_plane_the_addresses_are_left_alone),
		SLOW_TEST(a_reload_keeps_moves_and_closes_sockets),
		SLOW_TEST(phones_register_and_are_answered_when_it_lasts),
		SLOW_TEST(calls_go_to_the_contact_that_was_registered),
		SLOW_TEST(rules_are_carried_out),
		SLOW_TEST(without_a_store_they_are_answered_503),
	};
	if (!netns_possible()) {
		printf("1..0 # SKIP needs root, for a network namespace of its own\n");
		return 0;
	}
	stw_log_init("test", STW_LOG_ERROR);
	return cmocka_run_group_tests_name("slow", tests, enter, NULL);
}
