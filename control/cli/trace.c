/* SPDX-License-Identifier: BSD-3-Clause */
/* trace and last-errors: what the flight recorder holds, live or past. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strowger/errors.h>

#include "control/cli/ask.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/loop.h"
#include "control/cli/pcapng.h"
#include "control/cli/show.h"

#define POLL_S	 0.25
#define PAST_MAX 20000

struct trace {
	struct stw_cli *cli;
	FILE *file; /* pcapng, NULL: print */
	long n;	    /* shown */
	json_int_t lost, left_out;
};

/* ---- what is asked for ---- */

static json_t *filter(const struct stw_cli *cli)
{
	json_t *body = json_pack("{s:s*, s:s*, s:s*, s:s*}", "call_id", cli->call_id, "user",
				 cli->user, "address", cli->address, "method", cli->method);

	if (cli->code)
		json_object_set_new(body, "code", json_integer(cli->code));
	return body;
}

/* ---- one record ---- */

static void clock_text(const json_t *record, char out[32])
{
	json_int_t us = json_integer_value(json_object_get(record, "at_unix_us"));
	time_t s = (time_t)(us / 1000000);
	struct tm tm;
	size_t n = strftime(out, 16, "%H:%M:%S", localtime_r(&s, &tm));

	snprintf(out + n, 32 - n, ".%06d", (int)(us % 1000000));
}

static void print_message(const json_t *record)
{
	size_t len;
	unsigned char *bytes = stw_ask_bytes(json_object_get(record, "base64"), &len);

	printf("\n");
	if (bytes)
		stw_print_wire(bytes, len);
	if (json_integer_value(json_object_get(record, "kept")) <
	    json_integer_value(json_object_get(record, "bytes")))
		printf("... %s of %s bytes were kept\n", stw_text(record, "kept"),
		       stw_text(record, "bytes"));
	printf("\n");
	free(bytes);
}

static void print_record(const struct trace *t, const json_t *record)
{
	char at[32];

	clock_text(record, at);
	printf("%s %s > %s  %s\n", at, stw_text(record, "from"), stw_text(record, "sent_to"),
	       stw_text(record, "first_line"));
	printf("    %s%s%s%s, call %s\n", stw_text(record, "decision"),
	       json_is_string(json_object_get(record, "member")) ? " (" : "",
	       json_is_string(json_object_get(record, "member")) ? stw_text(record, "member") : "",
	       json_is_string(json_object_get(record, "member")) ? ")" : "",
	       stw_text(record, "call_id"));
	if (t->cli->full)
		print_message(record);
}

static bool to_endpoint(const json_t *record, const char *key, struct stw_endpoint *out)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text && stw_endpoint_parse(text, strlen(text), 5060, out) == STW_OK;
}

static int write_record(const struct trace *t, const json_t *record)
{
	struct stw_pcapng_packet p = {
		.unix_us = (uint64_t)json_integer_value(json_object_get(record, "at_unix_us")),
		.whole_len = (size_t)json_integer_value(json_object_get(record, "bytes")),
		.comment = stw_text(record, "decision")};
	unsigned char *bytes = stw_ask_bytes(json_object_get(record, "base64"), &p.len);
	bool good = true;

	p.bytes = bytes;
	if (bytes && to_endpoint(record, "from", &p.from) && to_endpoint(record, "sent_to", &p.to))
		good = stw_pcapng_write(t->file, &p);
	free(bytes);
	if (!good)
		fprintf(stderr, "strowgerctl: %s: %s\n", t->cli->write, strerror(errno));
	return good ? STW_EXIT_OK : STW_EXIT_FAILED;
}

/* Those of one answer. @return STW_EXIT_OK to go on */
static int take(struct trace *t, const json_t *answer)
{
	size_t i;
	json_t *record;
	int rc = STW_EXIT_OK;

	json_array_foreach(json_object_get(answer, "records"), i, record)
	{
		if (rc != STW_EXIT_OK || (t->cli->count && t->n >= t->cli->count))
			break;
		t->n++;
		if (t->file) {
			rc = write_record(t, record);
		} else if (t->cli->json) {
			/* A line stands alone: each tells the version of what it shows. */
			json_object_set(record, "version", json_object_get(answer, "version"));
			json_dumpf(record, stdout, JSON_COMPACT);
			printf("\n");
		} else {
			print_record(t, record);
		}
	}
	t->lost += json_integer_value(json_object_get(answer, "lost"));
	t->left_out += json_integer_value(json_object_get(answer, "left_out"));
	return rc;
}

/* ---- live and past ---- */

static bool not_recording(const struct trace *t, const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "recording")))
		return false;
	(void)t;
	fprintf(stderr, "strowgerctl: nothing is recorded: set dataplane.record_messages\n");
	return true;
}

