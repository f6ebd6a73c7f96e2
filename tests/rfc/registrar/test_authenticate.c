/* SPDX-License-Identifier: BSD-3-Clause */

/* Who may register: digest authentication (RFC 7616, RFC 8760; RFC 3261 s22). */

#include "tests/support/register.h"

#define BOB    "bob@example.com"
#define LINE   "Contact: <sip:bob@10.0.0.9>\r\n"
#define SECRET "open sesame"

static struct stw_registering s;
static char credentials[1024];

static int start(void **state)
{
	(void)state;
	stw_registering_start(&s);
	s.model.registrar.authenticate = true;
	assert_int_equal(stw_registrar_configure(s.r, &s.model), STW_OK);
	struct stw_store *store = stw_registrar_store(s.r);

	stw_subscriber_put(store, stw_str(BOB, sizeof(BOB) - 1), stw_str(SECRET, 11));
	stw_subscriber_put(store, stw_str("eve@example.com", 15), stw_str("eve", 3));
	assert_int_equal(stw_store_commit(store), STW_OK);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	stw_registering_stop(&s);
	return 0;
}

static void make(const char *algorithm, const char *user, const char *password, uint32_t nc)
{
	stw_credentials_make(&s, algorithm, user, "example.com", password, nc, credentials,
			     sizeof(credentials));
}

static uint16_t with_credentials(void)
{
	return stw_register(&s, BOB, LINE "%s", credentials);
}

static void rfc3261_s22_1_challenges_by_both_algorithms(void **state)
{
	(void)state;
	assert_int_equal(stw_register(&s, BOB, LINE), 401);
	assert_int_equal(stw_answer_count(&s, "WWW-Authenticate: Digest realm=\"example.com\""), 2);
	/* RFC 8760 s2.4: the one preferred stands first. */
	assert_true(strstr(s.text, "SHA-256") < strstr(s.text, "MD5"));
	assert_int_equal(stw_registered(&s, "sip:" BOB), 0);
	assert_false(s.a.known);
}

static void rfc7616_s3_4_takes_the_right_password_by_each_algorithm(void **state)
{
	static const char *const algorithms[] = {"SHA-256", "MD5"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		stw_register(&s, BOB, LINE);
		make(algorithms[i], "bob", SECRET, 1);
		assert_int_equal(with_credentials(), 200);
	}
	assert_true(stw_registrar_counters(s.r)->registered == 2);
}

static void a_wrong_password_and_an_unknown_user_look_the_same(void **state)
{
	char wrong[sizeof(s.text)];

	(void)state;
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", "guess", 1);
	assert_int_equal(with_credentials(), 401);
	memcpy(wrong, s.text, sizeof(wrong));
	make("MD5", "nobody", "guess", 1);
	assert_int_equal(stw_register(&s, "nobody@example.com", LINE "%s", credentials), 401);
	assert_int_equal(strlen(s.text), strlen(wrong));
	assert_int_equal(stw_registrar_counters(s.r)->failed_authentication, 2);
}

/* A user without a row must not be one whose hash is all zero. */
static void nobody_has_no_password(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	const char *at = strstr(s.text, "nonce=\"");
	char a2[65], text[512], zero[33], response[65];

	memset(zero, '0', 32);
	zero[32] = '\0';
	stw_hash_hex("MD5", "REGISTER:sip:example.com", a2);
	snprintf(text, sizeof(text), "%s:%.40s:00000001:abc:auth:%s", zero, at + 7, a2);
	stw_hash_hex("MD5", text, response);
	snprintf(credentials, sizeof(credentials),
		 "Authorization: Digest username=\"nobody\", realm=\"example.com\", "
		 "nonce=\"%.40s\", uri=\"sip:example.com\", response=\"%s\", cnonce=\"abc\", "
		 "qop=auth, nc=00000001\r\n",
		 at + 7, response);
	assert_int_equal(stw_register(&s, "nobody@example.com", LINE "%s", credentials), 401);
}

static void rfc3261_s10_3_step_4_nobody_registers_for_another(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	make("SHA-256", "eve", "eve", 1);
	assert_int_equal(with_credentials(), 403);
	assert_int_equal(stw_registered(&s, "sip:" BOB), 0);
}

