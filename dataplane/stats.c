/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/stats.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <strowger/errors.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static uint64_t align_up(uint64_t n)
{
	return (n + 63) & ~(uint64_t)63;
}

static void fill_header(struct stw_stats *s, uint32_t n_workers,
			const struct stw_flight_shape *records, uint64_t size)
{
	s->magic = STW_STATS_MAGIC;
	s->version = STW_STATS_VERSION;
	s->size_bytes = size;
	s->n_workers = n_workers;
	s->n_counters = STW_N_COUNTERS;
	s->n_member_counters = STW_N_MEMBER_COUNTERS;
	s->pid = (uint64_t)getpid();
	s->started_unix_s = (uint64_t)time(NULL);
	s->workers_offset = align_up(sizeof(*s));
	s->rules_offset = s->workers_offset + n_workers * sizeof(struct stw_stats_worker);
	s->members_offset = s->rules_offset + n_workers * sizeof(struct stw_stats_rules);
	s->stages_offset = s->members_offset + n_workers * sizeof(struct stw_stats_members);
	s->listeners_offset = s->stages_offset + n_workers * sizeof(struct stw_stats_stages);
	s->records_offset = s->listeners_offset + n_workers * sizeof(struct stw_stats_listeners);
	s->record_shape = *records;
}

int stw_stats_new(uint32_t n_workers, const struct stw_flight_shape *records,
		  struct stw_stats **out, int *fd)
{
	/* Our own mapping stays writable; those made from now on cannot be. */
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	const struct stw_flight_shape shape = records ? *records : (struct stw_flight_shape){0};
	uint64_t size;
	void *map;
	int f;

	if (n_workers == 0 || n_workers > STW_STATS_WORKERS_MAX)
		return STW_ERANGE;
	size = align_up(sizeof(struct stw_stats)) + n_workers * sizeof(struct stw_stats_worker) +
	       n_workers * sizeof(struct stw_stats_rules) +
	       n_workers * sizeof(struct stw_stats_members) +
	       n_workers * sizeof(struct stw_stats_stages) +
	       n_workers * sizeof(struct stw_stats_listeners) +
	       n_workers * stw_flight_worker_bytes(&shape);
	f = memfd_create("strowger-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f < 0)
		return STW_EIO;
	if (ftruncate(f, (off_t)size) < 0) {
		close(f);
		return STW_ENOMEM;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (map == MAP_FAILED || fcntl(f, F_ADD_SEALS, seals) < 0) {
		if (map != MAP_FAILED)
			munmap(map, size);
		close(f);
		return STW_ENOMEM;
	}
	fill_header(map, n_workers, &shape, size);
	*out = map;
	*fd = f;
	return STW_OK;
}

void stw_stats_free(struct stw_stats *s, int fd)
{
	if (s != NULL)
		munmap(s, s->size_bytes);
	if (fd >= 0)
		close(fd);
}
