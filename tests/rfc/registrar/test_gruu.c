/* SPDX-License-Identifier: BSD-3-Clause */

/* GRUUs (RFC 5627): who gets them, and whom a request to one reaches. */

#include "tests/support/locate.h"

#define BOB	     "bob@example.com"
#define AOR	     "sip:" BOB
#define ID(n)	     "urn:uuid:00000000-0000-4000-8000-00000000000" n
#define INSTANCE(n)  ";+sip.instance=\"<" ID(n) ">\""
#define PHONE(n)     "Contact: <sip:bob@10.0.0." n ">" INSTANCE(n) "\r\n"
#define WANTS	     "Supported: gruu\r\n"
#define FOUND	     stw_locating_v
#define ask(uri)     stw_locating_ask(false, uri, 0)
#define answers(...) stw_register(&stw_locating, BOB, __VA_ARGS__)

/* The value of parameter @name of the Contact that has @contact. */
static void gruu_of(const char *contact, const char *name, char out[STW_GRUU_TEXT])
{
	const char *line = strstr(stw_locating.text, contact);
	char start[32];

	assert_non_null(line);
	snprintf(start, sizeof(start), ";%s=\"", name);
	const char *at = strstr(line, start);

	assert_non_null(at);
	assert_true(at < strstr(line, "\r\n"));
	at += strlen(start);
	snprintf(out, STW_GRUU_TEXT, "%.*s", (int)strcspn(at, "\""), at);
}

static void expect_reaches(const char *uri, const char *contact)
{
	const char *text = ask(uri);

	assert_int_equal(FOUND.action, STW_ACTION_FORWARD);
	assert_memory_equal(text, "INVITE ", 7);
	assert_memory_equal(text + 7, contact, strlen(contact));
}

static void expect_status(const char *uri, uint16_t status)
{
	ask(uri);
	assert_int_equal(FOUND.action, STW_ACTION_ANSWER);
	assert_int_equal(FOUND.status, status);
}

/* Of a name that cannot stand there by chance: the digits are those of base64, and random. */
static void expect_no_name_in_a_temporary_gruu(void)
{
	static const char name[] = "robert-the-elder";
	char gruu[STW_GRUU_TEXT];

	assert_int_equal(stw_register(&stw_locating, "robert-the-elder@example.com",
				      WANTS "Contact: <sip:r@10.0.0.8>" INSTANCE("8") "\r\n"),
			 200);
	gruu_of("<sip:r@10.0.0.8>", "temp-gruu", gruu);
	assert_memory_equal(gruu, "sip:tgruu.", 10);
	assert_null(strstr(gruu, name));
}

static void rfc5627_s5_3_phones_that_want_gruus_get_both(void **state)
{
	char gruu[STW_GRUU_TEXT];

	(void)state;
	assert_int_equal(answers(WANTS PHONE("1")), 200);
	gruu_of("<sip:bob@10.0.0.1>", "pub-gruu", gruu);
	assert_string_equal(gruu, AOR ";gr=" ID("1"));
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", gruu);
	assert_memory_equal(gruu, "sip:tgruu.", 10);
	assert_non_null(strstr(gruu, "@example.com;gr"));
	expect_no_name_in_a_temporary_gruu();
	/* Others do not; nor do Contacts without an instance. */
	answers(PHONE("1"));
	assert_null(strstr(stw_locating.text, "gruu="));
	answers(WANTS "Contact: <sip:bob@10.0.0.7>\r\n");
	const char *plain = strstr(stw_locating.text, "<sip:bob@10.0.0.7>");
	assert_memory_equal(plain, "<sip:bob@10.0.0.7>;expires=", 27);
	assert_int_equal(answers("Require: gruu\r\n" PHONE("1")), 200);
}

