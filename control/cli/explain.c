/* SPDX-License-Identifier: BSD-3-Clause */
/* explain: what becomes of a message, and why. replay: what would become of a capture's. */
#include <stdlib.h>
#include <string.h>

#include "control/cli/ask.h"
#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/grid.h"
#include "control/cli/show.h"

#define MESSAGE_MAX	65535u
#define CONFIG_MAX	(4u << 20)
#define A_REQUEST	1000u	   /* messages */
#define A_REQUEST_BYTES (8u << 20) /* of them */

static void print_rewritten(const json_t *result)
{
	size_t len;
	unsigned char *bytes = stw_ask_bytes(json_object_get(result, "rewritten_base64"), &len);

	if (!bytes)
		return;
	printf("\nas it leaves:\n\n");
	stw_print_wire(bytes, len);
	free(bytes);
}

static void print_candidates(const json_t *result)
{
	struct stw_grid g;
	size_t i;
	json_t *c;
	const json_t *rows = json_object_get(result, "candidates");

	if (json_array_size(rows) == 0)
		return;
	stw_grid_init(&g, (const char *const[]){"CANDIDATE", "ADDRESS", ">WEIGHT", ">SHARE",
						"TAKEN", "WHY", NULL});
	json_array_foreach(rows, i, c)
	{
		stw_grid_add(&g, "%s", stw_text(c, "name"));
		stw_grid_add(&g, "%s", stw_text(c, "address"));
		stw_grid_add(&g, "%s", stw_text(c, "weight"));
		stw_grid_add(&g, "%.2f %%", 100 * json_number_value(json_object_get(c, "share")));
		stw_grid_add(&g, "%s", stw_text(c, "taken"));
		stw_grid_add(&g, "%s", stw_text(c, "why"));
	}
	printf("\n");
	stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
}

static void print_reject(const json_t *result)
{
	const json_t *r = json_object_get(json_object_get(result, "message"), "rejected");

	if (json_is_object(r))
		printf("rejected: %s (%s) at byte %s\n", stw_text(r, "phrase"),
		       stw_text(r, "section"), stw_text(r, "offset"));
}

/* The rule, and those before it. */
static void print_rules(const json_t *result)
{
	const json_t *rules = json_object_get(result, "rules"), *row;
	const char *matched = json_string_value(json_object_get(rules, "matched"));
	const char *not_asked = json_string_value(json_object_get(rules, "not_asked"));
	size_t i;

	if (!json_is_object(rules))
		return;
	printf("rule:     %s\n", matched ? matched : not_asked ? not_asked : "none fits");
	json_array_foreach(json_object_get(rules, "tried"), i, row)
		printf("          before it %s: %s\n", stw_text(row, "name"),
		       stw_text(row, "why_not"));
}

static void print_next_hop(const json_t *verdict)
{
	const json_t *hop = json_object_get(verdict, "next_hop");

	if (json_is_null(hop))
		puts("next hop: none: no route leads there");
	if (!json_is_object(hop))
		return;
	printf("next hop: %s at port %s", stw_text(hop, "address"), stw_text(hop, "port"));
	if (json_is_integer(json_object_get(hop, "vlan")))
		printf(", VLAN %s", stw_text(hop, "vlan"));
	putchar('\n');
}

