/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "control/cli/cli.h"

int stw_out_check(FILE *out, const char *name)
{
	errno = 0;
	const bool bad = fflush(out) != 0 || ferror(out);

	if (bad)
		fprintf(stderr, "strowgerctl: %s: %s: what is written there is not whole\n", name,
			errno ? strerror(errno) : "could not be written");
	return bad ? STW_EXIT_FAILED : STW_EXIT_OK;
}

int stw_out_close(FILE *out, const char *name)
{
	int rc = stw_out_check(out, name);

	if (fclose(out) != 0 && rc == STW_EXIT_OK) {
		fprintf(stderr, "strowgerctl: %s: %s: what is written there is not whole\n", name,
			strerror(errno));
		rc = STW_EXIT_FAILED;
	}
	return rc;
}

int stw_in_check(FILE *in, const char *name)
{
	if (!ferror(in))
		return STW_EXIT_OK;
	fprintf(stderr, "strowgerctl: %s: %s: it was not read to its end\n", name, strerror(errno));
	return STW_EXIT_FAILED;
}
