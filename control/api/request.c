/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void put(struct stw_request *r, unsigned status, json_t *json, bool problem)
{
	json_decref(r->reply);
	r->reply = json;
	r->status = status;
	r->problem = problem;
}

void stw_reply(struct stw_request *r, unsigned status, json_t *json)
{
	json_t *whole = json_pack("{s:i}", "version", STW_API_VERSION);
	json_object_update(whole, json);
	json_decref(json);
	put(r, status, whole, false);
}

void stw_reply_text(struct stw_request *r, const char *type, char *text, size_t len)
{
	put(r, 200, NULL, false);
	free(r->text);
	r->text = text;
	r->text_len = len;
	r->text_type = type;
}

void stw_problem(struct stw_request *r, unsigned status, const char *kind, const char *title,
		 const char *fmt, ...)
{
	char type[96];
	char detail[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	snprintf(type, sizeof(type), "urn:strowger:problem:%s", kind);
	/* What a client sent may stand in the detail: only text goes back into JSON. */
	json_t *text = json_string(detail);
	if (!text)
		text = json_string("the request is not UTF-8 text: send UTF-8");
	put(r, status,
	    json_pack("{s:i, s:s, s:s, s:i, s:o}", "version", STW_API_VERSION, "type", type,
		      "title", title, "status", (int)status, "detail", text),
	    true);
}

void stw_request_fini(struct stw_request *r)
{
	json_decref(r->reply);
	json_decref(r->json);
	free(r->body);
	free(r->text);
	r->text = NULL;
	r->reply = NULL;
	r->json = NULL;
	r->body = NULL;
}