static void print_result(const json_t *answer, const json_t *result)
{
	char text[400];
	const json_t *key = json_object_get(result, "key");

	if (json_is_true(json_object_get(result, "decided"))) {
		stw_ask_message_text(result, text, sizeof(text));
		printf("message:  %s\n", text);
		printf("call:     %s\n", stw_text(json_object_get(result, "message"), "call_id"));
		printf("from:     %s%s%s\n", stw_text(result, "from"),
		       json_is_string(json_object_get(result, "from_member")) ? ", member " : "",
		       json_is_string(json_object_get(result, "from_member"))
			       ? stw_text(result, "from_member")
			       : "");
		printf("listener: %s (%s), tables of generation %s\n", stw_text(result, "listener"),
		       stw_text(result, "sent_to"), stw_text(answer, "generation"));
		print_reject(result);
		print_rules(result);
		if (json_is_object(key))
			printf("hash:     %s of its %s, slot %s of %s in pool %s\n",
			       stw_text(key, "hash"), stw_text(key, "key"), stw_text(key, "slot"),
			       stw_text(key, "slots"), stw_text(key, "pool"));
	}
	stw_ask_verdict_text(result, text, sizeof(text));
	printf("decision: %s\n", text);
	const json_t *v = json_object_get(result, "verdict");
	if (json_is_string(json_object_get(v, "remark")))
		printf("remark:   %s\n", stw_text(v, "remark"));
	if (json_is_string(json_object_get(v, "by")))
		printf("leaves:   by listener %s (%s)%s\n", stw_text(v, "by_listener"),
		       stw_text(v, "by"),
		       json_is_true(json_object_get(v, "record_route")) ? ", with our Record-Route"
									: "");
	print_next_hop(v);
	print_candidates(result);
	print_rewritten(result);
}

static int ask(struct stw_cli *cli, json_t *messages, const char *config, bool whole,
	       struct stw_answer *out)
{
	json_t *body = json_pack("{s:O, s:b, s:s*}", "messages", messages, "whole", (int)whole,
				 "config", config);

	if (!body) {
		fprintf(stderr, "strowgerctl: the configuration is not UTF-8 text\n");
		*out = (struct stw_answer){0};
		return STW_EXIT_FAILED;
	}
	int rc = stw_cli_call(cli, STW_ENDPOINT_EXPLAIN, NULL, body, out);
	json_decref(body);
	return rc;
}

static int explain_one(struct stw_cli *cli, json_t *message)
{
	struct stw_answer a;
	json_t *messages = json_array();

	json_array_append_new(messages, message);
	int rc = ask(cli, messages, NULL, true, &a);
	json_decref(messages);
	if (rc == STW_EXIT_OK && cli->json)
		fputs(a.text, stdout);
	else if (rc == STW_EXIT_OK)
		print_result(a.json, json_array_get(json_object_get(a.json, "results"), 0));
	stw_answer_fini(&a);
	return rc;
}

/* The text of an endpoint, in one of two buffers. */
static const char *endpoint_text(const struct stw_endpoint *ep, int which)
{
	static char text[2][STW_ENDPOINT_TEXT];

	stw_endpoint_format(ep, text[which]);
	return text[which];
}

static bool is_capture(const char *bytes, size_t len)
{
	static const char magics[][5] = {"\x0a\x0d\x0d\x0a", "\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4",
					 "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d"};

	for (size_t i = 0; len >= 4 && i < sizeof(magics) / sizeof(magics[0]); i++)
		if (memcmp(bytes, magics[i], 4) == 0)
			return true;
	return false;
}

/* One packet of a capture: the first datagram, or the one with that number. */
static int explain_packet(struct stw_cli *cli, const char *path)
{
	char reason[128] = "cannot be read";
	FILE *f = fopen(path, "rb");
	struct stw_capture *c = f ? stw_capture_new(f, reason, sizeof(reason)) : NULL;
	struct stw_datagram d;
	int rc = STW_EXIT_FAILED;
	bool found = false;

	while (c && !found && stw_capture_next(c, &d))
		found = cli->packet == 0 || d.number == (uint64_t)cli->packet;
	if (found)
		rc = explain_one(cli, stw_ask_message(d.bytes, d.len, endpoint_text(&d.from, 0),
						      endpoint_text(&d.to, 1)));
	else
		fprintf(stderr, "strowgerctl: %s: %s\n", path,
			c ? "no such packet with a UDP datagram in it" : reason);
	stw_capture_free(c);
	if (f)
		fclose(f);
	return rc;
}

