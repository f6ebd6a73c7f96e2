/* SPDX-License-Identifier: BSD-3-Clause */
/* Sofia-SIP: parses a whole message into a home of its own. */
#include "bench/micro/peers.h"

#include <string.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su.h>

int stw_init_sofia(void)
{
	return su_init() == 0;
}

int stw_parse_sofia(const char *msg, size_t len, const char **call_id, size_t *call_id_len)
{
	static char text[256];
	msg_t *m = msg_make(sip_default_mclass(), MSG_DO_EXTRACT_COPY, msg, (ssize_t)len);
	sip_t *sip = m ? sip_object(m) : NULL;
	int ok = sip && !sip->sip_error && sip->sip_call_id;

	if (ok) {
		*call_id_len = strlen(sip->sip_call_id->i_id);
		memcpy(text, sip->sip_call_id->i_id, *call_id_len);
		*call_id = text;
	}
	if (m)
		msg_destroy(m);
	return ok;
}
