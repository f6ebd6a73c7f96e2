/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/location/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "dataplane/location/find.h"

#define CHUNK	     (2 * STW_LOCATION_HUGE) /* asked of the kernel at once */
#define PAGE	     STW_LOCATION_PAGE
#define LINE	     64u
#define REFUSALS_MAX 8u /* then there is no use in asking for huge pages */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; older headers */
#endif

/*
 * Ask for huge pages. Explicitly: shared memory gets them by itself only where the system says so
 * (shmem_enabled), and reserved ones belong to the data plane.
 */
static void make_huge(struct stw_arena *a, uint64_t at, uint64_t bytes)
{
	if (a->refused >= REFUSALS_MAX)
		return;
	if (bytes % STW_LOCATION_HUGE == 0 && madvise(a->base + at, bytes, MADV_COLLAPSE) == 0) {
		a->huge += bytes;
		a->refused = 0;
	} else {
		a->refused++;
	}
}

/* Asked for before it is touched: a page that cannot be had is then an error, not a signal. In
 * whole chunks. */
static bool back(struct stw_arena *a, uint64_t until)
{
	if (until <= a->backed)
		return true;
	if (until > a->size)
		return false;
	uint64_t to = (until + CHUNK - 1) / CHUNK * CHUNK;

	to = to < a->size ? to : a->size;
	if (fallocate(a->fd, 0, (off_t)a->backed, (off_t)(to - a->backed)) < 0)
		return false;
	make_huge(a, a->backed, to - a->backed);
	a->backed = to;
	return true;
}

int stw_arena_init(struct stw_arena *a, uint64_t max_bytes)
{
	*a = (struct stw_arena){.fd = -1};
	if (max_bytes < sizeof(struct stw_location_header) + CHUNK ||
	    max_bytes > STW_LOCATION_MAX_BYTES)
		return STW_ERANGE;
	a->size = max_bytes / PAGE * PAGE;
	a->fd = memfd_create("strowger-location", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->fd < 0 || ftruncate(a->fd, (off_t)a->size) < 0 ||
	    fcntl(a->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		stw_arena_fini(a);
		return STW_ENOMEM;
	}
	a->base = stw_location_map_aligned(a->fd, a->size, PROT_READ | PROT_WRITE);
	if (!a->base) {
		stw_arena_fini(a);
		return STW_ENOMEM;
	}
	a->next = (sizeof(struct stw_location_header) + PAGE - 1) / PAGE * PAGE;
	a->bytes = a->next;
	if (!back(a, a->next)) {
		stw_arena_fini(a);
		return STW_ENOMEM;
	}
	return STW_OK;
}

void stw_arena_fini(struct stw_arena *a)
{
	if (a->base)
		munmap(a->base, a->size);
	if (a->fd >= 0)
		close(a->fd);
	*a = (struct stw_arena){.fd = -1};
}

static uint64_t take_new(struct stw_arena *a, uint64_t bytes, uint64_t align)
{
	const uint64_t at = (a->next + align - 1) / align * align;

	/* readers read on behind a record, and look at those alone that could be the longest */
	if (bytes + STW_LOCATION_READ_MAX > a->size ||
	    at > a->size - bytes - STW_LOCATION_READ_MAX ||
	    !back(a, at + bytes + 8 * STW_LOCATION_OVER_WORDS))
		return 0;
	a->next = at + bytes;
	a->bytes += bytes;
	return at;
}

static uint32_t take_free(struct stw_arena *a, uint32_t units)
{
	const uint32_t ref = a->free[units];

	if (ref != 0)
		a->free[units] = (uint32_t)atomic_load_explicit(stw_arena_record(a, ref) + 1,
								memory_order_relaxed);
	return ref;
}

/* One that no reader was ever sent to. */
static void add_free(struct stw_arena *a, uint32_t ref, uint32_t units)
{
	_Atomic uint64_t *record = stw_arena_record(a, ref);

	atomic_store_explicit(record, 1, memory_order_relaxed);
	atomic_store_explicit(record + 1, a->free[units], memory_order_release);
	a->free[units] = ref;
}

/* Where the rest of the line makes it lie in one line more than it must, that is for shorter ones.
 */
static void fill_line(struct stw_arena *a, uint32_t units)
{
	const uint64_t room = (LINE - a->next % LINE) % LINE;
	const uint64_t over = (uint64_t)units * STW_LOCATION_UNIT % LINE;

	if (room == 0 || (over != 0 && over <= room))
		return;
	const uint64_t gap = take_new(a, room, STW_LOCATION_UNIT);

	if (gap != 0)
		add_free(a, (uint32_t)(gap / STW_LOCATION_UNIT),
			 (uint32_t)(room / STW_LOCATION_UNIT));
}

/* Nothing of its size and nothing new: a part of a longer one. */
static uint32_t cut(struct stw_arena *a, uint32_t units)
{
	for (uint32_t longer = units + 1; longer < STW_ARENA_CLASSES; longer++) {
		const uint32_t ref = take_free(a, longer);

		if (ref == 0)
			continue;
		add_free(a, ref + units, longer - units);
		return ref;
	}
	return 0;
}

uint32_t stw_arena_take(struct stw_arena *a, uint32_t units)
{
	const uint32_t free = take_free(a, units);

	if (free != 0)
		return free;
	fill_line(a, units);
	const uint64_t at = take_new(a, (uint64_t)units * STW_LOCATION_UNIT, STW_LOCATION_UNIT);
	const uint32_t ref = (uint32_t)(at / STW_LOCATION_UNIT);

	if (ref == 0)
		return cut(a, units);
	atomic_store_explicit(stw_arena_record(a, ref), 1, memory_order_relaxed);
	return ref;
}

void stw_arena_give(struct stw_arena *a, uint32_t ref, uint32_t units)
{
	_Atomic uint64_t *record = stw_arena_record(a, ref);
	const uint32_t sequence = (uint32_t)atomic_load_explicit(record, memory_order_relaxed) + 1;

	atomic_store_explicit(record, sequence, memory_order_relaxed);
	atomic_store_explicit(record + 1, a->free[units], memory_order_release);
	a->free[units] = ref;
}

uint64_t stw_arena_take_lines(struct stw_arena *a, uint64_t bytes)
{
	return take_new(a, bytes, PAGE);
}

void stw_arena_give_lines(struct stw_arena *a, uint64_t at, uint64_t bytes)
{
	const uint64_t from = (at + PAGE - 1) / PAGE * PAGE, to = (at + bytes) / PAGE * PAGE;

	a->bytes -= bytes;
	if (to > from)
		fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
			  (off_t)(to - from));
}
