/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A registrar for tests, for example.com and others.example, with a store in a directory of its
 * own; and a phone that registers at it.
 */

#include "tests/unit/model/temp_dir.h"

#include <openssl/evp.h>

#include <strowger/errors.h>

#include "control/registrar/location.h"
#include "control/registrar/registrar.h"
#include "control/registrar/subscribers.h"
#include "tests/support/farm.h"
#include "tests/support/registrar_model.h"

#define REGISTER_BYTES 16384

struct stw_registering {
	struct stw_model model;
	char domains[2][STW_DOMAIN_MAX];
	struct stw_registrar *r;
	struct stw_endpoint source, listener;
	uint32_t cseq;
	char request[REGISTER_BYTES];
	struct stw_sip_msg msg;
	struct stw_registrar_answer a;
	char text[STW_REGISTRAR_LINES + 1]; /* the answer's lines, with a NUL */
	const char *digest_uri;		    /* of the credentials; NULL: the Request-URI */
	const char *cnonce;		    /* of the credentials; NULL: "abc" */
};

static inline void stw_registering_open(struct stw_registering *s)
{
	char reason[256] = "";

	if (stw_registrar_new(&s->model, reason, sizeof(reason), &s->r) != STW_OK)
		fail_msg("%s", reason);
}

static inline void stw_registering_start(struct stw_registering *s)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(temp_dir_make(NULL), 0);
	snprintf(s->domains[0], STW_DOMAIN_MAX, "example.com");
	snprintf(s->domains[1], STW_DOMAIN_MAX, "others.example");
	stw_registrar_model(&s->model, s->domains, 2, temp_dir);
	s->source = stw_farm_v4(203, 0, 113, 5, 5062);
	s->listener = stw_farm_v4(192, 0, 2, 1, 5060);
	stw_registering_open(s);
}

static inline void stw_registering_stop(struct stw_registering *s)
{
	stw_registrar_free(s->r);
	assert_int_equal(temp_dir_remove(NULL), 0);
}

/* The seconds that pass for the registrar. */
static inline void stw_registering_pass(struct stw_registering *s, uint64_t seconds)
{
	stw_registrar_clock(s->r)->mark.steady_ms += seconds * 1000u;
}

/* Give @request to the registrar, and commit. @return the status */
static inline uint16_t stw_registering_give(struct stw_registering *s)
{
	stw_sip_parse(s->request, strlen(s->request), &s->msg);
	assert_int_equal(s->msg.reject, STW_SIP_ACCEPTED);
	s->a.lines = s->text;
	stw_registrar_handle(s->r, s->request, &s->msg, &s->source, &s->listener, &s->a);
	if (stw_registrar_commit(s->r) != STW_OK && s->a.changed)
		stw_registrar_failed(s->r, &s->a);
	s->text[s->a.len] = '\0';
	return s->a.status;
}

/* A REGISTER of @user (with its domain) with @lines: header lines that end in CRLF. */
__attribute__((format(printf, 3, 4))) static inline uint16_t
stw_register(struct stw_registering *s, const char *user, const char *lines, ...)
{
	va_list args;
	size_t at = (size_t)snprintf(s->request, sizeof(s->request),
				     "REGISTER sip:example.com SIP/2.0\r\n"
				     "Via: SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK%u\r\n"
				     "Max-Forwards: 70\r\n"
				     "From: <sip:%s>;tag=a\r\nTo: <sip:%s>\r\n"
				     "Call-ID: phone-1\r\nCSeq: %u REGISTER\r\n",
				     s->cseq + 1, user, user, s->cseq + 1);

	s->cseq++;
	va_start(args, lines);
	at += (size_t)vsnprintf(s->request + at, sizeof(s->request) - at, lines, args);
	va_end(args);
	snprintf(s->request + at, sizeof(s->request) - at, "\r\n");
	return stw_registering_give(s);
}

/* Lines of the answer that begin with @start. */
static inline size_t stw_answer_count(const struct stw_registering *s, const char *start)
{
	size_t n = 0;

	for (const char *p = s->text; *p; p = strstr(p, "\r\n") + 2)
		n += strncmp(p, start, strlen(start)) == 0;
	return n;
}

/* Live bindings that the store has of @aor. */
static inline size_t stw_registered(struct stw_registering *s, const char *aor)
{
	static struct stw_location l;

	assert_int_equal(stw_location_get(stw_registrar_store(s->r), stw_str(aor, strlen(aor)), &l),
			 STW_OK);
	stw_record_expire(&l.record, stw_clock_s(stw_registrar_clock(s->r)));
	return stw_record_n_live(&l.record);
}

/* H(text) in hex, by a way of its own. */
static inline void stw_hash_hex(const char *algorithm, const char *text, char out[65])
{
	uint8_t h[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	assert_true(EVP_Digest(text, strlen(text), h, &n, EVP_get_digestbyname(algorithm), NULL));
	for (unsigned int i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", h[i]);
}

/* An Authorization line as a phone makes it of the challenge in the last answer. */
static inline void stw_credentials_make(const struct stw_registering *s, const char *algorithm,
					const char *user, const char *realm, const char *password,
					uint32_t nc, char *out, size_t len)
{
	const bool sha = strcmp(algorithm, "SHA-256") == 0;
	const char *md = sha ? "SHA256" : "MD5";
	const char *uri = s->digest_uri ? s->digest_uri : "sip:example.com";
	char nonce[STW_NONCE_DIGITS + 1], a1[65], a2[65], response[65], text[512];
	const char *at = strstr(s->text, "nonce=\"");

	assert_non_null(at);
	snprintf(nonce, sizeof(nonce), "%s", at + 7);
	snprintf(text, sizeof(text), "%s:%s:%s", user, realm, password);
	stw_hash_hex(md, text, a1);
	snprintf(text, sizeof(text), "REGISTER:%s", uri);
	stw_hash_hex(md, text, a2);
	const char *cnonce = s->cnonce ? s->cnonce : "abc";
	snprintf(text, sizeof(text), "%s:%s:%08x:%s:auth:%s", a1, nonce, nc, cnonce, a2);
	stw_hash_hex(md, text, response);
	snprintf(out, len,
		 "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\", algorithm=%s, cnonce=\"%s\", qop=auth, "
		 "nc=%08x\r\n",
		 user, realm, nonce, uri, response, algorithm, cnonce, nc);
}
