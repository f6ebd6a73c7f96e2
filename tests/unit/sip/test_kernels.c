/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels against the oracle: order of headers, edges of blocks and pages, random damage. */
#include <ctype.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/micro/corpus.h"
#include "tests/support/oracle.h"
#include "tests/unit/sip/values.h"

typedef enum stw_sip_reject (*parse_fn)(const char *buf, size_t len, struct stw_sip_msg *out);

static void compare(const char *bytes, size_t len, const char *what, parse_fn parse,
		    const struct stw_sip_msg *want)
{
	struct stw_sip_msg got;

	for (int k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		memset(&got, 0x33, sizeof(got));
		parse(bytes, len, &got);
		if (memcmp(&got, want, sizeof(got)) != 0)
			print_error("%s, kernel %s, %zu bytes:\n%.*s\n", what,
				    stw_sip_kernel_name((enum stw_sip_kernel)k), len, (int)len,
				    bytes);
		assert_memory_equal(&got, want, sizeof(got));
	}
}

/* @bytes stand where the caller wants them to; every kernel agrees with the oracle there. */
static void check(const char *bytes, size_t len)
{
	struct stw_sip_msg want;

	stw_oracle_parse(bytes, len, &want);
	compare(bytes, len, "parse", stw_sip_parse, &want);
	stw_oracle_locate(bytes, len, &want);
	compare(bytes, len, "locate", stw_sip_locate, &want);
}

static void check_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	check(copy, len);
	free(copy);
}

static void every_shape_in_any_order(void **state)
{
	char text[STW_CORPUS_ROOM];
	unsigned seen = 0;
	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		for (int shuffled = 0; shuffled < 2; shuffled++) {
			size_t len = stw_corpus_message(3, i, shuffled, text, sizeof(text));
			struct stw_sip_msg m;
			assert_int_equal(stw_sip_parse(text, len, &m), STW_SIP_ACCEPTED);
			check_copy(text, len);
		}
		seen |= 1u << stw_corpus_shape_of(3, i);
	}
	assert_int_equal(seen, (1u << STW_N_CORPUS_SHAPES) - 1);
}

/* The headers a message needs, with the last line of any length. */
#define NEEDED "v: SIP/2.0/UDP h\r\nf: <sip:a@b>\r\nt: <sip:a@b>\r\ni: x\r\nCSeq: 1 BYE\r\n"

struct text {
	size_t len;
	char bytes[16384];
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	t->len += (size_t)vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, format, args);
	va_end(args);
	assert_in_range(t->len, 0, sizeof(t->bytes) - 1);
}

static void add_others(struct text *t, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		add(t, "%s: %u\r\n", i % 3 ? "Xy" : "a", i);
}

/* Each name of sip.h, long, compact and in capitals, at each line and each offset in a block. */
static void every_hot_name_at_every_offset(void **state)
{
	static const char *const names[] = {
#define X(id, name, compact) name, compact,
		STW_SIP_HOT_HEADERS(X)
#undef X
	};
	char text[1024], upper[32];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (unsigned pad = 0; names[i] && pad < 130; pad++) {
			size_t n = 0;
			do
				upper[n] = (char)(pad & 1 ? toupper(names[i][n]) : names[i][n]);
			while (names[i][n++]);
			int len = snprintf(text, sizeof(text),
					   "BYE sip:h SIP/2.0\r\nX: %.*s\r\n%s: 7\r\n%s: 8\r\n\r\n",
					   (int)pad,
					   "................................................"
					   "................................................"
					   "..................................",
					   upper, upper);
			check_copy(text, (size_t)len);
		}
	}
}

