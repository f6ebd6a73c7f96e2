/* SPDX-License-Identifier: BSD-3-Clause */

/* Mapping the location table, so that huge pages fit. */

#include <sys/mman.h>
#include <sys/stat.h>

#include <strowger/errors.h>

#include "dataplane/location/find.h"

/* Where the file's offset and the address agree within a huge page, one entry maps both. */
void *stw_location_map_aligned(int fd, uint64_t size, int prot)
{
	const uint64_t room = size + STW_LOCATION_HUGE;
	char *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		return NULL;
	const uint64_t before =
		(STW_LOCATION_HUGE - (uintptr_t)all % STW_LOCATION_HUGE) % STW_LOCATION_HUGE;
	char *base = all + before;

	if (mmap(base, size, prot, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(all, room);
		return NULL;
	}
	const uint64_t end = (size + STW_LOCATION_PAGE - 1) / STW_LOCATION_PAGE * STW_LOCATION_PAGE;

	if (before > 0)
		munmap(all, before);
	munmap(base + end, room - before - end);
	madvise(base, size, MADV_HUGEPAGE);
	madvise(base, size, MADV_DONTDUMP);
	return base;
}

int stw_location_map(int fd, struct stw_location_map *out)
{
	const struct stw_location_header *h;
	struct stat st;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < sizeof(*h) ||
	    (uint64_t)st.st_size > STW_LOCATION_MAX_BYTES)
		return STW_EMALFORMED;
	void *base = stw_location_map_aligned(fd, (uint64_t)st.st_size, PROT_READ);

	if (base == NULL)
		return STW_EIO;
	h = base;
	int err = h->magic != STW_LOCATION_MAGIC || h->size_bytes != (uint64_t)st.st_size
			  ? STW_EMALFORMED
		  : h->version != STW_LOCATION_VERSION ? STW_EVERSION
						       : STW_OK;
	if (err) {
		munmap(base, (size_t)st.st_size);
		return err;
	}
	*out = (struct stw_location_map){h, (uint64_t)st.st_size};
	return STW_OK;
}

void stw_location_unmap(struct stw_location_map *map)
{
	if (map->header != NULL)
		munmap((void *)(uintptr_t)map->header, map->size);
	*map = (struct stw_location_map){0};
}
