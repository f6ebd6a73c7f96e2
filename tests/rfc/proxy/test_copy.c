/* SPDX-License-Identifier: BSD-3-Clause */
/* What a proxy leaves as it is: RFC 3261 s16.6 step 1, s16.7 step 9, s16.11; RFC 5393 s5.3.3. */
#include "tests/rfc/proxy/messages.h"

/* Headers that nothing here has to know, and a body that looks like headers. */
#define KEPT                                                                  \
	"Max-Breadth: 3\r\nm: <sip:a@203.0.113.5:5062>\r\nX-One: 1\r\n"       \
	"Accept: a/b\r\nX-One: 2, 3\r\naCCEPT: c/d,\r\n\te/f\r\nEvent:x \r\n" \
	"Subject:\r\n"
#define BODY "Via: none\r\n\r\nRoute: <sip:192.0.2.1;lr>\r\n\x01\xff\r\n"

/*
 * @out without its start line, and without the header lines that differ from @in by design:
 * what was inserted, and Max-Forwards.
 */
static const char *kept_lines(const char *out, const char *const skip[], size_t n_skip)
{
	static char text[2][8192];
	static unsigned int turn;
	char *kept = text[turn++ % 2];
	const char *line = strstr(out, "\r\n") + 2;

	kept[0] = '\0';
	while (*line != '\r') {
		size_t len = strcspn(line, "\n") + 1;
		bool keep = true;

		for (size_t i = 0; i < n_skip; i++)
			keep &= strncmp(line, skip[i], strlen(skip[i])) != 0;
		if (keep)
			strncat(kept, line, len);
		line += len;
	}
	return strcat(kept, line);
}

static void rfc3261_s16_6_1_all_else_stays_in_its_order(void **state)
{
	static const char *const skip[] = {"Via: SIP/2.0/UDP 192.0.2.1",
					   "Record-Route: ", "Max-Forwards: "};
	struct stw_proxy *p = *state;
	const char *request = REQUEST(.extra = KEPT, .body = BODY);

	stw_proxy_text(p, request, ua());
	assert_forwarded(p);
	assert_memory_equal(p->out, request, strcspn(request, "\r")); /* the start line */
	assert_string_equal(kept_lines(p->out, skip, 3), kept_lines(request, skip, 3));
	assert_non_null(strstr(p->out, "\r\n\r\n" BODY));
}

static void rfc3261_s16_7_9_all_else_stays(void **state)
{
	static const char *const statuses[] = {"180 Ringing", "200 OK", "486 Busy", "603 No"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		char response[8192];

		/* sent-by is a name, so that the next Via has a received of ours */
		stw_proxy_text(p,
			       REQUEST(.via = "SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1;rport",
				       .extra = KEPT, .body = BODY),
			       ua());
		snprintf(response, sizeof(response), "%s" BODY, respond(p, statuses[i]));
		stw_proxy_text(p, response, p->v.dst);
		assert_forwarded(p);
		/* all that follows our Via, which is the first line */
		const char *rest = strstr(strstr(response, "\r\n") + 2, "\r\n");
		assert_string_equal(strstr(p->out, "\r\n"), rest);
		assert_non_null(strstr(p->out, ";received=203.0.113.5"));
		assert_non_null(strstr(p->out, ";tag=a6c85cf\r\n"));
	}
}

static void rfc3261_s16_11_a_retransmission_is_transformed_alike(void **state)
{
	static const char *const methods[] = {"INVITE", "SUBSCRIBE", "BYE", "CANCEL", "REGISTER"};
	struct stw_proxy *p = *state;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *request = REQUEST(.method = methods[i], .extra = KEPT, .body = BODY);

		stw_proxy_text(p, request, ua());
		assert_forwarded(p);
		const char *first = hold(p->out);
		struct stw_endpoint dst = p->v.dst;
		stw_proxy_text(p, REQUEST(.call_id = "another"), ua());
		stw_proxy_text(p, request, ua());
		assert_string_equal(p->out, first);
		assert_sent_to(p, dst);
	}
}

/* Two branches of one fork upstream (s8.2.2.2): for the farm's UASs to notice. */
static void rfc3261_s16_3_merged_requests_pass(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bKa"), ua());
	assert_forwarded(p);
	stw_proxy_text(p,
		       REQUEST(.via = "SIP/2.0/UDP 203.0.113.5:5062;branch=z9hG4bKb",
			       .uri = "sip:bob@elsewhere.example.com"),
		       ua());
	assert_forwarded(p);
}

static void rfc3261_s16_6_4_record_route_is_a_sip_uri_with_lr_and_no_transport(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(0), ua());
	assert_forwarded(p);
	const char *value = stw_proxy_line(p, "\r\nRecord-Route: ");
	assert_memory_equal(value, "<sip:", 5);
	assert_non_null(strstr(value, ";lr"));
	assert_null(strstr(value, "transport"));
}

static void rfc5393_s5_3_3_max_breadth_is_kept(void **state)
{
	struct stw_proxy *p = *state;

	stw_proxy_text(p, REQUEST(.extra = "Max-Breadth: 1\r\n"), ua());
	assert_forwarded(p);
	assert_non_null(strstr(p->out, "\r\nMax-Breadth: 1\r\n"));
	stw_proxy_text(p, REQUEST(0), ua());
	assert_null(strstr(p->out, "Max-Breadth"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXY_TEST(rfc3261_s16_6_1_all_else_stays_in_its_order),
		PROXY_TEST(rfc3261_s16_7_9_all_else_stays),
		PROXY_TEST(rfc3261_s16_11_a_retransmission_is_transformed_alike),
		PROXY_TEST(rfc3261_s16_3_merged_requests_pass),
		PROXY_TEST(rfc3261_s16_6_4_record_route_is_a_sip_uri_with_lr_and_no_transport),
		PROXY_TEST(rfc5393_s5_3_3_max_breadth_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