/* Values with other white space around them than one blank before, or nothing but that. */
static void every_hot_name_with_odd_blanks(void **state)
{
	static const char *const names[] = {
#define X(id, name, compact) name, compact,
		STW_SIP_HOT_HEADERS(X)
#undef X
	};
	static const char *const values[] = {"7",
					     "  7",
					     "\t7",
					     " \t7",
					     " 7 ",
					     " 7\t",
					     "   ",
					     " ",
					     "",
					     "\t",
					     " \v",
					     " \x1f 7",
					     " 7,8",
					     " \"",
					     "\r\n 7",
					     " 7\r\n ",
					     " \x80"
					     "7"};
	static struct text t;
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t v = 0; names[i] && v < sizeof(values) / sizeof(values[0]); v++) {
			for (unsigned before = 0; before < 36; before += 5) {
				t.len = 0;
				add(&t, "BYE sip:h SIP/2.0\r\n");
				add_others(&t, 0, before);
				add(&t, "%s:%s\r\n%s", names[i], values[v],
				    v % 2 ? NEEDED : "Subject: of the end of the message\r\n");
				add(&t, "%s", before % 2 ? "" : "l: 0\r\n");
				add(&t, "\r\n");
				check_copy(t.bytes, t.len);
			}
		}
	}
}

/* Names longer than registers' parts, with a byte that does not belong there, at any line. */
static void names_of_any_length(void **state)
{
	static const char odd[] = {'y', ':', ' ', '@', '\x1a', '\x80', '\r'};
	static struct text t;
	(void)state;
	for (int n = 0; n < 140; n += n < 68 ? 1 : 9) {
		for (size_t i = 0; i < 3 * sizeof(odd); i++) {
			const size_t third = i / sizeof(odd);
			t.len = 0;
			add(&t, "BYE sip:h SIP/2.0\r\n");
			add_others(&t, 0, (unsigned)n % 36);
			size_t name = t.len;
			add(&t, "%0*d: 7\r\n", n, 0);
			t.bytes[name + third * (size_t)n / 2] = odd[i % sizeof(odd)];
			add(&t, "%0*d:\r\n%s\r\n", n + 1, 0, n % 2 ? NEEDED : "");
			check_copy(t.bytes, t.len);
		}
	}
}

/* Each byte at each place of each name: none but letters may be what they are with bit 0x20. */
static void every_hot_name_with_any_byte(void **state)
{
	static const char *const names[] = {
#define X(id, name, compact) name, compact,
		STW_SIP_HOT_HEADERS(X)
#undef X
	};
	static struct text t;
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t at = 0; names[i] && at <= strlen(names[i]); at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				t.len = 0;
				add(&t, "BYE sip:h SIP/2.0\r\nSubject: a long one\r\n");
				size_t name = t.len;
				add(&t, "%s: 7\r\nSubject: another\r\n\r\n", names[i]);
				t.bytes[name + at] = (char)byte;
				check_copy(t.bytes, t.len);
			}
		}
	}
}

/* The last byte of the message is the last of a page; what follows may not be touched. */
static void nothing_is_read_beyond_the_end_of_a_page(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[STW_CORPUS_ROOM];
	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map, page, PROT_NONE), 0);
	assert_int_equal(mprotect(map + 2 * page, page, PROT_NONE), 0);
	for (unsigned i = 0; i < 60; i++) {
		size_t len = stw_corpus_message(5, i, true, text, sizeof(text));
		for (size_t n = i < 3 ? 0 : len - 70; n <= len; n++) {
			memcpy(map + 2 * page - n, text, n); /* ends with the page */
			check(map + 2 * page - n, n);
			memcpy(map + page, text, n); /* begins with it */
			check(map + page, n);
		}
	}
	munmap(map, 3 * page);
}

static size_t damage(char *text, size_t len, unsigned *seed)
{
	static const char *const bits[] = {
		"\r\n", "\n",	    "\r",	 " ",	  "\t",	     ":",
		";",	"=",	    "<",	 ">",	  "\"",	     "\\",
		"@",	",",	    "\r\n ",	 "%41",	  "SIP/2.0", "l: 0\r\n",
		"\x80", ";branch=", ";rport=12", "[::1]", "65536",   "CSeq: 1 INVITE\r\n",
		"v: ",	"?a=b",	    "2147483648"};
	size_t at = (size_t)rand_r(seed) % len, n;

	switch (rand_r(seed) % 4) {
	case 0: text[at] = (char)rand_r(seed); return len;
	case 1: {
		const char *bit = bits[(size_t)rand_r(seed) % (sizeof(bits) / sizeof(bits[0]))];
		n = strlen(bit);
		memmove(text + at + n, text + at, len - at);
		memcpy(text + at, bit, n);
		return len + n;
	}
	case 2:
		n = 1 + (size_t)rand_r(seed) % 6;
		n = n < len - at ? n : len - at;
		memmove(text + at, text + at + n, len - at - n);
		return len - n;
	default: return rand_r(seed) % 8 ? len : at + 1;
	}
}

