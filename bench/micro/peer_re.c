/* SPDX-License-Identifier: BSD-3-Clause */
/* libre: finds all lines, parses To, From, the top Via, Call-ID and CSeq. */
#include "bench/micro/peers.h"

#include <string.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <re.h>

int stw_init_re(void)
{
	return libre_init() == 0;
}

/* It keeps the buffer of a message, so each needs one of its own. */
int stw_parse_re(const char *msg, size_t len, const char **call_id, size_t *call_id_len)
{
	static char text[256];
	struct mbuf *mb = mbuf_alloc(len);
	struct sip_msg *m = NULL;

	if (!mb)
		return 0;
	mbuf_write_mem(mb, (const uint8_t *)msg, len);
	mb->pos = 0;
	int ok = sip_msg_decode(&m, mb) == 0;
	if (ok) {
		memcpy(text, m->callid.p, m->callid.l);
		*call_id = text;
		*call_id_len = m->callid.l;
	}
	mem_deref(m);
	mem_deref(mb);
	return ok;
}
