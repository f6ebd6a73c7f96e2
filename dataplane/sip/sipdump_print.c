/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sipdump.h"

/* Bytes for a terminal: folds and controls as they would be written in C. */
static void put_plain(FILE *f, const char *buf, struct stw_span s)
{
	for (uint32_t i = s.off; i < stw_span_end(s); i++) {
		uint8_t c = (uint8_t)buf[i];
		if (c < ' ' || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static void put_json(FILE *f, const char *buf, struct stw_span s)
{
	fputc('"', f);
	for (uint32_t i = s.off; i < stw_span_end(s); i++) {
		uint8_t c = (uint8_t)buf[i];
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void put_json_text(FILE *f, const char *text)
{
	put_json(f, text, (struct stw_span){0, (uint16_t)strlen(text)});
}

static void text_span(FILE *f, const char *name, const char *buf, struct stw_span s)
{
	fprintf(f, "  %-16s", name);
	put_plain(f, buf, s);
	fputc('\n', f);
}

static void text_verdict(const struct stw_sipdump *d, FILE *f)
{
	fprintf(f, "%s: %s", d->name, d->verdict);
	if (d->code != 0)
		fprintf(f, " %u %s", d->code, d->phrase);
	if (d->m.reject != STW_SIP_ACCEPTED)
		fprintf(f, "; %s at byte %u (%s)", d->reason, d->m.error_off, d->section);
	else if (d->m.kind > STW_SIP_RESPONSE)
		fprintf(f, "; %s", d->reason);
	fputc('\n', f);
}

static void text_numbers(const struct stw_sipdump *d, FILE *f)
{
	const struct stw_sip_msg *m = &d->m;

	if (stw_sip_has(m, STW_HDR_CSEQ))
		fprintf(f, "  %-16s%u\n", "cseq", m->cseq);
	if (m->max_forwards >= 0)
		fprintf(f, "  %-16s%d\n", "max_forwards", m->max_forwards);
	if (m->content_length >= 0)
		fprintf(f, "  %-16s%d\n", "content_length", m->content_length);
	fprintf(f, "  %-16s%u at %u\n", "body_bytes",
		m->len > m->body_off ? m->len - m->body_off : 0, m->body_off);
}

void stw_sipdump_text(const struct stw_sipdump *d, FILE *f)
{
	const struct stw_sip_msg *m = &d->m;
	struct stw_sip_line line;

	text_verdict(d, f);
	if (m->kind > STW_SIP_RESPONSE)
		return;
	fprintf(f, "  %-16s%s\n", "kind", d->kind);
	if (m->kind == STW_SIP_REQUEST) {
		text_span(f, "method", d->buf, m->method_name);
		text_span(f, "uri", d->buf, m->uri);
	} else {
		fprintf(f, "  %-16s%u\n", "status", m->status);
		text_span(f, "reason", d->buf, m->reason);
	}
	text_numbers(d, f);
	for (bool ok = stw_sip_line_first(d->buf, m, &line); ok;
	     ok = stw_sip_line_next(d->buf, m, &line)) {
		fprintf(f, "  %5u  ", line.off);
		put_plain(f, d->buf, line.name);
		fputs(": ", f);
		put_plain(f, d->buf, line.value);
		fputc('\n', f);
	}
}

static void json_headers(const struct stw_sipdump *d, FILE *f)
{
	struct stw_sip_line line;
	const char *comma = "";

	fputs(",\"headers\":[", f);
	for (bool ok = stw_sip_line_first(d->buf, &d->m, &line); ok;
	     ok = stw_sip_line_next(d->buf, &d->m, &line)) {
		fprintf(f, "%s{\"offset\":%u,\"name\":", comma, line.off);
		put_json(f, d->buf, line.name);
		fputs(",\"value\":", f);
		put_json(f, d->buf, line.value);
		fputc('}', f);
		comma = ",";
	}
	fputc(']', f);
}

static void json_message(const struct stw_sipdump *d, FILE *f)
{
	const struct stw_sip_msg *m = &d->m;

	if (m->kind == STW_SIP_REQUEST) {
		fputs(",\"method\":", f);
		put_json(f, d->buf, m->method_name);
		fputs(",\"uri\":", f);
		put_json(f, d->buf, m->uri);
	} else {
		fprintf(f, ",\"status\":%u,\"phrase\":", m->status);
		put_json(f, d->buf, m->reason);
	}
	if (stw_sip_has(m, STW_HDR_CSEQ))
		fprintf(f, ",\"cseq\":%u", m->cseq);
	if (m->max_forwards >= 0)
		fprintf(f, ",\"max_forwards\":%d", m->max_forwards);
	if (m->content_length >= 0)
		fprintf(f, ",\"content_length\":%d", m->content_length);
	fprintf(f, ",\"body_offset\":%u,\"length\":%u", m->body_off, m->len);
	json_headers(d, f);
}

void stw_sipdump_json(const struct stw_sipdump *d, FILE *f)
{
	fputs("{\"file\":", f);
	put_json_text(f, d->name);
	fprintf(f, ",\"kind\":\"%s\",\"verdict\":\"%s\"", d->kind, d->verdict);
	if (d->code != 0)
		fprintf(f, ",\"code\":%u,\"answer\":\"%s\"", d->code, d->phrase);
	fprintf(f, ",\"reason\":\"%s\"", d->reason);
	if (d->m.reject != STW_SIP_ACCEPTED)
		fprintf(f, ",\"offset\":%u,\"section\":\"%s\"", d->m.error_off, d->section);
	if (d->m.kind <= STW_SIP_RESPONSE)
		json_message(d, f);
	fputs("}\n", f);
}