static void random_damage(void **state)
{
	char text[2 * STW_CORPUS_ROOM];
	unsigned seed = 11, accepted = 0, total = 20000;
	(void)state;
	for (unsigned i = 0; i < total; i++) {
		size_t len = stw_corpus_message(9, i, true, text, sizeof(text));
		for (int n = rand_r(&seed) % 4; n > 0 && len > 1; n--)
			len = damage(text, len, &seed);
		check_copy(text, len);
		struct stw_sip_msg m;
		accepted += stw_sip_parse(text, len, &m) == STW_SIP_ACCEPTED;
	}
	assert_in_range(accepted, total / 4, total - total / 10);
}

/* Every number of lines, with what matters before, in the middle of or behind the others. */
static void header_counts_around_the_sizes_of_registers(void **state)
{
	static struct text t;
	(void)state;
	for (unsigned extra = 0; extra < 270; extra++) {
		for (unsigned place = 0; place < 3; place++) {
			unsigned before = place * extra / 2;
			t.len = 0;
			add(&t, "BYE sip:h SIP/2.0\r\n");
			add_others(&t, 0, before);
			add(&t, NEEDED "l: 0\r\n");
			add_others(&t, before, extra);
			add(&t, "\r\n");
			check_copy(t.bytes, t.len);
		}
	}
}

/* One line each of many is another: a hot one, one twice, or one that is not in order. */
static void odd_lines_anywhere_among_many(void **state)
{
	static const char *const odd[] = {
		"Route: <sip:r;lr>",
		"Via: SIP/2.0/UDP second",
		"Max-Forwards:70",
		"Expires:  7",
		"Content-Length : 0",
		"To: <sip:other@b>",
		"X: a\r\n b",
		"no colon",
		"Call-ID: x",
		"Record-Route: <sip:r>",
		"Contact: *\t",
		"X: a\rb",
		"",
	};
	static struct text t;
	(void)state;
	for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
		for (unsigned at = 0; at < 140; at++) {
			t.len = 0;
			add(&t, "BYE sip:h SIP/2.0\r\n");
			add_others(&t, 0, at);
			add(&t, "%s\r\n", odd[k]);
			add_others(&t, at, 140 - at % 7);
			add(&t, NEEDED "\r\n");
			check_copy(t.bytes, t.len);
		}
	}
}

/* Line ends as close as a scan goes on over, behind about as many lines as it has room for: that of
 * a burst's last message ends where the kernel's memory does. */
static void ends_of_lines_side_by_side(void **state)
{
	static const char *const dense[] = {"\n", "x\r\n", "x\n\n", "x\n\nyy\n\n", "ab\n\n"};
	struct stw_sip_job jobs[STW_SIP_BURST];
	struct stw_sip_msg got[STW_SIP_BURST], want;
	static char text[16384];
	(void)state;
	for (size_t k = 0; k < sizeof(dense) / sizeof(dense[0]); k++) {
		for (unsigned lines = STW_SIP_HEADERS_MAX - 24; lines <= STW_SIP_HEADERS_MAX;
		     lines++) {
			size_t len = (size_t)sprintf(text, "BYE sip:h SIP/2.0\r\n");
			for (unsigned i = 0; i < lines; i++)
				len += (size_t)sprintf(text + len, "X:y\r\n");
			for (unsigned i = 0; i < 700; i++)
				len += (size_t)sprintf(text + len, "%s", dense[k]);
			len += (size_t)sprintf(text + len, "\r\n\r\n");
			assert_in_range(len, 1, sizeof(text));
			stw_sip_init(STW_KERNEL_SCALAR);
			stw_sip_parse(text, len, &want);
			for (unsigned i = 0; i < STW_SIP_BURST; i++)
				jobs[i] = (struct stw_sip_job){text, (uint32_t)len, &got[i]};
			for (int kernel = STW_KERNEL_SSE; kernel < STW_N_KERNELS; kernel++) {
				if (stw_sip_init((enum stw_sip_kernel)kernel) != STW_OK)
					continue;
				stw_sip_parse_burst(jobs, STW_SIP_BURST);
				assert_int_equal(got[STW_SIP_BURST - 1].reject, want.reject);
				assert_int_not_equal(want.reject, STW_SIP_ACCEPTED);
			}
		}
	}
}

