/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-corpus: the traffic of the path benchmark as a pcap file. Each frame belongs to a call
 * of its own and is sent through the balancer's code before it is written: a frame that would be
 * dropped or answered, or sent to somebody else than the call's other side, ends the program.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>

#include "bench/messages/call.h"
#include "bench/messages/draft.h"
#include "bench/path/frame.h"
#include "bench/messages/shapes.h"
#include "bench/path/world.h"
#include "bench/traffic/stamp.h"

#define WIRE_MAX  1472u /* of 1500 bytes of IP and UDP */
#define SIZE_STEP 200u
#define N_SIZES	  8u /* the last one: all above */

struct options {
	const char *config;
	const char *output;
	const char *summary; /* JSON, NULL for none */
	const char *only;    /* shapes by name, or "requests", "responses"; NULL: all */
	uint32_t count;
	uint32_t lines; /* header lines more than the shape has, of names nobody knows */
	uint32_t bytes; /* a message is made at least so long */
	uint64_t seed;
	bool stamp;
};

struct maker {
	const struct options *o;
	struct stw_bench_world world;
	struct stw_bench_random random;
	struct stw_bench_call call;
	struct stw_bench_draft draft;
	struct stw_bench_message message;
	struct stw_bench_sent sent;
	size_t sizes[N_SIZES];
	uint64_t sip_bytes;
	uint64_t sip_bytes_out;
	uint64_t header_lines;
};

static int complain(const struct maker *k, const char *what, const char *why)
{
	fprintf(stderr, "stw-bench-corpus: %s: %s\n%.*s\n", what, why, (int)k->message.len,
		k->message.text);
	return STW_EMALFORMED;
}

/* Send @k->message from @side; the answer is in @k->sent. */
static int forward(struct maker *k, const char *what, enum stw_bench_side side)
{
	const char *why = "";
	int err = stw_bench_world_forward(&k->world, k->message.text, k->message.len,
					  &k->call.source[side], &k->sent, &why);

	return err == STW_OK ? STW_OK : complain(k, what, why);
}

/* Our Record-Route of the forwarded INVITE becomes the dialog's Route. */
static int learn_route(struct maker *k)
{
	struct stw_sip_msg m;

	if (stw_sip_parse(k->sent.text, k->sent.len, &m) != STW_SIP_ACCEPTED ||
	    !stw_sip_has(&m, STW_HDR_RECORD_ROUTE))
		return complain(k, "invite", "forwarded without a Record-Route");
	struct stw_span rr = m.value[STW_HDR_RECORD_ROUTE];
	if (rr.len >= sizeof(k->call.route))
		return complain(k, "invite", "Record-Route too long");
	memcpy(k->call.route, k->sent.text + rr.off, rr.len);
	k->call.route[rr.len] = '\0';
	return STW_OK;
}

/* A new call, as far as its INVITE having reached a member. */
static int begin_call(struct maker *k, uint32_t serial)
{
	stw_bench_call_init(&k->call, &k->random, serial, stw_bench_world_listener(&k->world));
	stw_bench_draft_init(&k->draft, &k->random);
	stw_bench_write_invite(&k->draft, &k->call);
	if (stw_bench_draft_finish(&k->draft, &k->message) != STW_OK)
		return complain(k, "invite", "too long");
	if (forward(k, "invite", STW_BENCH_CALLER) != STW_OK)
		return STW_EMALFORMED;
	stw_bench_call_set_member(&k->call, &k->random, &k->sent.verdict.dst);
	return learn_route(k);
}

/* The frame's own message, with what the options add. */
static int finish(struct maker *k)
{
	for (uint32_t i = 0; i < k->o->lines; i++)
		stw_bench_draft_add(&k->draft, "X-Extra", "%08x",
				    stw_bench_random_below(&k->random, UINT32_MAX));
	if (k->o->stamp)
		stw_bench_draft_add(&k->draft, STW_STAMP_HEADER, STW_STAMP_EMPTY);
	stw_bench_draft_pad(&k->draft, k->o->bytes);
	return stw_bench_draft_finish(&k->draft, &k->message);
}

static int write_request(struct maker *k, const struct stw_bench_shape *shape)
{
	stw_bench_draft_init(&k->draft, &k->random);
	shape->request(&k->draft, &k->call);
	return shape->status == 0 ? finish(k) : stw_bench_draft_finish(&k->draft, &k->message);
}