static void rfc5627_s6_1_a_public_gruu_reaches_its_instance_only(void **state)
{
	char gruu[STW_GRUU_TEXT];

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "pub-gruu", gruu);
	answers(WANTS PHONE("2"));
	expect_reaches(gruu, "sip:bob@10.0.0.1 ");
	expect_reaches(AOR, "sip:bob@10.0.0.2 "); /* the newest, as ever */
	/* Moved to another address, the same instance. */
	answers("Contact: <sip:bob@10.0.0.1>;expires=0\r\n");
	expect_status(gruu, 480);
	answers("Contact: <sip:bob@10.0.0.9>" INSTANCE("1") "\r\n");
	expect_reaches(gruu, "sip:bob@10.0.0.9 ");
}

static void rfc5627_s6_1_a_temporary_gruu_reaches_its_instance_only(void **state)
{
	char one[STW_GRUU_TEXT], other[STW_GRUU_TEXT];

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", one);
	answers(WANTS PHONE("2"));
	gruu_of("<sip:bob@10.0.0.2>", "temp-gruu", other);
	expect_reaches(one, "sip:bob@10.0.0.1 ");
	expect_reaches(other, "sip:bob@10.0.0.2 ");
	/* Each is another, and all of one registration serve. */
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", other);
	assert_string_not_equal(one, other);
	expect_reaches(other, "sip:bob@10.0.0.1 ");
}

static void rfc5627_s3_1_2_temporary_gruus_end_with_the_call_id(void **state)
{
	char old[STW_GRUU_TEXT], fresh[STW_GRUU_TEXT];
	char *id;

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", old);
	answers(WANTS PHONE("1")); /* refreshed */
	expect_reaches(old, "sip:bob@10.0.0.1 ");
	stw_locating.cseq++;
	id = strstr(stw_locating.request, "phone-1");
	memcpy(id, "phone-2", 7);
	assert_int_equal(stw_registering_give(&stw_locating), 200);
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", fresh);
	expect_status(old, 480);
	expect_reaches(fresh, "sip:bob@10.0.0.1 ");
}

static void rfc5627_s5_4_the_public_one_comes_back_the_temporary_ones_do_not(void **state)
{
	char public[STW_GRUU_TEXT], temporary[STW_GRUU_TEXT];

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "pub-gruu", public);
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", temporary);
	answers("Contact: *\r\nExpires: 0\r\n");
	expect_status(public, 480);
	expect_status(temporary, 480);
	answers(WANTS PHONE("1"));
	expect_reaches(public, "sip:bob@10.0.0.1 ");
}