/* So many that they are refused by number; and as many as can be allowed. */
static void as_many_lines_as_limits_may_allow(void **state)
{
	const struct stw_sip_limits most = {STW_SIP_HEADERS_MAX, STW_SIP_VIAS_DEFAULT};
	const struct stw_sip_limits usual = {STW_SIP_HEADERS_DEFAULT, STW_SIP_VIAS_DEFAULT};
	static struct text t;
	(void)state;
	assert_int_equal(stw_sip_set_limits(&most), STW_OK);
	for (unsigned n = STW_SIP_HEADERS_MAX - 70; n < STW_SIP_HEADERS_MAX + 70; n++) {
		t.len = 0;
		add(&t, "BYE sip:h SIP/2.0\r\n");
		add_others(&t, 0, n - 5);
		add(&t, NEEDED "\r\n");
		struct stw_sip_msg want;
		bool few = n <= STW_SIP_HEADERS_MAX;
		stw_sip_init(STW_KERNEL_SCALAR);
		assert_int_equal(stw_sip_parse(t.bytes, t.len, &want),
				 few ? STW_SIP_ACCEPTED : STW_REJECT_TOO_MANY_HEADERS);
		compare(t.bytes, t.len, "parse", stw_sip_parse, &want);
		stw_sip_init(STW_KERNEL_SCALAR);
		assert_int_equal(stw_sip_locate(t.bytes, t.len, &want),
				 few ? STW_SIP_ACCEPTED : STW_REJECT_TOO_MANY_HEADERS);
		compare(t.bytes, t.len, "locate", stw_sip_locate, &want);
	}
	assert_int_equal(stw_sip_set_limits(&usual), STW_OK);
}

/* What stw_sip_locate() alone must tell: start lines that look like headers, or like nothing. */
static void located_behind_any_start_line(void **state)
{
	static const char *const first[] = {"Via: SIP/2.0/UDP h\r\n",
					    "\r\nVia: SIP/2.0/UDP h\r\n",
					    "A\n",
					    "AB\n",
					    "A\r\n",
					    "\r\n",
					    "\n",
					    "I\rB\r\n",
					    "I \r\n",
					    "i: y\r\n",
					    "1 2 3\r\n",
					    "\n\r\nBYE x\r\n"};
	char text[512];
	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		int n = snprintf(text, sizeof(text), "%s" NEEDED "\r\n", first[i]);
		check_copy(text, (size_t)n);
	}
	int n = snprintf(text, sizeof(text), "A%cB\r\n" NEEDED "\r\n", 0);
	check_copy(text, (size_t)n);
}

/* The lines of a message are walked alike, whether it was judged or not. */
static void located_messages_are_walked(void **state)
{
	char text[STW_CORPUS_ROOM];
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		size_t len = stw_corpus_message(21, i, true, text, sizeof(text));
		struct stw_sip_msg parsed, located;
		struct stw_sip_line a, b;
		assert_int_equal(stw_sip_parse(text, len, &parsed), STW_SIP_ACCEPTED);
		assert_int_equal(stw_sip_locate(text, len, &located), STW_SIP_ACCEPTED);
		bool more = stw_sip_line_first(text, &parsed, &a);
		assert_true(more && stw_sip_line_first(text, &located, &b));
		for (; more; more = stw_sip_line_next(text, &parsed, &a)) {
			assert_int_equal(a.header, b.header);
			assert_memory_equal(&a.name, &b.name, sizeof(a.name));
			assert_memory_equal(&a.value, &b.value, sizeof(a.value));
			assert_int_equal(a.off, b.off);
			assert_int_equal(a.end, b.end);
			if (!stw_sip_line_next(text, &located, &b))
				assert_int_equal(b.end + 2, located.body_off);
		}
	}
}

