/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers locate users by the table, and know whose time is over with nobody to tell them. */
#include "tests/unit/dataplane/path_rig.h"

#include "control/location/table.h"

#define AOR   "sip:bob@example.com"
#define START UINT64_C(1000000000) /* steady seconds */

static char domains[1][STW_DOMAIN_MAX] = {"example.com"};
static struct stw_location_table *table;

/* Time as the installer reads it. */
static void pass(uint64_t seconds)
{
	atomic_store(&rig.snapshots.boottime_ms, 1000u * (1 + seconds));
}

static void bind_until(uint8_t host, uint32_t seconds, uint16_t q, struct stw_contact *c)
{
	static char uri[4][40];

	snprintf(uri[host % 4], sizeof(uri[0]), "sip:bob@203.0.113.%u", host);
	*c = (struct stw_contact){.q = q,
				  .time_s = (uint32_t)START + seconds,
				  .rest = {uri[host % 4], (uint16_t)strlen(uri[host % 4])},
				  .source = stw_farm_v4(203, 0, 113, host, 5062),
				  .listener = stw_farm_v4(192, 0, 2, 1, 5060)};
}

static void serve_table(void)
{
	struct stw_location_map map;

	rig.farm.model.registrar.domains = domains;
	rig.farm.model.registrar.n_domains = 1;
	rig.farm.model.registrar.calls = STW_CALLS_LOCATION;
	rig_publish_tables(&rig);
	assert_int_equal(stw_location_table_new(64u << 20, 10, &table), STW_OK);
	stw_location_table_clock(table, 1000u * (START - 1));
	stw_location_table_complete(table);
	assert_int_equal(stw_location_map(stw_location_table_fd(table), &map), STW_OK);
	assert_int_equal(stw_snapshots_swap_location(&rig.snapshots, &map), STW_OK);
}

/* An INVITE for @uri, each a call of its own. */
static void call(const char *uri)
{
	static unsigned n;
	char text[2048];
	const struct rig_datagram d =
		from_caller(text, sip_invite(text, sizeof(text), uri, 70, ++n, 0));

	send_in(&d);
}

/* @return the last number of the address that a frame went to; 0: there was none */
static uint8_t went_to(void)
{
	struct rte_mbuf *m = rig_sent(&rig, 0);
	const uint8_t to = m ? rte_pktmbuf_mtod(m, const uint8_t *)[14 + 19] : 0;

	rte_pktmbuf_free(m);
	return to;
}

static void a_worker_ends_bindings_by_itself(void **state)
{
	struct stw_contact c[2];

	(void)state;
	serve_table();
	bind_until(77, 100, 1000, &c[0]);
	bind_until(78, 200, 500, &c[1]);
	assert_int_equal(stw_location_table_put(table, AOR, strlen(AOR), c, 2, true, START),
			 STW_OK);
	pass(99);
	call(AOR);
	assert_int_equal(went_to(), 77);
	pass(100); /* the other one is left */
	call(AOR);
	assert_int_equal(went_to(), 78);
	assert_int_equal(rig_count(&rig, STW_C_LOCATED), 2);
	pass(200); /* and none: the caller is told so */
	call(AOR);
	assert_int_equal(went_to(), 9);
	assert_int_equal(rig_count(&rig, STW_C_LOCATED), 2);
	assert_int_equal(rig_count(&rig, STW_C_NOT_REGISTERED), 1);
	call("sip:mallory@example.com");
	assert_int_equal(went_to(), 9);
	assert_int_equal(rig_count(&rig, STW_C_NOT_KNOWN), 1);
	/* it registers again: one store, and it is there */
	c[1].time_s = (uint32_t)START + 300;
	assert_int_equal(stw_location_table_put(table, AOR, strlen(AOR), c + 1, 1, true,
						START + 201),
			 STW_OK);
	call(AOR);
	assert_int_equal(went_to(), 78);
	rig_assert_ledger(&rig);
	stw_location_table_free(table);
}

/* Its Request-URI names a domain and no user: there is nobody to locate. */
static size_t write_register(char *out, size_t room)
{
	return (size_t)snprintf(out, room,
				"REGISTER sip:example.com SIP/2.0\r\n"
				"Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKr;rport\r\n"
				"Max-Forwards: 70\r\n"
				"From: <" AOR ">;tag=f\r\n"
				"To: <" AOR ">\r\n"
				"Call-ID: r@h\r\n"
				"CSeq: 1 REGISTER\r\n"
				"Content-Length: 0\r\n\r\n");
}

/* Read once and passed on with the message, and never to the next one in its place. */
static void what_was_read_of_a_request_uri_is_not_kept(void **state)
{
	const struct stw_source *src = &rig.workers.worker[0]->burst.src[0];
	char text[2048];

	(void)state;
	serve_table();
	call(AOR);
	assert_non_null(src->uri);
	assert_int_equal(src->uri->user.len, 3);
	const struct rig_datagram d = from_caller(text, write_register(text, sizeof(text)));
	send_in(&d);
	assert_null(src->uri);
	stw_location_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_worker_ends_bindings_by_itself),
		WITH(what_was_read_of_a_request_uri_is_not_kept),
	};

	return path_rig_run("dataplane-path-located", tests);
}