/* Asks once; moves @cursor. */
static int ask(struct trace *t, json_t **cursor, bool from_now)
{
	struct stw_answer a;
	json_t *body = filter(t->cli);

	if (*cursor)
		json_object_set(body, "cursor", *cursor);
	if (from_now)
		json_object_set_new(body, "from_now", json_true());
	json_object_set_new(body, "limit", json_integer(PAST_MAX));
	int rc = stw_cli_call(t->cli, STW_ENDPOINT_RECORDS, NULL, body, &a);
	json_decref(body);
	if (rc == STW_EXIT_OK && not_recording(t, a.json))
		rc = STW_EXIT_FAILED;
	if (rc == STW_EXIT_OK)
		rc = take(t, a.json);
	if (rc == STW_EXIT_OK) {
		json_decref(*cursor);
		*cursor = json_incref(json_object_get(a.json, "cursor"));
	}
	stw_answer_fini(&a);
	return rc;
}

static int follow(struct trace *t)
{
	json_t *cursor = NULL;
	int rc = ask(t, &cursor, true);

	if (rc == STW_EXIT_OK && !t->file)
		fprintf(stderr, "following; Ctrl-C ends\n");
	while (rc == STW_EXIT_OK && (!t->cli->count || t->n < t->cli->count)) {
		FILE *out = t->file ? t->file : stdout;

		if (fflush(out) != 0 || ferror(out))
			break; /* who closes it tells */
		stw_wait_s(POLL_S);
		if (stw_loop_stopped())
			break;
		rc = ask(t, &cursor, false);
	}
	json_decref(cursor);
	return rc;
}

static int past(struct trace *t)
{
	json_t *cursor = NULL;
	int rc = ask(t, &cursor, false);

	json_decref(cursor);
	if (rc == STW_EXIT_OK && t->n == 0 && !t->cli->json)
		fprintf(stderr, "nothing recorded matches\n");
	return rc;
}

static int trace_to_file(struct trace *t)
{
	if (!t->cli->write)
		return STW_EXIT_OK;
	t->file = fopen(t->cli->write, "wb");
	if (t->file && stw_pcapng_begin(t->file))
		return STW_EXIT_OK;
	fprintf(stderr, "strowgerctl: %s: %s\n", t->cli->write, strerror(errno));
	return STW_EXIT_FAILED;
}

int stw_run_trace(struct stw_cli *cli)
{
	struct trace t = {.cli = cli};
	int rc = trace_to_file(&t);

	stw_loop_catch();
	if (rc == STW_EXIT_OK)
		rc = cli->past ? past(&t) : follow(&t);
	if (t.file) {
		const int closed = stw_out_close(t.file, cli->write);

		rc = rc == STW_EXIT_OK ? closed : rc;
	}
	if (t.lost + t.left_out > 0)
		fprintf(stderr, "%lld messages went by unseen\n", (long long)(t.lost + t.left_out));
	if (t.file && rc == STW_EXIT_OK)
		fprintf(stderr, "%ld messages written to %s\n", t.n, cli->write);
	return rc;
}

/* ---- last-errors ---- */

/* The line that holds the byte, with a mark under it. */
static void print_mark(const json_t *record, size_t off)
{
	size_t len;
	unsigned char *bytes = stw_ask_bytes(json_object_get(record, "base64"), &len);
	size_t from = off, to = off;

	if (bytes && off < len) {
		while (from > 0 && bytes[from - 1] != '\n' && off - from < 60)
			from--;
		while (to < len && bytes[to] != '\n' && to - off < 60)
			to++;
		printf("    | ");
		size_t column = stw_print_wire_line(bytes + from, to - from, off - from);
		printf("\n    | %*s^ byte %zu\n", (int)column, "", off);
	} else {
		printf("    | byte %zu was not kept\n", off);
	}
	free(bytes);
}

static void print_error(const struct trace *t, const json_t *record)
{
	const json_t *r = json_object_get(record, "rejected");

	print_record(t, record);
	if (json_is_object(r)) {
		printf("    %s, %s\n", stw_text(r, "phrase"), stw_text(r, "section"));
		print_mark(record, (size_t)json_integer_value(json_object_get(r, "offset")));
	}
}

int stw_run_last_errors(struct stw_cli *cli)
{
	struct trace t = {.cli = cli};
	struct stw_answer a;
	json_t *body = filter(cli);
	size_t i;
	json_t *record;

	json_object_set_new(body, "errors", json_true());
	json_object_set_new(body, "limit", json_integer(cli->count ? cli->count : 20));
	int rc = stw_cli_call(cli, STW_ENDPOINT_RECORDS, NULL, body, &a);
	json_decref(body);
	if (rc == STW_EXIT_OK && cli->json) {
		fputs(a.text, stdout);
	} else if (rc == STW_EXIT_OK && !not_recording(&t, a.json)) {
		json_array_foreach(json_object_get(a.json, "records"), i, record)
			print_error(&t, record);
		if (i == 0)
			printf("no message was rejected or dropped\n");
	}
	stw_answer_fini(&a);
	return rc;
}