/* Sound and damaged ones, keep-alives and nothing at all, as many as come: each as if alone. */
static void a_burst_is_each_of_its_messages(void **state)
{
	enum { MOST = 3 * STW_SIP_BURST + 1 };
	static char text[MOST][2 * STW_CORPUS_ROOM];
	struct stw_sip_msg got[MOST], want;
	struct stw_sip_job jobs[MOST];
	unsigned seed = 5;
	(void)state;
	for (int k = STW_KERNEL_SCALAR; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		for (unsigned n = 0; n <= MOST; n++) {
			for (unsigned i = 0; i < n; i++) {
				size_t len =
					stw_corpus_message(n, i, true, text[i], sizeof(text[i]));
				if (rand_r(&seed) % 2)
					len = damage(text[i], len, &seed);
				len = rand_r(&seed) % 16 ? len : (size_t)rand_r(&seed) % 3;
				jobs[i] = (struct stw_sip_job){text[i], (uint32_t)len, &got[i]};
			}
			memset(got, 0x33, sizeof(got));
			stw_sip_parse_burst(jobs, n);
			for (unsigned i = 0; i < n; i++) {
				stw_sip_parse(jobs[i].buf, jobs[i].len, &want);
				assert_memory_equal(&got[i], &want, sizeof(want));
			}
			memset(got, 0x33, sizeof(got));
			stw_sip_locate_burst(jobs, n);
			for (unsigned i = 0; i < n; i++) {
				stw_sip_locate(jobs[i].buf, jobs[i].len, &want);
				assert_memory_equal(&got[i], &want, sizeof(want));
			}
		}
	}
}

/* The last line of a message is shorter than what a kernel looks at, and so are those before it;
 * how long the message is does not matter. */
static void last_lines_of_any_length(void **state)
{
	static struct text t;
	(void)state;
	for (unsigned others = 0; others < 300; others = others * 2 + 10) {
		for (int n = 0; n < 24; n++) {
			t.len = 0;
			add(&t, "ACK sip:h SIP/2.0\r\n");
			add_others(&t, 0, others);
			add(&t,
			    "v: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\n"
			    "t: <sip:a@b>\r\nCSeq: 1 ACK\r\ni: %.*s\r\n%s\r\n",
			    n, "abcdefghijklmnopqrstuvwxyz", n % 3 ? "" : "l: 0\r\na:\r\n");
			check_copy(t.bytes, t.len);
		}
	}
}

/* User, host or parameters so long that a URI ends anywhere in one block, two or three, and one
 * byte of each length that needs care. */
static void uris_and_routes_of_any_length(void **state)
{
	static const char *const forms[][2] = {{"sip:", "@192.0.2.1:5060;lr;stw=03"},
					       {"sip:", ""},
					       {"sip:a@b;lr;", ""},
					       {"sip:a@", ":5061;x=y"},
					       {"sip:", "@h;transport=udp"}};
	static const char *const behind[] = {"", ",<sip:c;lr>", ", <sip:c;lr>", ";x=y", " ", ","};
	static const char odd[] = "a@%<>:;?";
	char fill[160], uri[256], text[1024];
	(void)state;
	for (unsigned n = 1; n < sizeof(fill) - 1; n++) {
		for (unsigned k = 0; k < 5 * (sizeof(odd) - 1); k++) {
			memset(fill, 'a', n);
			fill[n * (k % 11) / 11] = odd[k % (sizeof(odd) - 1)];
			fill[n] = '\0';
			const char *const *form = forms[(n + k) % 5];
			snprintf(uri, sizeof(uri), "%s%s%s", form[0], fill, form[1]);
			int len = snprintf(text, sizeof(text),
					   "BYE %s SIP/2.0\r\nRoute: <%s>%s\r\n"
					   "v: SIP/2.0/UDP h\r\nf: <sip:a@b>\r\nt: <sip:a@b>\r\n"
					   "i: x\r\nCSeq: 1 BYE\r\nl: 0\r\n\r\n",
					   n % 3 ? "sip:a@b" : uri, uri, behind[(n + k) % 6]);
			check_copy(text, (size_t)len);
		}
	}
}

