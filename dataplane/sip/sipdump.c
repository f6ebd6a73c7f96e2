/* SPDX-License-Identifier: BSD-3-Clause */
/* strowger-sipdump: shows how the library reads a message, or why a proxy would refuse it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

#include "dataplane/sip/sipdump.h"

#define INPUT_MAX (UINT16_MAX + 2u) /* one more than the library takes, so that it may say so */

enum { EXIT_OK = 0, EXIT_REJECTED = 1, EXIT_UNREADABLE = 2 };

static const char *kind_text(uint8_t kind)
{
	static const char *const texts[] = {"",		 "request", "response",
					    "keepalive", "stun",    "neither"};
	return texts[kind];
}

/* What a proxy does: a response or an ACK is never answered, nor a request without a Via. */
static void judge(const struct stw_sip_msg *m, struct stw_sipdump *d)
{
	const struct stw_sip_reject_row *row = &stw_sip_reject_rows[m->reject];

	d->m = *m;
	d->kind = kind_text(m->kind);
	d->verdict = "forward";
	d->reason = row->name;
	if (m->kind > STW_SIP_RESPONSE) {
		d->verdict = "drop";
		d->reason = d->kind;
	} else if (m->reject == STW_SIP_ACCEPTED) {
		return;
	} else if (m->kind == STW_SIP_RESPONSE || m->method == STW_METHOD_ACK ||
		   !stw_sip_has(m, STW_HDR_VIA)) {
		d->verdict = "drop";
	} else {
		d->verdict = "answer";
		d->code = row->status;
		d->phrase = row->phrase;
	}
	d->section = row->section;
}

/* @return bytes read, or -1 */
static long read_input(const char *name, char *out)
{
	bool standard = strcmp(name, "-") == 0;
	FILE *f = standard ? stdin : fopen(name, "rb");

	if (!f)
		return -1;
	size_t n = fread(out, 1, INPUT_MAX, f);
	bool bad = ferror(f);
	if (!standard)
		fclose(f);
	return bad ? -1 : (long)n;
}

static int dump_file(const char *name, bool json)
{
	static char buf[INPUT_MAX];
	struct stw_sip_msg m;
	struct stw_sipdump d = {.name = name, .buf = buf};
	long len = read_input(name, buf);

	if (len < 0) {
		fprintf(stderr, "strowger-sipdump: cannot read %s\n", name);
		return EXIT_UNREADABLE;
	}
	stw_sip_parse(buf, (size_t)len, &m);
	judge(&m, &d);
	if (json)
		stw_sipdump_json(&d, stdout);
	else
		stw_sipdump_text(&d, stdout);
	return m.reject != STW_SIP_ACCEPTED || m.kind == STW_SIP_NEITHER ? EXIT_REJECTED : EXIT_OK;
}

static bool choose_kernel(const char *name)
{
	for (int k = STW_KERNEL_AUTO; k < STW_N_KERNELS; k++) {
		if (strcmp(name, stw_sip_kernel_name((enum stw_sip_kernel)k)) == 0)
			return stw_sip_init((enum stw_sip_kernel)k) == STW_OK;
	}
	return false;
}

static int usage(FILE *f, int status)
{
	fprintf(f,
		"usage: strowger-sipdump [--json] [--kernel auto|avx512|avx2|sse|scalar] FILE...\n"
		"       FILE is one datagram; - is standard input\n"
		"exit status: 0, 1 a message was rejected, 2 a file could not be read\n");
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"kernel", required_argument, NULL, 'k'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int option, status = EXIT_OK;

	stw_sip_init(STW_KERNEL_AUTO);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j': json = true; break;
		case 'k':
			if (choose_kernel(optarg))
				break;
			fprintf(stderr, "strowger-sipdump: no kernel \"%s\" on this machine\n",
				optarg);
			return EXIT_UNREADABLE;
		case 'h': return usage(stdout, EXIT_OK);
		default: return usage(stderr, EXIT_UNREADABLE);
		}
	}
	if (optind == argc)
		return usage(stderr, EXIT_UNREADABLE);
	for (int i = optind; i < argc; i++) {
		int one = dump_file(argv[i], json);
		status = one > status ? one : status;
	}
	if (fflush(stdout) != 0)
		return EXIT_UNREADABLE;
	return status;
}
