/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/lane/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is wrong with the memory; NULL: nothing. */
static const char *trouble_with(int memory, uint32_t n)
{
	const int seals = fcntl(memory, F_GET_SEALS), needed = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;

	if (seals < 0 || (seals & needed) != needed)
		return "their memfd is not sealed against shrinking and growing";
	if (fstat(memory, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size != stw_lanes_size(n))
		return "they are not one for each worker";
	if ((uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size)
		return "their memory is not allocated";
	return NULL;
}

static bool never_blocks(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Touched now: a worker must not wait for a page. */
static struct stw_lanes_header *map(int memory, size_t size)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memory, 0);

	return base == MAP_FAILED ? NULL : base;
}

static struct stw_lanes *new_ends(struct stw_lanes_header *shared, uint32_t n)
{
	const size_t size = sizeof(struct stw_lanes) + n * sizeof(struct stw_lane_end);
	struct stw_lanes *l = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (l == NULL)
		return NULL;
	memset(l, 0, size);
	l->shared = shared;
	l->n = n;
	for (uint32_t i = 0; i < n; i++) {
		l->end[i].up.ring = &shared->lane[i].up;
		l->end[i].down.ring = &shared->lane[i].down;
	}
	return l;
}

int stw_lanes_map(int memory, int doorbell, uint32_t n, struct stw_lanes **out, const char **why)
{
	const size_t size = stw_lanes_size(n);
	struct stw_lanes_header *shared;
	struct stw_lanes *l = NULL;
	int err = STW_OK;

	*why = trouble_with(memory, n);
	if (*why != NULL)
		return STW_EMALFORMED;
	*why = "they cannot be mapped";
	if (!never_blocks(doorbell))
		return STW_EIO;
	shared = map(memory, size);
	if (shared == NULL)
		return STW_EIO;
	*why = "they are of another version";
	if (shared->magic != STW_LANES_MAGIC || shared->version != STW_LANES_VERSION ||
	    shared->n != n || shared->size_bytes != size)
		err = STW_EVERSION;
	if (err == STW_OK && (l = new_ends(shared, n)) == NULL) {
		*why = "no memory";
		err = STW_ENOMEM;
	}
	if (err != STW_OK) {
		munmap(shared, size);
		return err;
	}
	l->size = size;
	l->doorbell = doorbell;
	*out = l;
	return STW_OK;
}

void stw_lanes_free(struct stw_lanes *l)
{
	if (l == NULL)
		return;
	munmap(l->shared, l->size);
	if (l->doorbell >= 0)
		close(l->doorbell);
	free(l);
}

/* A full counter has rung already. */
void stw_lanes_ring(struct stw_lanes *l)
{
	const uint64_t one = 1;

	while (write(l->doorbell, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