/* Hosts and parameters that end around the end of a block, with a port or a value behind. */
static void vias_of_any_length(void **state)
{
	static const char *const behind[] = {
		":5060", ":", ":5060;rport=5061", ";rport=5061", ";rport=", ";received=192.0.2.1",
		""};
	char fill[160], text[1024];
	(void)state;
	for (unsigned n = 1; n < sizeof(fill) - 1; n++) {
		memset(fill, 'a', n);
		fill[n] = '\0';
		for (unsigned k = 0; k < sizeof(behind) / sizeof(behind[0]); k++) {
			for (unsigned branch = 0; branch < 2; branch++) {
				int len = snprintf(text, sizeof(text),
						   "BYE sip:h SIP/2.0\r\nv: SIP/2.0/UDP %s%s%s\r\n"
						   "f: <sip:a@b>\r\nt: <sip:a@b>\r\ni: x\r\n"
						   "CSeq: 1 BYE\r\nl: 0\r\n\r\n",
						   branch ? "h;branch=" : "", fill, behind[k]);
				check_copy(text, (size_t)len);
			}
		}
	}
}

/* Nothing but a branch, and any byte in place of one of it. */
static void lone_branches_of_any_byte(void **state)
{
	static const char param[] = ";BranCh=z9hG4bK.1";
	char text[512];
	(void)state;
	for (size_t at = 0; at < sizeof(param) - 1; at++)
		for (int byte = 0; byte < 256; byte++) {
			int len = snprintf(text, sizeof(text),
					   "BYE sip:h SIP/2.0\r\nv: SIP/2.0/UDP h:5060%s\r\n"
					   "f: <sip:a@b>\r\nt: <sip:a@b>\r\ni: x\r\n"
					   "CSeq: 1 BYE\r\nl: 0\r\n\r\n",
					   param);
			strstr(text, param)[at] = (char)byte;
			check_copy(text, (size_t)len);
		}
}

static void kernels_have_names(void **state)
{
	(void)state;
	assert_int_equal(stw_sip_init(STW_N_KERNELS), STW_ENOENT);
	assert_int_equal(stw_sip_init(STW_KERNEL_SCALAR), STW_OK);
	assert_int_equal(stw_sip_kernel_in_use(), STW_KERNEL_SCALAR);
	assert_int_equal(stw_sip_init(STW_KERNEL_AUTO), STW_OK);
	assert_int_not_equal(stw_sip_kernel_in_use(), STW_KERNEL_AUTO);
	assert_string_equal(stw_sip_kernel_name(STW_KERNEL_AVX512), "avx512");
	assert_string_equal(stw_sip_kernel_name(STW_KERNEL_AUTO), "auto");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_in_any_order),
		cmocka_unit_test(every_hot_name_at_every_offset),
		cmocka_unit_test(every_hot_name_with_odd_blanks),
		cmocka_unit_test(names_of_any_length),
		cmocka_unit_test(every_hot_name_with_any_byte),
		cmocka_unit_test(nothing_is_read_beyond_the_end_of_a_page),
		cmocka_unit_test(random_damage),
		cmocka_unit_test(header_counts_around_the_sizes_of_registers),
		cmocka_unit_test(odd_lines_anywhere_among_many),
		cmocka_unit_test(ends_of_lines_side_by_side),
		cmocka_unit_test(as_many_lines_as_limits_may_allow),
		cmocka_unit_test(located_behind_any_start_line),
		cmocka_unit_test(located_messages_are_walked),
		cmocka_unit_test(a_burst_is_each_of_its_messages),
		cmocka_unit_test(last_lines_of_any_length),
		cmocka_unit_test(uris_and_routes_of_any_length),
		cmocka_unit_test(vias_of_any_length),
		cmocka_unit_test(lone_branches_of_any_byte),
		cmocka_unit_test(kernels_have_names),
	};
	return cmocka_run_group_tests_name("sip-kernels", tests, NULL, NULL);
}