/* As if it came again, whole: what was not kept of the body is filled up with blanks. */
static json_t *message_of(const json_t *record)
{
	size_t len, whole = (size_t)json_integer_value(json_object_get(record, "bytes"));
	unsigned char *bytes = stw_ask_bytes(json_object_get(record, "base64"), &len);
	unsigned char *filled = bytes && whole <= MESSAGE_MAX ? realloc(bytes, whole + 1) : NULL;
	json_t *message = NULL;

	if (filled) {
		bytes = filled;
		if (whole > len)
			memset(filled + len, ' ', whole - len);
		message = stw_ask_message(filled, whole,
					  json_string_value(json_object_get(record, "from")),
					  json_string_value(json_object_get(record, "sent_to")));
	}
	free(bytes);
	return message;
}

/* The oldest message of a call that the flight recorder holds. */
static int explain_call(struct stw_cli *cli)
{
	struct stw_answer a;
	json_t *body = json_pack("{s:s, s:i}", "call_id", cli->call_id, "limit", 20000);
	int rc = stw_cli_call(cli, STW_ENDPOINT_RECORDS, NULL, body, &a);
	json_t *message = NULL;

	json_decref(body);
	if (rc == STW_EXIT_OK)
		message = message_of(json_array_get(json_object_get(a.json, "records"), 0));
	stw_answer_fini(&a);
	if (message)
		return explain_one(cli, message);
	if (rc == STW_EXIT_OK)
		fprintf(stderr,
			"strowgerctl: the flight recorder holds no message of call \"%s\"\n",
			cli->call_id);
	return rc == STW_EXIT_OK ? STW_EXIT_FAILED : rc;
}

static int explain_file(struct stw_cli *cli, const char *path)
{
	size_t len;
	char *text = stw_file_read(path, MESSAGE_MAX, &len);

	if (!text)
		return STW_EXIT_FAILED;
	int rc = STW_EXIT_FAILED;

	if (len == 0)
		fprintf(stderr, "strowgerctl: %s: it is empty: a SIP message is wanted\n",
			strcmp(path, "-") == 0 ? "standard input" : path);
	else
		rc = explain_one(cli, stw_ask_message(text, len, cli->from, cli->to));
	free(text);
	return rc;
}

int stw_run_explain(struct stw_cli *cli)
{
	const char *path = cli->n_args ? cli->args[0] : "-";
	char magic[4];
	size_t n = 0;

	if (cli->call_id)
		return explain_call(cli);
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "rb") : NULL;
	if (f) {
		n = fread(magic, 1, sizeof(magic), f);
		fclose(f);
	}
	return is_capture(magic, n) ? explain_packet(cli, path) : explain_file(cli, path);
}

/* ---- replay ---- */

struct replay {
	struct stw_cli *cli;
	const char *config; /* text of the other configuration, or NULL */
	json_t *messages;   /* asked for together */
	json_t *numbers;    /* of their packets */
	size_t bytes;
	uint64_t n, n_undecided, n_different;
	json_t *different; /* with --json */
	json_t *tally;	   /* verdict text: how often */
};

static void count(struct replay *r, const char *verdict)
{
	json_int_t n = json_integer_value(json_object_get(r->tally, verdict));

	json_object_set_new(r->tally, verdict, json_integer(n + 1));
}

static void tell_difference(struct replay *r, const json_t *result, json_int_t number)
{
	char message[200], now[200], then[200];

	r->n_different++;
	if (r->cli->json) {
		json_array_append(r->different, (json_t *)result);
		return;
	}
	stw_ask_message_text(result, message, sizeof(message));
	stw_ask_verdict_text(result, now, sizeof(now));
	stw_ask_verdict_text(json_object_get(result, "would"), then, sizeof(then));
	printf("packet %lld: %s\n  call %s\n  now:  %s\n  then: %s\n", (long long)number, message,
	       stw_text(json_object_get(result, "message"), "call_id"), now, then);
}

static void take_results(struct replay *r, const json_t *answer)
{
	char text[200];
	size_t i;
	json_t *result;

	json_array_foreach(json_object_get(answer, "results"), i, result)
	{
		json_t *number = json_array_get(r->numbers, i);

		r->n++;
		json_object_set(result, "packet", number);
		r->n_undecided += !json_is_true(json_object_get(result, "decided"));
		stw_ask_verdict_text(result, text, sizeof(text));
		count(r, text);
		if (r->config && !json_is_true(json_object_get(result, "same")))
			tell_difference(r, result, json_integer_value(number));
	}
}

