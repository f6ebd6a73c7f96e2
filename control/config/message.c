/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/node.h"

#define MESSAGE_MAX 768
#define WHERE_MAX   256
#define WORD_MAX    48

const char *stw_report_quote(const char *text, char out[64])
{
	size_t n = 0;

	for (; *text && n < 60; text++)
		out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	/* Not in the middle of a UTF-8 character. */
	while (*text && n > 0 && ((unsigned char)*text & 0xc0) == 0x80) {
		text--;
		n--;
	}
	if (*text)
		n += (size_t)snprintf(out + n, 64 - n, "...");
	out[n] = '\0';
	return out;
}

static void tell(struct stw_report *r, uint32_t line, const char *where, const char *fmt,
		 va_list ap)
{
	char text[MESSAGE_MAX];

	r->n_errors++;
	if (r->n_held == STW_REPORT_MAX || !r->message)
		return;
	int n = line ? snprintf(text, sizeof(text), "%s:%u: %s", r->file, line, where)
		     : snprintf(text, sizeof(text), "%s: %s", r->file, where);
	if (n < 0 || (size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	r->held[r->n_held].line = line;
	r->held[r->n_held].text = strdup(text);
	r->n_held += r->held[r->n_held].text != NULL;
}

void stw_report_line(struct stw_report *r, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(r, line, "", fmt, ap);
	va_end(ap);
}

/* What names an element of a list: its name, else its address, else its id. */
static const char *name_of(const struct stw_node *node)
{
	static const char *const keys[] = {"name", "address", "to", "id"};

	if (node->kind == STW_NODE_SCALAR)
		return node->text;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct stw_node *v = stw_node_get(node, keys[i]);

		if (v && v->kind == STW_NODE_SCALAR)
			return v->text;
	}
	return NULL;
}

static size_t put_where(const struct stw_node *node, char *out, size_t room)
{
	const struct stw_node *list = node->parent;
	size_t at = list ? put_where(list, out, room) : 0;
	char quoted[64];

	if (!list || list->kind != STW_NODE_LIST || !list->row || !list->row->noun || at >= room)
		return at;
	const char *name = name_of(node);
	int n = name ? snprintf(out + at, room - at, "%s%s \"%s\"", at ? ", " : "", list->row->noun,
				stw_report_quote(name, quoted))
		     : snprintf(out + at, room - at, "%s%s", at ? ", " : "", list->row->noun);
	return n > 0 ? at + (size_t)n : at;
}

void stw_report(struct stw_report *r, const struct stw_node *node, const char *fmt, ...)
{
	char where[WHERE_MAX + 4] = "";
	va_list ap;

	size_t n = node ? put_where(node, where, WHERE_MAX) : 0;
	if (n)
		memcpy(where + (n < WHERE_MAX ? n : WHERE_MAX - 1), ": ", 3);
	va_start(ap, fmt);
	tell(r, node ? node->line : 0, where, fmt, ap);
	va_end(ap);
}

/* Insertion: short, nearly in order, and equal lines keep the order they were found in. */
static void sort_held(struct stw_report *r)
{
	for (size_t i = 1; i < r->n_held; i++) {
		for (size_t k = i; k > 0 && r->held[k].line < r->held[k - 1].line; k--) {
			uint32_t line = r->held[k].line;
			char *text = r->held[k].text;

			r->held[k] = r->held[k - 1];
			r->held[k - 1].line = line;
			r->held[k - 1].text = text;
		}
	}
}

void stw_report_end(struct stw_report *r)
{
	char text[MESSAGE_MAX];

	sort_held(r);
	for (size_t i = 0; i < r->n_held; i++) {
		r->message(r->ctx, r->held[i].text);
		free(r->held[i].text);
	}
	if (r->message && r->n_errors > r->n_held) {
		snprintf(text, sizeof(text), "%s: and %zu more errors", r->file,
			 r->n_errors - r->n_held);
		r->message(r->ctx, text);
	}
	r->n_held = 0;
}

/* Edits that make @b of @a: insert, delete, replace or swap two neighbours (restricted Damerau). */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t d = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (d > up[j] + 1)
				d = up[j] + 1;
			if (d > row[j - 1] + 1)
				d = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d > up2[j - 2] + 1)
				d = up2[j - 2] + 1;
			row[j] = d;
		}
	}
	return rows[la % 3][lb];
}

const char *stw_nearest(const char *wanted, const char *(*word)(const void *ctx, size_t i),
			const void *ctx)
{
	size_t len = strlen(wanted);
	size_t best = len / 3 + 2; /* further away is another word */
	const char *nearest = NULL, *w;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; (w = word(ctx, i)) != NULL; i++) {
		if (strlen(w) > WORD_MAX)
			continue;
		size_t d = distance(wanted, w);

		if (d < best && d < strlen(w)) {
			best = d;
			nearest = w;
		}
	}
	return nearest;
}
