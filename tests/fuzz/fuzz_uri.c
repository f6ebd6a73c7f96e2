/* SPDX-License-Identifier: BSD-3-Clause */
/* URIs and name-addrs: the verdict is the oracle's, and each part lies where it should. */
#include <stdio.h>
#include <stdlib.h>

#include <string.h>

#include <strowger/sip.h>
#include <strowger/sip_number.h>

#include "tests/support/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz_uri: %s\n", what);
		abort();
	}
}

static bool inside(struct stw_span part, struct stw_span whole)
{
	return part.len == 0 ||
	       (part.off >= whole.off && stw_span_end(part) <= stw_span_end(whole));
}

/* A number in its one form, which reading again leaves alone. */
static void check_number(const struct stw_number *n)
{
	struct stw_number again;

	check(n->len > 0 && n->len <= STW_NUMBER_MAX, "length of a number");
	for (uint8_t i = 0; i < n->len; i++)
		check(strchr(n->text[0] == '+' && i > 0 ? "0123456789" : "+0123456789*#abcdef",
			     n->text[i]) != NULL,
		      "digit of a number");
	check(stw_number_read(n->text, n->len, &again) && again.len == n->len &&
		      memcmp(again.text, n->text, n->len) == 0,
	      "a number read again");
}

static void check_uri(const char *buf, struct stw_span value)
{
	struct stw_sip_uri uri;
	struct stw_span found;
	struct stw_number number;
	int err = stw_sip_uri_parse(buf, value, &uri);

	check(err == stw_oracle_uri(buf + value.off, value.len), "verdict of the URI");
	if (err != STW_OK)
		return;
	if (stw_sip_uri_number(buf, &uri, &number))
		check_number(&number);
	check(inside(uri.user, value) && inside(uri.password, value), "user");
	check(inside(uri.host, value) && inside(uri.params, value), "host, parameters");
	check(inside(uri.headers, value) && inside(uri.maddr, uri.params), "headers, maddr");
	bool lr = stw_sip_param_find(buf, uri.params, "LR", 2, &found) == STW_OK;
	check(lr == uri.lr || uri.scheme > STW_SCHEME_SIPS, "lr");
}

static void run(const char *buf, size_t size)
{
	struct stw_span value = {0, (uint16_t)size}, tag;
	struct stw_sip_name_addr na;

	check_uri(buf, value);
	bool ok = stw_sip_name_addr_parse(buf, value, &na) == STW_OK;
	check(ok == stw_oracle_name_addr(buf, size), "verdict of the name-addr");
	stw_sip_tag_find(buf, value, &tag);
	if (!ok)
		return;
	check(inside(na.all, value) && inside(na.uri, na.all), "address");
	check(inside(na.display, na.all) && inside(na.params, na.all), "display, parameters");
	check_uri(buf, na.uri);
}

/* Byte by byte, and with whatever shorter ways the best kernel has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > UINT16_MAX)
		return 0;
	stw_sip_init(STW_KERNEL_SCALAR);
	run((const char *)data, size);
	stw_sip_init(STW_KERNEL_AUTO);
	run((const char *)data, size);
	return 0;
}
