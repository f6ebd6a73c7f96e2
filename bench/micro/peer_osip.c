/* SPDX-License-Identifier: BSD-3-Clause */
/* GNU oSIP: parses a whole message into allocated structures. */
#include "bench/micro/peers.h"

#include <string.h>

#include <osipparser2/osip_parser.h>

int stw_init_osip(void)
{
	return parser_init() == 0;
}

int stw_parse_osip(const char *msg, size_t len, const char **call_id, size_t *call_id_len)
{
	static char text[256];
	osip_message_t *m;

	if (osip_message_init(&m) != 0)
		return 0;
	int ok = osip_message_parse(m, msg, len) == 0 && m->call_id && m->call_id->number;
	if (ok) {
		const char *host = m->call_id->host ? m->call_id->host : "";
		size_t a = strlen(m->call_id->number), b = strlen(host);
		memcpy(text, m->call_id->number, a);
		text[a] = '@';
		memcpy(text + a + 1, host, b);
		*call_id = text;
		*call_id_len = b ? a + 1 + b : a;
	}
	osip_message_free(m);
	return ok;
}