/* The message of @shape into @k->message. @return its sender's side, or a negative error */
static int write_message(struct maker *k, const struct stw_bench_shape *shape)
{
	if (write_request(k, shape) != STW_OK)
		return complain(k, shape->name, "too long");
	if (shape->status == 0)
		return shape->sender;
	if (forward(k, shape->name, shape->sender) != STW_OK)
		return STW_EMALFORMED;
	stw_bench_draft_init(&k->draft, &k->random);
	if (stw_bench_write_answer(&k->draft, &k->call, shape, k->sent.text, k->sent.len) !=
		    STW_OK ||
	    finish(k) != STW_OK)
		return complain(k, shape->name, "no answer could be written");
	return !shape->sender;
}

/* The call's two sides are the only places its messages may go to. */
static int check(struct maker *k, const struct stw_bench_shape *shape, enum stw_bench_side side)
{
	if (forward(k, shape->name, side) != STW_OK)
		return STW_EMALFORMED;
	if (!stw_endpoint_equal(&k->sent.verdict.dst, &k->call.source[!side]))
		return complain(k, shape->name, "sent to somebody else");
	return STW_OK;
}

/* A message and what it became. @return its sender's side, or a negative error */
static int draw(struct maker *k, const struct stw_bench_shape *shape, uint32_t serial)
{
	int side;

	if (begin_call(k, serial) != STW_OK)
		return STW_EMALFORMED;
	side = write_message(k, shape);
	if (side >= 0 && check(k, shape, (enum stw_bench_side)side) != STW_OK)
		return STW_EMALFORMED;
	return side;
}

static uint64_t count_lines(const struct stw_bench_message *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i + 2 < m->len && memcmp(m->text + i, "\n\r\n", 3) != 0; i++)
		n += m->text[i] == '\n';
	return n;
}

static int make(struct maker *k, const struct stw_bench_shape *shape, uint32_t serial,
		struct stw_bench_frame *out)
{
	size_t step;
	int side;

	/* With a stamp it is for a wire, where each message must come back as one frame. */
	do
		side = draw(k, shape, serial);
	while (side >= 0 && k->o->stamp && k->o->bytes == 0 && k->sent.len > WIRE_MAX);
	if (side < 0)
		return STW_EMALFORMED;
	step = k->message.len / SIZE_STEP;
	k->sizes[step < N_SIZES ? step : N_SIZES - 1]++;
	k->sip_bytes += k->message.len;
	k->sip_bytes_out += k->sent.len;
	k->header_lines += count_lines(&k->message);
	return stw_bench_frame_make(out, k->message.text, k->message.len, &k->call.source[side],
				    stw_bench_world_listener(&k->world));
}

