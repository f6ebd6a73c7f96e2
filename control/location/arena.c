/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/location/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <strowger/errors.h>

#define CHUNK ((uint64_t)4 << 20) /* asked of the kernel at once */
#define PAGE  4096u

/*
 * Asked for before it is touched: a page that cannot be had is then an error, not a signal. In
 * whole chunks, as huge pages where the system gives them to shared memory.
 */
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
	void *base =
		mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd, 0);

	if (base == MAP_FAILED) {
		stw_arena_fini(a);
		return STW_ENOMEM;
	}
	a->base = base;
	madvise(base, a->size, MADV_HUGEPAGE);
	madvise(base, a->size, MADV_DONTDUMP);
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

	if (bytes > a->size || at > a->size - bytes || !back(a, at + bytes))
		return 0;
	a->next = at + bytes;
	a->bytes += bytes;
	return at;
}

uint32_t stw_arena_take(struct stw_arena *a, uint32_t units)
{
	const uint32_t free = a->free[units];

	if (free != 0) {
		_Atomic uint64_t *record = stw_arena_record(a, free);

		a->free[units] = (uint32_t)atomic_load_explicit(record + 1, memory_order_relaxed);
		return free;
	}
	const uint64_t at = take_new(a, (uint64_t)units * STW_LOCATION_UNIT, STW_LOCATION_UNIT);
	const uint32_t ref = (uint32_t)(at / STW_LOCATION_UNIT);

	if (ref != 0)
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
