/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Build-time tool: prints the documents made of the option table.
 *
 *     stw-schema-doc markdown > docs/configuration.md
 *     stw-schema-doc man > docs/man/strowger.yaml.5
 */
#include <stdio.h>
#include <string.h>

#include "control/config/document.h"

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "markdown") == 0) {
		stw_schema_markdown(stdout);
	} else if (strcmp(what, "man") == 0) {
		stw_schema_man(stdout);
	} else {
		fprintf(stderr, "usage: stw-schema-doc markdown|man\n");
		return 2;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
