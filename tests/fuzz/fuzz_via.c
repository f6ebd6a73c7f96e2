/* SPDX-License-Identifier: BSD-3-Clause */
/* Via values: the verdict is the oracle's, each part lies where it should, a list comes to an end.
 */
#include <stdio.h>
#include <stdlib.h>

#include <strowger/sip.h>

#include "tests/support/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz_via: %s\n", what);
		abort();
	}
}

static bool inside(struct stw_span part, struct stw_span whole)
{
	return part.len == 0 ||
	       (part.off >= whole.off && stw_span_end(part) <= stw_span_end(whole));
}

static void check_parts(const char *buf, const struct stw_sip_via *via, struct stw_span value)
{
	check(inside(via->all, value), "all");
	check(via->protocol.off == via->all.off && inside(via->protocol, via->all), "protocol");
	check(via->host.len > 0 && inside(via->host, via->all), "host");
	check(inside(via->branch, via->all) && inside(via->maddr, via->all), "branch, maddr");
	check(inside(via->received, via->received_param), "received");
	check(inside(via->received_param, via->all), "received_param");
	check(inside(via->rport, via->rport_param), "rport");
	check(inside(via->rport_param, via->all), "rport_param");
	check(via->rport_param.len == 0 || buf[via->rport_param.off] == ';', "semicolon");
	check(!via->more || (via->next > stw_span_end(via->all) && via->next < stw_span_end(value)),
	      "next");
}

static void run(const char *buf, size_t size)
{
	struct stw_span rest = {0, (uint16_t)size};
	struct stw_sip_via via;

	for (;;) {
		bool ok = stw_sip_via_parse(buf, rest, &via) == STW_OK;
		check(ok == stw_oracle_via(buf + rest.off, rest.len), "verdict");
		if (!ok)
			return;
		check_parts(buf, &via, rest);
		if (!via.more)
			return;
		rest = (struct stw_span){via.next, (uint16_t)(stw_span_end(rest) - via.next)};
	}
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
