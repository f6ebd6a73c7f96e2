/* SPDX-License-Identifier: BSD-3-Clause */
/* Names are spelled out, as C cannot lower a letter; test_reject.c compares them with the enum. */
#include <strowger/sip.h>

#define NAME_START_LINE		"start_line"
#define NAME_VERSION		"version"
#define NAME_REQUEST_URI	"request_uri"
#define NAME_HEADER_NAME	"header_name"
#define NAME_HEADERS_UNFINISHED "headers_unfinished"
#define NAME_TOO_MANY_HEADERS	"too_many_headers"
#define NAME_TOO_MANY_VIAS	"too_many_vias"
#define NAME_TOO_LARGE		"too_large"
#define NAME_VIA_MISSING	"via_missing"
#define NAME_VIA		"via"
#define NAME_CALL_ID_MISSING	"call_id_missing"
#define NAME_CALL_ID		"call_id"
#define NAME_FROM_MISSING	"from_missing"
#define NAME_FROM		"from"
#define NAME_TO_MISSING		"to_missing"
#define NAME_TO			"to"
#define NAME_CSEQ_MISSING	"cseq_missing"
#define NAME_CSEQ		"cseq"
#define NAME_CSEQ_METHOD	"cseq_method"
#define NAME_MAX_FORWARDS	"max_forwards"
#define NAME_CONTENT_LENGTH	"content_length"
#define NAME_BODY_SHORT		"body_short"
#define NAME_DUPLICATE		"duplicate"
#define NAME_ROUTE		"route"
#define NAME_STRAY_BYTE		"stray_byte"

const struct stw_sip_reject_row stw_sip_reject_rows[STW_N_SIP_REJECTS] = {
	[STW_SIP_ACCEPTED] = {"accepted", 0, "", ""},
#define X(NAME, code, text, rfc) [STW_REJECT_##NAME] = {NAME_##NAME, code, text, rfc},
	STW_SIP_REJECTS(X)
#undef X
};
