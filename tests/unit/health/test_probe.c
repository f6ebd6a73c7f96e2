/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/health/settings.h"

#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/health/probe.h"
#include "dataplane/route/mac.h"
#include "tests/support/proxy.h"

#define ROOM 2048

struct asked {
	struct stw_proxy *proxy;
	struct stw_model_health health;
	struct stw_probe_spec spec;
	struct stw_probe probe;
};

static struct stw_endpoint member(void)
{
	return stw_farm_v4(198, 51, 100, 10, 5060);
}

static int set_up(void **state)
{
	struct asked *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->proxy = stw_proxy_new(2);
	a->health = settings();
	a->spec = (struct stw_probe_spec){.secret = &a->proxy->tables->secrets[0],
					  .health = &a->health,
					  .local = a->proxy->farm.listeners[0].address,
					  .member = member(),
					  .watcher = 0x1234,
					  .nonce = {0xfeedbeef, 77},
					  .cseq = 5};
	assert_int_equal(stw_probe_make(&a->spec, &a->probe), STW_OK);
	*state = a;
	return 0;
}

static int tear_down(void **state)
{
	struct asked *a = *state;

	stw_proxy_free(a->proxy);
	free(a);
	return 0;
}

/* What a member answers: the request's headers with a status line instead. */
static const char *answer(const struct asked *a, const char *status)
{
	static char text[ROOM];

	snprintf(text, sizeof(text), "SIP/2.0 %s\r\n%s", status, strstr(a->probe.text, "\r\n") + 2);
	return text;
}

static const char *replaced(const char *text, const char *what, const char *by)
{
	static char out[ROOM];
	const char *at = strstr(text, what);

	assert_non_null(at);
	snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
	return out;
}

static bool is_answer(const struct asked *a, const char *text, struct stw_endpoint from)
{
	struct stw_sip_msg m;

	stw_sip_parse(text, strlen(text), &m);
	return stw_probe_answered_by(&a->probe, &from, text, &m);
}

static void rfc3261_s11_1_an_options_request_is_whole(void **state)
{
	const struct asked *a = *state;
	struct stw_sip_msg m;

	stw_sip_parse(a->probe.text, a->probe.len, &m);
	assert_int_equal(m.kind, STW_SIP_REQUEST);
	assert_int_equal(m.method, STW_METHOD_OPTIONS);
	assert_int_equal(m.reject, STW_SIP_ACCEPTED);
	assert_int_equal(m.max_forwards, 70);
	assert_non_null(strstr(a->probe.text, "OPTIONS sip:198.51.100.10:5060 SIP/2.0\r\n"));
	assert_non_null(strstr(a->probe.text, "Accept: application/sdp\r\n"));
}

static void from_may_be_given(void **state)
{
	struct asked *a = *state;

	snprintf(a->health.from, sizeof(a->health.from), "sip:ping@example.net");
	assert_int_equal(stw_probe_make(&a->spec, &a->probe), STW_OK);
	assert_non_null(strstr(a->probe.text, "From: <sip:ping@example.net>;tag="));
}

static void a_worker_gives_its_answer_to_the_kernel_side(void **state)
{
	struct asked *a = *state;

	stw_proxy_text(a->proxy, answer(a, "200 OK"), member());
	assert_int_equal(a->proxy->v.action, STW_ACTION_KERNEL);
	assert_false(a->proxy->v.from_member); /* it is no message of a call */
}

