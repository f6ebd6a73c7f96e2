/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/family.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

void stw_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Names come from checked files and from DPDK; still, nothing may break out of the quotes. */
static void put_value(FILE *out, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '\\' || c == '"')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else
			fputc(c < 0x20 || c >= 0x7f ? '?' : c, out);
	}
}

static void put_name(FILE *out, const char *name, const char *suffix,
		     const struct stw_label *labels)
{
	fprintf(out, "%s%s", name, suffix);
	if (!labels || !labels->name)
		return;
	for (const struct stw_label *l = labels; l->name; l++) {
		fprintf(out, "%s%s=\"", l == labels ? "{" : ",", l->name);
		put_value(out, l->value);
		fputc('"', out);
	}
	fputc('}', out);
}

void stw_sample(FILE *out, const char *name, const char *suffix, const struct stw_label *labels,
		double value)
{
	put_name(out, name, suffix, labels);
	fprintf(out, " %.10g\n", value);
}

void stw_sample_u64(FILE *out, const char *name, const char *suffix, const struct stw_label *labels,
		    uint64_t value)
{
	put_name(out, name, suffix, labels);
	fprintf(out, " %" PRIu64 "\n", value);
}
