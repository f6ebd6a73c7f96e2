/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/transport.h"

#include <strowger/endpoint.h>

#include "dataplane/sip/chars.h"

uint8_t stw_transport_of(const char *name, size_t len)
{
	if (STW_CASE_IS(name, len, "udp"))
		return STW_TRANSPORT_UDP;
	if (STW_CASE_IS(name, len, "tcp"))
		return STW_TRANSPORT_TCP;
	if (STW_CASE_IS(name, len, "tls"))
		return STW_TRANSPORT_TLS;
	if (STW_CASE_IS(name, len, "ws"))
		return STW_TRANSPORT_WS;
	if (STW_CASE_IS(name, len, "wss"))
		return STW_TRANSPORT_WSS;
	if (STW_CASE_IS(name, len, "sctp"))
		return STW_TRANSPORT_SCTP;
	return STW_TRANSPORT_OTHER;
}
