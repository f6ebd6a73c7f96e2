/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/version.h"

#include <ev.h>
#include <stdio.h>

#ifdef STW_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

const char *stw_version_allocator(void)
{
#ifdef STW_HAVE_JEMALLOC
	static char text[64];
	const char *version = NULL;
	size_t len = sizeof(version);
	if (mallctl("version", &version, &len, NULL, 0) != 0 || !version)
		version = "of unknown version";
	snprintf(text, sizeof(text), "jemalloc %s", version);
	return text;
#else
	return "system";
#endif
}

const char *stw_version_libev(void)
{
	static char text[16];
	snprintf(text, sizeof(text), "%d.%d", ev_version_major(), ev_version_minor());
	return text;
}
