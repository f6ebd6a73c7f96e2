/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/publish/stats_map.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <strowger/errors.h>

/* @count rows of @row bytes at @offset lie inside @size, aligned as the rows want it. */
static bool rows_fit(uint64_t offset, uint64_t count, uint64_t row, uint64_t size)
{
	return offset % 64 == 0 && offset >= sizeof(struct stw_stats) && offset <= size &&
	       count * row <= size - offset;
}

static bool is_power_of_two_or_zero(uint32_t n)
{
	return (n & (n - 1)) == 0;
}

static bool records_fit(const struct stw_stats *s, uint64_t size)
{
	const struct stw_flight_shape *r = &s->record_shape;

	return is_power_of_two_or_zero(r->n) && is_power_of_two_or_zero(r->n_errors) &&
	       r->n <= 1u << 20 && r->n_errors <= 1u << 20 && r->text_bytes <= 65472 &&
	       r->text_bytes % 64 == 0 &&
	       rows_fit(s->records_offset, s->n_workers, stw_flight_worker_bytes(r), size);
}

static int check(const struct stw_stats *s, uint64_t size, char *reason, size_t reason_len)
{
	if (s->magic != STW_STATS_MAGIC) {
		snprintf(reason, reason_len, "not a stats block");
		return STW_EMALFORMED;
	}
	if (s->version != STW_STATS_VERSION || s->n_counters != STW_N_COUNTERS ||
	    s->n_member_counters != STW_N_MEMBER_COUNTERS) {
		snprintf(reason, reason_len,
			 "stats block version %u with %u and %u counters, this build reads version "
			 "%u with %u and %u: install both processes from one build",
			 s->version, s->n_counters, s->n_member_counters, STW_STATS_VERSION,
			 (unsigned)STW_N_COUNTERS, (unsigned)STW_N_MEMBER_COUNTERS);
		return STW_EVERSION;
	}
	if (s->size_bytes != size || s->n_workers > STW_STATS_WORKERS_MAX ||
	    s->n_ports > STW_STATS_PORTS_MAX ||
	    !rows_fit(s->workers_offset, s->n_workers, sizeof(struct stw_stats_worker), size) ||
	    !rows_fit(s->rules_offset, s->n_workers, sizeof(struct stw_stats_rules), size) ||
	    !rows_fit(s->members_offset, s->n_workers, sizeof(struct stw_stats_members), size) ||
	    !records_fit(s, size) ||
	    !rows_fit(s->stages_offset, s->n_workers, sizeof(struct stw_stats_stages), size) ||
	    !rows_fit(s->listeners_offset, s->n_workers, sizeof(struct stw_stats_listeners),
		      size)) {
		snprintf(reason, reason_len, "stats block: counts or offsets leave the block");
		return STW_EBOUNDS;
	}
	return STW_OK;
}

int stw_stats_map(int fd, char *reason, size_t reason_len, struct stw_stats **out)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct stw_stats)) {
		snprintf(reason, reason_len, "stats block too short");
		return STW_EBOUNDS;
	}
	uint64_t size = (uint64_t)st.st_size;
	struct stw_stats *s = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		snprintf(reason, reason_len, "stats block cannot be mapped");
		return STW_EIO;
	}
	int err = check(s, size, reason, reason_len);
	if (err) {
		munmap(s, size);
		return err;
	}
	*out = s;
	return STW_OK;
}

void stw_stats_unmap(struct stw_stats *s)
{
	if (s)
		munmap(s, s->size_bytes);
}
