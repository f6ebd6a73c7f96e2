/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/document.h"

#include <string.h>

#include "control/config/schema.h"

static const char example[] = "ports:\n"
			      "  - name: outside\n"
			      "    device: \"net_af_xdp0,iface=eth1\"\n"
			      "    addresses: [192.0.2.1/24, \"2001:db8::1/64\"]\n"
			      "    routes: [{to: default, via: 192.0.2.254}]\n"
			      "listeners:\n"
			      "  - {name: edge, address: 192.0.2.1, pool: farm}\n"
			      "  - {name: edge6, address: \"2001:db8::1\", pool: farm}\n"
			      "pools:\n"
			      "  - name: farm\n"
			      "    members:\n"
			      "      - {name: k1, address: 198.51.100.11, weight: 10}\n"
			      "      - {name: k2, address: 198.51.100.12, weight: 10}\n";

static const char intro[] =
	"Both processes read one file, YAML 1.1 in UTF-8. `strowger-control --check FILE` tells "
	"every mistake in it as `file:line: where: what, what to do`; unknown names are mistakes. "
	"A file that is refused on reload changes nothing: the running configuration stays. "
	"`strowger-control --dump` prints the configuration in effect with all defaults.";

static const char yaml_note[] =
	"Lists and mappings may be written in either YAML style. Anchors, aliases and tags are "
	"refused. IPv6 addresses need quotes within {braces} and [brackets], since YAML gives the "
	"colon a meaning there. An option is named by its path here: `ports[].mtu` is the mtu of "
	"each element of ports.";

static void default_text(const struct stw_opt *row, char *out, size_t len)
{
	if (row->computed)
		snprintf(out, len, "%s", row->computed);
	else if (row->def && *row->def)
		snprintf(out, len, "%s", row->def);
	else if (row->required)
		snprintf(out, len, "none: must be given");
	else
		snprintf(out, len, "empty");
}

/* Elements of a list that has a row for them are described there. */
static void type_text(const struct stw_opt *row, char *out, size_t len)
{
	char described[160];

	stw_schema_describe(row, described, sizeof(described));
	if (row->type == STW_OPT_LIST)
		snprintf(out, len, "a list of %s", described);
	else
		snprintf(out, len, "%s", described);
}

static void markdown_row(const struct stw_opt *row, FILE *out)
{
	char type[192], def[128];

	fprintf(out, "\n#%s `%s`\n\n%s\n", strchr(row->name, '.') ? "##" : "#", row->name,
		row->help);
	if (row->type == STW_OPT_SECTION)
		return;
	type_text(row, type, sizeof(type));
	default_text(row, def, sizeof(def));
	fprintf(out, "\n- value: %s\n", type);
	if (row->name[strlen(row->name) - 1] != ']')
		fprintf(out, "- default: %s\n", def);
	fprintf(out, "- takes effect: %s\n", stw_schema_effect_text(row->effect));
}

void stw_schema_markdown(FILE *out)
{
	fputs("# Configuration\n\n"
	      "<!-- Made of the option table (control/config/schema.c) by stw-schema-doc markdown. "
	      "A test fails when they differ: change the table, not this page. -->\n\n",
	      out);
	fprintf(out, "%s\n\n%s\n\n```yaml\n%s```\n\n", intro, yaml_note, example);
	fputs("More examples are in [examples](examples/).\n\n## Options\n", out);
	for (size_t i = 0; i < stw_schema_n; i++) {
		if (stw_schema[i].type != STW_OPT_ADVICE)
			markdown_row(&stw_schema[i], out);
	}
	fputs("\n## Names of other programs\n\n"
	      "| name | instead |\n|---|---|\n",
	      out);
	for (size_t i = 0; i < stw_schema_n; i++) {
		if (stw_schema[i].type == STW_OPT_ADVICE)
			fprintf(out, "| `%s` | %s |\n", stw_schema[i].name, stw_schema[i].help);
	}
}

/* Text for roff: a backslash and a leading dot or quote would be commands, '-' a hyphen. */
static void roff(const char *text, FILE *out)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\' || *text == '-')
			fputc('\\', out);
		if (*text == '\\')
			fputs("e", out);
		else if (*text != '`')
			fputc(*text, out);
		start = *text == '\n';
	}
}

static void man_row(const struct stw_opt *row, FILE *out)
{
	char type[192], def[128];

	fputs(".TP\n.B ", out);
	roff(row->name, out);
	fputc('\n', out);
	roff(row->help, out);
	fputc('\n', out);
	if (row->type == STW_OPT_SECTION)
		return;
	type_text(row, type, sizeof(type));
	default_text(row, def, sizeof(def));
	fputs(".br\nValue: ", out);
	roff(type, out);
	if (row->name[strlen(row->name) - 1] != ']') {
		fputs(". Default: ", out);
		roff(def, out);
	}
	fputs(". Takes effect ", out);
	roff(stw_schema_effect_text(row->effect), out);
	fputs(".\n", out);
}

void stw_schema_man(FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: BSD-3-Clause\n"
	      ".\\\" Made of the option table (control/config/schema.c) by stw-schema-doc man.\n"
	      ".TH STROWGER.YAML 5 \"\" \"Strowger\" \"File formats\"\n"
	      ".SH NAME\nstrowger.yaml \\- configuration of the Strowger SIP load balancer\n"
	      ".SH DESCRIPTION\n",
	      out);
	roff(intro, out);
	fputs("\n.PP\n", out);
	roff(yaml_note, out);
	fputs("\n.SH EXAMPLE\n.nf\n", out);
	roff(example, out);
	fputs(".fi\n.SH OPTIONS\n", out);
	for (size_t i = 0; i < stw_schema_n; i++) {
		if (stw_schema[i].type != STW_OPT_ADVICE)
			man_row(&stw_schema[i], out);
	}
	fputs(".SH FILES\n.TP\n.I /etc/strowger/strowger.yaml\nthe usual place\n"
	      ".SH SEE ALSO\n.BR strowger\\-control (8),\n.BR strowger\\-dataplane (8),\n"
	      ".BR strowgerctl (1)\n",
	      out);
}