static int flush_replay(struct replay *r)
{
	struct stw_answer a;

	if (json_array_size(r->messages) == 0)
		return STW_EXIT_OK;
	int rc = ask(r->cli, r->messages, r->config, false, &a);
	if (rc == STW_EXIT_OK)
		take_results(r, a.json);
	stw_answer_fini(&a);
	json_array_clear(r->messages);
	json_array_clear(r->numbers);
	r->bytes = 0;
	return rc;
}

static int replay_all(struct replay *r, struct stw_capture *c)
{
	struct stw_datagram d;
	int rc = STW_EXIT_OK;

	while (rc == STW_EXIT_OK && stw_capture_next(c, &d)) {
		if (d.len == 0)
			continue;
		json_array_append_new(r->messages,
				      stw_ask_message(d.bytes, d.len, endpoint_text(&d.from, 0),
						      endpoint_text(&d.to, 1)));
		json_array_append_new(r->numbers, json_integer((json_int_t)d.number));
		r->bytes += d.len;
		if (json_array_size(r->messages) >= A_REQUEST || r->bytes > A_REQUEST_BYTES)
			rc = flush_replay(r);
	}
	return rc == STW_EXIT_OK ? flush_replay(r) : rc;
}

static void print_replay(const struct replay *r, const struct stw_capture *c)
{
	struct stw_grid g;
	const char *text;
	json_t *n;

	if (r->cli->json) {
		json_t *o = json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:O, s:O}", "version",
				      STW_API_VERSION, "messages", (json_int_t)r->n, "undecided",
				      (json_int_t)r->n_undecided, "fragments",
				      (json_int_t)stw_capture_n_fragments(c), "others",
				      (json_int_t)stw_capture_n_others(c), "damaged",
				      (int)stw_capture_damaged(c), "decisions", r->tally,
				      "different", r->different);
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(o);
		return;
	}
	stw_grid_init(&g, (const char *const[]){">MESSAGES", "DECISION", NULL});
	json_object_foreach(r->tally, text, n)
	{
		stw_grid_add(&g, "%lld", (long long)json_integer_value(n));
		stw_grid_add(&g, "%s", text);
	}
	stw_grid_print(&g, stdout);
	stw_grid_fini(&g);
	printf("%llu messages, %llu of them not for us; left out: %llu fragments, %llu other "
	       "packets%s\n",
	       (unsigned long long)r->n, (unsigned long long)r->n_undecided,
	       (unsigned long long)stw_capture_n_fragments(c),
	       (unsigned long long)stw_capture_n_others(c),
	       stw_capture_damaged(c) ? "; the file is damaged where this ended" : "");
	if (r->config)
		printf("%llu decided otherwise by %s\n", (unsigned long long)r->n_different,
		       r->cli->config);
}

int stw_run_replay(struct stw_cli *cli)
{
	char reason[128] = "cannot be read";
	size_t len;
	char *config = cli->config ? stw_file_read(cli->config, CONFIG_MAX, &len) : NULL;

	if (cli->config && !config)
		return STW_EXIT_FAILED;
	cli->text_file = cli->config;
	FILE *f = fopen(cli->args[0], "rb");
	struct stw_capture *c = f ? stw_capture_new(f, reason, sizeof(reason)) : NULL;
	struct replay r = {.cli = cli,
			   .config = config,
			   .messages = json_array(),
			   .numbers = json_array(),
			   .different = json_array(),
			   .tally = json_object()};
	int rc = c ? replay_all(&r, c) : STW_EXIT_FAILED;

	if (!c)
		fprintf(stderr, "strowgerctl: %s: %s\n", cli->args[0], reason);
	else if (rc == STW_EXIT_OK)
		print_replay(&r, c);
	json_decref(r.messages);
	json_decref(r.numbers);
	json_decref(r.different);
	json_decref(r.tally);
	stw_capture_free(c);
	if (f)
		fclose(f);
	free(config);
	return rc;
}