static void rfc3261_s8_2_7_a_retransmission_is_challenged_alike(void **state)
{
	char first[sizeof(s.text)], other[sizeof(s.text)];
	unsigned alike = 0;

	(void)state;
	/* Once in a while the seconds turn over between the two. */
	for (unsigned i = 0; i < 3 && alike == 0; i++) {
		stw_register(&s, BOB, LINE);
		memcpy(first, s.text, sizeof(first));
		assert_int_equal(stw_registering_give(&s), 401);
		alike += strcmp(first, s.text) == 0;
	}
	assert_int_equal(alike, 1);
	memcpy(other, s.text, sizeof(other));
	stw_register(&s, BOB, LINE);
	assert_string_not_equal(other, s.text);
}

/* Two users with one nonce would use up each other's counts. */
static void rfc7616_s3_3_each_gets_a_nonce_of_its_own(void **state)
{
	enum { N = 1000 };
	static char nonces[N][STW_NONCE_DIGITS];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		char user[64];

		snprintf(user, sizeof(user), "u%u@example.com", i);
		assert_int_equal(stw_register(&s, user, LINE), 401);
		memcpy(nonces[i], strstr(s.text, "nonce=\"") + 7, STW_NONCE_DIGITS);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(nonces[i], nonces[k], STW_NONCE_DIGITS);
	}
}

static void rfc7616_s3_3_an_old_nonce_is_stale(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", SECRET, 1);
	stw_registering_pass(&s, 301);
	assert_int_equal(with_credentials(), 401);
	assert_int_equal(stw_answer_count(&s, "WWW-Authenticate:"), 2);
	assert_non_null(strstr(s.text, "stale=true"));
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 200);
}

static void a_nonce_of_others_is_refused_without_stale(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	char *nonce = strstr(s.text, "nonce=\"") + 7;

	nonce[20] = nonce[20] == '0' ? '1' : '0';
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 401);
	assert_null(strstr(s.text, "stale=true"));
}

static void rfc7616_s3_4_a_count_is_used_once(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 200);
	/* The same bytes again are a retransmission. */
	assert_int_equal(stw_registering_give(&s), 200);
	/* The same credentials with another Contact are a theft. */
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:thief@evil>\r\n%s", credentials),
			 401);
	assert_non_null(strstr(s.text, "stale=true"));
	assert_int_equal(stw_registered(&s, "sip:" BOB), 1);
	assert_int_equal(stw_registrar_counters(s.r)->replayed, 1);
}

/* As sipp does when the same challenge comes twice. */
static void rfc3261_s17_2_3_a_transaction_signed_twice_is_no_replay(void **state)
{
	char challenge[sizeof(s.text)];

	(void)state;
	stw_register(&s, BOB, LINE);
	memcpy(challenge, s.text, sizeof(challenge));
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 200);
	memcpy(s.text, challenge, sizeof(challenge));
	s.cnonce = "another";
	make("MD5", "bob", SECRET, 1);
	s.cseq--; /* the same transaction */
	assert_int_equal(with_credentials(), 200);
	assert_int_equal(stw_answer_count(&s, "Contact:"), 1);
	assert_int_equal(stw_registrar_counters(s.r)->replayed, 0);
	/* Whatever else differs, it is another request. */
	s.cseq--;
	assert_int_equal(stw_register(&s, BOB, "Contact: <sip:thief@evil>\r\n%s", credentials),
			 401);
	assert_int_equal(stw_register(&s, BOB, "%s" LINE, credentials), 401);
	assert_int_equal(stw_registrar_counters(s.r)->replayed, 2);
}

static void rfc7616_s3_4_a_nonce_serves_again_with_the_next_count(void **state)
{
	char nonce_line[sizeof(s.text)];

	(void)state;
	stw_register(&s, BOB, LINE);
	memcpy(nonce_line, s.text, sizeof(nonce_line));
	for (uint32_t nc = 1; nc < 5; nc++) {
		memcpy(s.text, nonce_line, sizeof(nonce_line));
		make("SHA-256", "bob", SECRET, nc);
		assert_int_equal(with_credentials(), 200);
	}
}

static void incomplete_credentials_are_challenged(void **state)
{
	static const char *const bad[] = {
		"Authorization: Basic Ym9iOng=\r\n",
		"Authorization: Digest\r\n",
		"Authorization: Digest username=\"bob\", realm=\"example.com\"\r\n",
		"Authorization: Digest username=\"bob\", realm=\"example.com\", nonce=\"x\", "
		"uri=\"sip:example.com\", response=\"00000000000000000000000000000000\"\r\n",
		"Authorization: Digest realm=\"example.com\", algorithm=SHA-1\r\n",
		"Authorization: Digest ,,\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stw_register(&s, BOB, LINE "%s", bad[i]), 401);
	assert_int_equal(stw_registered(&s, "sip:" BOB), 0);
}

static void only_algorithms_offered_are_taken(void **state)
{
	(void)state;
	s.model.registrar.algorithms = STW_DIGESTS_SHA256;
	stw_registrar_configure(s.r, &s.model);
	stw_register(&s, BOB, LINE);
	assert_int_equal(stw_answer_count(&s, "WWW-Authenticate:"), 1);
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 401);
	make("SHA-256", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 200);
}