static bool named(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* The shape's frames in a hundred; none of one that is not asked for. */
static uint32_t weight(const struct stw_bench_shape *shape, const char *only)
{
	const char *kind = shape->status == 0 ? "requests" : "responses";

	return !only || named(only, shape->name) || named(only, kind) ? shape->weight : 0;
}

/* [count] of shape indices in the proportions of the table, in random order. */
static uint8_t *deal(struct stw_bench_random *r, const char *only, uint32_t count)
{
	uint32_t total = 0, seen = 0, n = 0;
	uint8_t *plan;

	for (size_t i = 0; i < stw_bench_n_shapes; i++)
		total += weight(&stw_bench_shapes[i], only);
	plan = total > 0 ? malloc(count) : NULL;
	for (size_t i = 0; plan && i < stw_bench_n_shapes; i++) {
		seen += weight(&stw_bench_shapes[i], only);
		for (uint32_t end = (uint32_t)((uint64_t)count * seen / total); n < end; n++)
			plan[n] = (uint8_t)i;
	}
	for (uint32_t i = count; plan && i > 1; i--) {
		uint32_t j = stw_bench_random_below(r, i);
		uint8_t swap = plan[i - 1];
		plan[i - 1] = plan[j];
		plan[j] = swap;
	}
	return plan;
}

static void print_domains(FILE *f)
{
	fprintf(f, " \"domains\": [");
	for (size_t i = 0; stw_bench_domains[i]; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "", stw_bench_domains[i]);
	fprintf(f, "],\n");
}

static void print_summary(FILE *f, const struct maker *k, const struct options *o,
			  const uint8_t *plan)
{
	fprintf(f, "{\"frames\": %u, \"seed\": %" PRIu64 ", ", o->count, o->seed);
	fprintf(f, "\"sip_bytes_mean\": %.1f, \"sip_bytes_sent_mean\": %.1f,\n",
		(double)k->sip_bytes / o->count, (double)k->sip_bytes_out / o->count);
	fprintf(f, " \"header_lines_mean\": %.1f,\n", (double)k->header_lines / o->count);
	print_domains(f);
	fprintf(f, " \"frame_headers_bytes\": %u,\n \"shapes\": {", STW_BENCH_FRAME_HEADERS);
	for (size_t s = 0; s < stw_bench_n_shapes; s++) {
		uint32_t n = 0;
		for (uint32_t i = 0; i < o->count; i++)
			n += plan[i] == s;
		fprintf(f, "%s\"%s\": %u", s ? ", " : "", stw_bench_shapes[s].name, n);
	}
	fprintf(f, "},\n \"sip_bytes_histogram\": {");
	for (size_t i = 0; i < N_SIZES; i++)
		fprintf(f, "%s\"%zu%s\": %zu", i ? ", " : "", i * SIZE_STEP,
			i + 1 < N_SIZES ? "" : "+", k->sizes[i]);
	fprintf(f, "}}\n");
}

static int write_summary(const struct maker *k, const struct options *o, const uint8_t *plan)
{
	FILE *f = o->summary ? fopen(o->summary, "w") : NULL;

	print_summary(stdout, k, o, plan);
	if (!o->summary)
		return STW_OK;
	if (!f)
		return STW_EIO;
	print_summary(f, k, o, plan);
	return fclose(f) == 0 ? STW_OK : STW_EIO;
}

static int run(const struct options *o)
{
	static struct maker k;
	struct stw_bench_frame *frames = calloc(o->count, sizeof(*frames));
	uint8_t *plan = NULL;
	int err = frames ? stw_bench_world_init(o->config, &k.world) : STW_ENOMEM;

	k.o = o;
	k.random.state = o->seed;
	if (err == STW_OK && !(plan = deal(&k.random, o->only, o->count)))
		err = STW_ERANGE; /* no such shape, or no memory */
	for (uint32_t i = 0; err == STW_OK && i < o->count; i++)
		err = make(&k, &stw_bench_shapes[plan[i]], i, &frames[i]);
	if (err == STW_OK)
		err = stw_bench_pcap_write(o->output, frames, o->count);
	if (err == STW_OK)
		err = write_summary(&k, o, plan);
	if (err != STW_OK)
		fprintf(stderr, "stw-bench-corpus: %s: failed\n", o->output);
	stw_bench_world_fini(&k.world);
	free(plan);
	stw_bench_frames_free(frames, o->count);
	return err == STW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},  {"output", required_argument, NULL, 'o'},
		{"summary", required_argument, NULL, 'j'}, {"count", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},	   {"only", required_argument, NULL, 'y'},
		{"lines", required_argument, NULL, 'l'},   {"bytes", required_argument, NULL, 'b'},
		{"stamp", no_argument, NULL, 't'},	   {NULL, 0, NULL, 0},
	};
	struct options o = {.count = 16384, .seed = 1891};

	for (int c; (c = getopt_long(argc, argv, "c:o:j:n:s:", longs, NULL)) != -1;) {
		switch (c) {
		case 'c': o.config = optarg; break;
		case 'o': o.output = optarg; break;
		case 'j': o.summary = optarg; break;
		case 'n': o.count = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 's': o.seed = strtoull(optarg, NULL, 10); break;
		case 'y': o.only = optarg; break;
		case 'l': o.lines = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'b': o.bytes = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 't': o.stamp = true; break;
		default: return 2;
		}
	}
	if (!o.config || !o.output || o.count == 0 || o.count > 1000000 || optind != argc) {
		fprintf(stderr,
			"usage: %s --config FILE --output FILE.pcap [--summary FILE.json]"
			" [--count 1..1000000] [--seed N]\n"
			"       [--only SHAPE,...|requests|responses] [--lines N] [--bytes N] "
			"[--stamp]\n",
			argv[0]);
		return 2;
	}
	return run(&o);
}
