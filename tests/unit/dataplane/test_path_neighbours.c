/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that wait for their next hop's address. */
#include "tests/unit/dataplane/path_rig.h"

static void message_waits_for_its_neighbour(void **state)
{
	char text[2048], out[4096];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 10));
	struct stw_neighbour_request asked[4];
	struct stw_verdict v;
	size_t n = foretell(&d, 0, &v, out);

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	send_in(&d);
	assert_null(rig_sent(&rig, 0));
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 2);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_true(stw_ip_equal(&asked[0].ip, &v.dst.ip));
	assert_int_equal(asked[0].iface, 0);
	rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 2);
	rte_pktmbuf_free(rig_sent(&rig, 0));
	assert_sent(0, out, n, stw_farm_v4(192, 0, 2, 1, 5060), v.dst, 0, member_mac(&v));
}

static void neighbour_is_asked_for_again_then_given_up(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 10));
	struct stw_worker *w = rig.workers.worker[0];
	struct stw_neighbour_request asked[4];

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	w->now_tsc += w->tsc_hz / 3;
	rig_turn(&rig, 0);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 1);
	w->now_tsc += w->tsc_hz;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_TIMEOUT), 1);
	assert_int_equal(rig_member_count(&rig, 0, STW_M_UNSENT) +
				 rig_member_count(&rig, 1, STW_M_UNSENT),
			 1);
}

/* One next hop becomes known, the other does not: only its message goes on waiting. */
static void each_waits_for_its_own_neighbour(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 10));
	struct stw_neighbour_request asked[4];
	struct stw_worker *w = rig.workers.worker[0];

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	send_in(&d);
	d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 0, 2, 10));
	d.src = stw_farm_v4(10, 42, 0, 8, 5060);
	send_in(&d);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 2);
	assert_int_equal(asked[1].iface, 1);
	rig_publish_fib(&rig, RIG_WITH_NEIGHBOURS);
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), 1);
	w->now_tsc += w->tsc_hz / 2;
	rig_turn(&rig, 0);
	assert_int_equal(stw_workers_take_requests(&rig.workers, asked, 4), 1);
	assert_true(stw_ip_equal(&asked[0].ip, &d.src.ip));
	w->now_tsc += w->tsc_hz;
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_TIMEOUT), 1);
	assert_int_equal(rig_count(&rig, STW_C_ANSWERED), 0);
}

static void only_so_many_wait_for_neighbours(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 10));

	(void)state;
	rig_publish_fib(&rig, RIG_WITHOUT_NEIGHBOURS);
	for (unsigned i = 0; i < STW_HELD_MAX + 5; i++)
		send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_WAITING), STW_HELD_MAX);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NEIGHBOUR_FULL), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(message_waits_for_its_neighbour),
		WITH(neighbour_is_asked_for_again_then_given_up),
		WITH(each_waits_for_its_own_neighbour),
		WITH(only_so_many_wait_for_neighbours),
	};

	return path_rig_run("dataplane-path-neighbours", tests);
}
