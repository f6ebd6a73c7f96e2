/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/publish/served.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/table/lookup.h"

struct stw_tables *stw_served_read(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size <= 0) {
		stw_warn("the image the data plane serves is empty");
		return NULL;
	}
	size_t size = (size_t)st.st_size;
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		stw_warn("the image the data plane serves cannot be mapped");
		return NULL;
	}
	char reason[160] = "";
	struct stw_tables *t = NULL;
	int err = stw_tables_new(bytes, size, reason, sizeof(reason), &t);
	munmap(bytes, size);
	if (err) {
		stw_warn("the image the data plane serves cannot be read: %s", reason);
		return NULL;
	}
	return t;
}

void stw_served_free(struct stw_tables *t)
{
	stw_tables_free(t);
}
