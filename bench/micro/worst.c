/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/micro/worst.h"

#include <string.h>

#include <strowger/sip.h>

#include "bench/clock.h"
#include "bench/micro/corpus.h"

#define SIZE	65535u
#define REPEATS 40

#define START	"INVITE sip:a@b SIP/2.0\r\n"
#define REST	"From: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
#define VIA	"Via: SIP/2.0/UDP h\r\n"
#define TO	"To: <sip:a@b>\r\n"
#define ALL	START VIA REST TO

/* @head, then @again as often as it fits, then @tail */
static const struct input {
	const char *name, *head, *again, *tail;
} inputs[] = {
	{"long_value", ALL "X: ", "abcd", "\r\n\r\n"},
	{"folds", ALL "X: ", "a\r\n ", "\r\n\r\n"},
	{"backslashes", ALL "X: ", "\\\\", "\r\n\r\n"},
	{"header_lines", ALL, "A: b\r\n", "\r\n"},
	{"vias", ALL "v: SIP/2.0/UDP a", ",a", "\r\n\r\n"},
	{"via_parameters", START "Via: SIP/2.0/UDP h", ";a=b", "\r\n" REST TO "\r\n"},
	{"display_tokens", START VIA REST "To: ", "a ", "<sip:a@b>\r\n\r\n"},
	{"display_escapes", START VIA REST "To: \"", "\\\"", "\" <sip:a@b>\r\n\r\n"},
	{"uri_parameters", "INVITE sip:a@b", ";a=b", " SIP/2.0\r\n" VIA REST TO "\r\n"},
	{"same_twice", ALL, "i: x\r\n", "\r\n"},
	{"blanks_in_name", ALL "X", "        ", ": a\r\n\r\n"},
	{"digits", ALL "l: ", "0", "\r\n\r\n"},
	{"unfinished", ALL, "A: bcdefghijklmnopqrstuvwxyz\r\n", ""},
	{"line_ends", "", "\r\n", ""},
};

static size_t fill(const struct input *in, char *out)
{
	size_t n = strlen(in->head), again = strlen(in->again), tail = strlen(in->tail);

	memcpy(out, in->head, n);
	for (; n + again + tail <= SIZE; n += again)
		memcpy(out + n, in->again, again);
	memcpy(out + n, in->tail, tail);
	return n + tail;
}

/* The least of some runs: what the input costs, not what the machine was doing. */
static double ns_per_byte(const char *buf, size_t len)
{
	struct stw_sip_msg m;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < REPEATS; i++) {
		uint64_t start = stw_bench_now_ns();
		stw_sip_parse(buf, len, &m);
		uint64_t ns = stw_bench_now_ns() - start;
		least = ns < least ? ns : least;
	}
	return (double)least / (double)len;
}

static double ordinary(char *buf)
{
	unsigned i = 0;

	while (stw_corpus_shape_of(7, i) != STW_CORPUS_INVITE)
		i++;
	return ns_per_byte(buf, stw_corpus_message(7, i, true, buf, STW_CORPUS_ROOM));
}

void stw_bench_worst(FILE *f)
{
	static char buf[SIZE + 1];
	const char *worst = "";
	double base = ordinary(buf), most = 0;

	fprintf(f, "{\"ordinary_invite\":{\"ns_per_byte\":%.2f}", base);
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		double ns = ns_per_byte(buf, fill(&inputs[i], buf));
		fprintf(f, ",\"%s\":{\"ns_per_byte\":%.2f}", inputs[i].name, ns);
		if (ns > most) {
			most = ns;
			worst = inputs[i].name;
		}
	}
	fprintf(f, "}");
	printf("worst 64 KiB input: %s, %.2f ns/byte; ordinary INVITE %.2f ns/byte\n", worst, most,
	       base);
}