static void nonces_of_the_secret_before_are_still_good(void **state)
{
	(void)state;
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", SECRET, 1);
	s.model.secrets[1] = s.model.secrets[0];
	memset(s.model.secrets[0].key, 9, STW_SECRET_BYTES - 1);
	s.model.n_secrets = 2;
	stw_registrar_configure(s.r, &s.model);
	assert_int_equal(with_credentials(), 200);
}

static void rfc7616_s3_4_6_credentials_are_for_this_server(void **state)
{
	static const char *const others[] = {"sip:elsewhere.example", "sip:example.co",
					     "sip:example.com.", "/"};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		s.digest_uri = others[i];
		stw_register(&s, BOB, LINE);
		make("MD5", "bob", SECRET, 1);
		assert_int_equal(with_credentials(), 400);
	}
	assert_int_equal(stw_registered(&s, "sip:" BOB), 0);
	/* What proxies change on the way does not count; some name the address they send to. */
	static const char *const ours[] = {"sip:EXAMPLE.com:5060;transport=udp",
					   "sip:others.example", "sip:192.0.2.1:5060"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		s.digest_uri = ours[i];
		stw_register(&s, BOB, LINE);
		make("MD5", "bob", SECRET, 1);
		assert_int_equal(with_credentials(), 200);
	}
}

static void rfc3261_s22_4_7_credentials_may_name_our_address(void **state)
{
	(void)state;
	s.digest_uri = "sip:192.0.2.1:5060";
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 200);
	s.digest_uri = "sip:192.0.2.2:5060";
	stw_register(&s, BOB, LINE);
	make("MD5", "bob", SECRET, 1);
	assert_int_equal(with_credentials(), 400);
}

/* Names of subscribers hold neither: such a user is unknown, whatever it means. */
static void rfc3261_s25_1_quoted_pairs_name_nobody(void **state)
{
	static const char *const users[] = {"b\\ob", "bob\\\"", "\\\\", "bob\\"};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		stw_register(&s, BOB, LINE);
		make("MD5", users[i], SECRET, 1);
		assert_int_equal(with_credentials(), 401);
	}
	assert_int_equal(stw_registered(&s, "sip:" BOB), 0);
}

static void no_password_is_stored(void **state)
{
	struct stw_store_value v;

	(void)state;
	assert_int_equal(stw_store_get(stw_registrar_store(s.r), STW_TABLE_SUBSCRIBER,
				       (struct stw_store_value){BOB, sizeof(BOB) - 1}, &v),
			 STW_OK);
	assert_null(memmem(v.p, v.len, SECRET, 4));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(rfc3261_s22_1_challenges_by_both_algorithms),
		T(rfc7616_s3_4_takes_the_right_password_by_each_algorithm),
		T(a_wrong_password_and_an_unknown_user_look_the_same),
		T(nobody_has_no_password),
		T(rfc3261_s10_3_step_4_nobody_registers_for_another),
		T(rfc3261_s8_2_7_a_retransmission_is_challenged_alike),
		T(rfc7616_s3_3_each_gets_a_nonce_of_its_own),
		T(rfc7616_s3_3_an_old_nonce_is_stale),
		T(a_nonce_of_others_is_refused_without_stale),
		T(rfc7616_s3_4_a_count_is_used_once),
		T(rfc3261_s17_2_3_a_transaction_signed_twice_is_no_replay),
		T(rfc7616_s3_4_a_nonce_serves_again_with_the_next_count),
		T(incomplete_credentials_are_challenged),
		T(only_algorithms_offered_are_taken),
		T(nonces_of_the_secret_before_are_still_good),
		T(rfc7616_s3_4_6_credentials_are_for_this_server),
		T(rfc3261_s22_4_7_credentials_may_name_our_address),
		T(rfc3261_s25_1_quoted_pairs_name_nobody),
		T(no_password_is_stored),
	};

	return cmocka_run_group_tests_name("authenticate", tests, NULL, NULL);
}