static void rfc5627_s6_1_what_is_none_of_ours_is_not_found(void **state)
{
	char gruu[STW_GRUU_TEXT], bad[STW_GRUU_TEXT];

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", gruu);
	const size_t end = strcspn(gruu, "@");

	for (size_t i = 10; i < end; i++) {
		memcpy(bad, gruu, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		expect_status(bad, 404);
	}
	for (size_t i = 10; i < end; i++) {
		snprintf(bad, sizeof(bad), "%.*s@example.com;gr", (int)i, gruu);
		expect_status(bad, 404);
	}
	snprintf(bad, sizeof(bad), "%.*s@others.example;gr", (int)end, gruu);
	expect_status(bad, 404);
	expect_status("sip:bob@example.com;gr", 404);
	expect_status("sip:bob@example.com;gr=urn:uuid:nobody", 480);
	expect_status("sip:nobody@example.com;gr=" ID("1"), 404);
}

static void rfc5627_s5_temporary_gruus_of_the_secret_before_still_serve(void **state)
{
	struct stw_model *m = &stw_locating.model;
	char gruu[STW_GRUU_TEXT];

	(void)state;
	answers(WANTS PHONE("1"));
	gruu_of("<sip:bob@10.0.0.1>", "temp-gruu", gruu);
	m->secrets[1] = m->secrets[0];
	memset(m->secrets[0].key, 9, STW_SECRET_BYTES - 1);
	m->n_secrets = 2;
	assert_int_equal(stw_registrar_configure(stw_locating.r, m), STW_OK);
	expect_reaches(gruu, "sip:bob@10.0.0.1 ");
	m->n_secrets = 1;
	assert_int_equal(stw_registrar_configure(stw_locating.r, m), STW_OK);
	expect_status(gruu, 404);
}

static void rfc5627_s5_2_a_gruu_is_no_contact(void **state)
{
	(void)state;
	assert_int_equal(answers(WANTS "Contact: <" AOR ">" INSTANCE("1") "\r\n"), 403);
	assert_int_equal(answers(WANTS "Contact: <sip:x@EXAMPLE.com;gr>" INSTANCE("1") "\r\n"),
			 403);
	assert_int_equal(stw_registered(&stw_locating, AOR), 0);
	/* What a phone says of its GRUUs is ours to say. */
	answers("Contact: <sip:bob@10.0.0.1>" INSTANCE(
		"1") ";pub-gruu=\"sip:evil@example.com;gr=x\";temp-gruu=\"y\"\r\n");
	assert_null(strstr(stw_locating.text, "gruu="));
}

static void rfc5627_s6_1_of_several_flows_the_newest_is_taken(void **state)
{
#define FLOW(n)                                                                                    \
	"Supported: outbound, gruu\r\nContact: <sip:bob@10.0.0.1" n ">" INSTANCE("1") ";reg-id=" n \
										      "\r\n"
	char gruu[STW_GRUU_TEXT];

	(void)state;
	answers(FLOW("1"));
	gruu_of("<sip:bob@10.0.0.11>", "pub-gruu", gruu);
	answers(FLOW("2"));
	expect_reaches(gruu, "sip:bob@10.0.0.12 ");
}

/* Whatever stands in an instance comes back as it was. */
static void rfc5627_s4_1_instances_are_escaped_in_gr(void **state)
{
	char gruu[STW_GRUU_TEXT];

	(void)state;
	assert_int_equal(
		answers(WANTS
			"Contact: <sip:bob@10.0.0.1>;+sip.instance=\"<urn:x:a;b=c%%41,d?#>\"\r\n"),
		200);
	gruu_of("<sip:bob@10.0.0.1>", "pub-gruu", gruu);
	assert_string_equal(gruu, AOR ";gr=urn:x:a%3Bb%3Dc%2541%2Cd%3F%23");
	expect_reaches(gruu, "sip:bob@10.0.0.1 ");
	expect_reaches(AOR ";gr=urn:x:%61%3bb%3Dc%2541%2Cd%3F%23", "sip:bob@10.0.0.1 ");
	expect_status(AOR ";gr=urn:x:a%3Bb%3Dc%2541%2Cd%3F", 480);
	/* One too long for a GRUU has none. */
	char instance[600];

	memset(instance, 'x', sizeof(instance) - 1);
	instance[sizeof(instance) - 1] = '\0';
	assert_int_equal(answers(WANTS "Contact: <sip:bob@10.0.0.2>;+sip.instance=\"<%s>\"\r\n",
				 instance),
			 200);
	assert_null(strstr(strstr(stw_locating.text, "10.0.0.2"), "pub-gruu="));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, stw_locating_start, stw_locating_stop)
	const struct CMUnitTest tests[] = {
		T(rfc5627_s5_3_phones_that_want_gruus_get_both),
		T(rfc5627_s6_1_a_public_gruu_reaches_its_instance_only),
		T(rfc5627_s6_1_a_temporary_gruu_reaches_its_instance_only),
		T(rfc5627_s3_1_2_temporary_gruus_end_with_the_call_id),
		T(rfc5627_s5_4_the_public_one_comes_back_the_temporary_ones_do_not),
		T(rfc5627_s6_1_what_is_none_of_ours_is_not_found),
		T(rfc5627_s5_temporary_gruus_of_the_secret_before_still_serve),
		T(rfc5627_s5_2_a_gruu_is_no_contact),
		T(rfc5627_s6_1_of_several_flows_the_newest_is_taken),
		T(rfc5627_s4_1_instances_are_escaped_in_gr),
	};

	return cmocka_run_group_tests_name("gruu", tests, NULL, NULL);
}