static void a_worker_drops_one_that_was_forged(void **state)
{
	struct asked *a = *state;
	const char *text = answer(a, "200 OK");
	char other[32];

	snprintf(other, sizeof(other), "CSeq: %u", a->probe.cseq + 1);
	stw_proxy_text(a->proxy, replaced(text, "CSeq: 5", other), member());
	assert_string_equal(stw_proxy_drop(a->proxy), "response_forged");
	stw_proxy_text(a->proxy, replaced(text, "Call-ID: stw-", "Call-ID: stx-"), member());
	assert_string_equal(stw_proxy_drop(a->proxy), "response_forged");
	stw_proxy_text(a->proxy, text, stw_farm_v4(203, 0, 113, 9, 5060));
	assert_string_equal(stw_proxy_drop(a->proxy), "response_stranger");
	char branch[STW_BRANCH_DIGITS + 1];
	memcpy(branch, a->probe.branch, sizeof(branch));
	branch[STW_BRANCH_MAC_DIGITS - 1] = branch[STW_BRANCH_MAC_DIGITS - 1] == '0' ? '1' : '0';
	stw_proxy_text(a->proxy, replaced(text, a->probe.branch, branch), member());
	assert_string_equal(stw_proxy_drop(a->proxy), "response_forged");
}

/* The branch vouches for no other use of it: a Via put under ours makes it a forgery. */
static void a_probe_branch_sends_nothing_anywhere(void **state)
{
	struct asked *a = *state;
	const char *text = replaced(answer(a, "200 OK"), "Max-Forwards: 70\r\n",
				    "Via: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKx\r\n");

	stw_proxy_text(a->proxy, text, member());
	assert_string_equal(stw_proxy_drop(a->proxy), "response_forged");
}

static void its_own_answer_is_known(void **state)
{
	const struct asked *a = *state;
	struct stw_sip_msg m;
	uint32_t watcher;

	assert_true(is_answer(a, answer(a, "200 OK"), member()));
	assert_true(is_answer(a, answer(a, "404 Not Found"), member()));
	assert_false(is_answer(a, answer(a, "100 Trying"), member()));
	stw_sip_parse(a->probe.text, a->probe.len, &m);
	assert_true(stw_probe_watcher(a->probe.text, &m, &watcher));
	assert_int_equal(watcher, 0x1234);
}

static void an_answer_from_another_address_proves_nothing(void **state)
{
	const struct asked *a = *state;

	assert_false(is_answer(a, answer(a, "200 OK"), stw_farm_v4(198, 51, 100, 11, 5060)));
	assert_false(is_answer(a, answer(a, "200 OK"), stw_farm_v4(198, 51, 100, 10, 5061)));
}

static void an_answer_to_an_earlier_probe_is_none(void **state)
{
	struct asked *a = *state;
	char old[ROOM];

	snprintf(old, sizeof(old), "%s", answer(a, "200 OK"));
	a->spec.nonce[0]++;
	assert_int_equal(stw_probe_make(&a->spec, &a->probe), STW_OK);
	assert_false(is_answer(a, old, member()));
	a->probe.len = 0; /* nothing is asked */
	assert_false(is_answer(a, answer(a, "200 OK"), member()));
}

static void icmp_is_believed_when_it_quotes_the_branch(void **state)
{
	const struct asked *a = *state;
	const struct stw_endpoint to = member(), other = stw_farm_v4(198, 51, 100, 11, 5060);
	char text[STW_PROBE_TEXT];

	assert_true(stw_probe_is_quoted(&a->probe, &to, a->probe.text, a->probe.len));
	assert_true(stw_probe_is_quoted(&a->probe, &to, a->probe.text, a->probe.quote));
	assert_false(stw_probe_is_quoted(&a->probe, &to, a->probe.text, a->probe.quote - 1));
	assert_false(stw_probe_is_quoted(&a->probe, &to, a->probe.text, 8));
	assert_false(stw_probe_is_quoted(&a->probe, &other, a->probe.text, a->probe.len));
	memcpy(text, a->probe.text, sizeof(text));
	text[a->probe.quote - 1] ^= 1;
	assert_false(stw_probe_is_quoted(&a->probe, &to, text, a->probe.len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rfc3261_s11_1_an_options_request_is_whole, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(from_may_be_given, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_gives_its_answer_to_the_kernel_side,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_drops_one_that_was_forged, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_probe_branch_sends_nothing_anywhere, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(its_own_answer_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_from_another_address_proves_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_to_an_earlier_probe_is_none, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(icmp_is_believed_when_it_quotes_the_branch, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
