/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dataplane/route/siphash.h"

#define WAYS 4u

/* GCRA: each bucket is the moment at which it is empty again. */
struct source {
	uint64_t id; /* keyed hash of the address; 0: free */
	uint64_t empty_us[STW_N_SOURCE_BUCKETS];
};

struct stw_sources {
	uint32_t n_sets;
	struct stw_sipkey key; /* nobody chooses who shares a place with whom */
	struct source source[];
};

struct stw_sources *stw_sources_new(uint32_t n)
{
	struct stw_sources *s = calloc(1, sizeof(*s) + n * sizeof(s->source[0]));

	if (!s)
		return NULL;
	s->n_sets = n / WAYS;
	if (getrandom(&s->key, sizeof(s->key), 0) == sizeof(s->key))
		return s;
	free(s);
	return NULL;
}

void stw_sources_free(struct stw_sources *s)
{
	free(s);
}

static uint64_t id_of(const struct stw_sources *s, const struct stw_ip *ip)
{
	const uint64_t id = stw_siphash24(s->key, ip->b, stw_ip_is_v4(ip) ? 16 : 8);

	return id ? id : 1;
}

static uint64_t debt(const struct source *s)
{
	uint64_t most = 0;

	for (int i = 0; i < STW_N_SOURCE_BUCKETS; i++)
		most = s->empty_us[i] > most ? s->empty_us[i] : most;
	return most;
}

static uint32_t set_of(const struct stw_sources *s, uint64_t id)
{
	return (uint32_t)(id & (s->n_sets - 1)) * WAYS;
}

/* One more fits while the bucket holds less than all of its rate. */
static bool fits(uint64_t empty_us, uint32_t rate, uint64_t period_us, uint64_t now_us)
{
	return empty_us + period_us / rate <= now_us + period_us;
}

bool stw_sources_has(const struct stw_sources *s, const struct stw_ip *ip,
		     enum stw_source_bucket bucket, uint32_t rate, uint64_t period_us,
		     uint64_t now_us)
{
	const uint64_t id = id_of(s, ip);
	const struct source *set = &s->source[set_of(s, id)];

	for (uint32_t i = 0; rate > 0 && i < WAYS; i++)
		if (set[i].id == id)
			return fits(set[i].empty_us[bucket], rate, period_us, now_us);
	return true;
}

bool stw_sources_take(struct stw_sources *s, const struct stw_ip *ip, enum stw_source_bucket bucket,
		      uint32_t rate, uint64_t period_us, uint64_t now_us)
{
	const uint64_t id = id_of(s, ip);
	struct source *set = &s->source[set_of(s, id)], *to = set;

	if (rate == 0)
		return true;
	for (uint32_t i = 0; i < WAYS && to->id != id; i++)
		if (set[i].id == id || debt(&set[i]) < debt(to))
			to = &set[i];
	if (to->id != id)
		*to = (struct source){.id = id};
	uint64_t *empty_us = &to->empty_us[bucket];

	if (*empty_us < now_us)
		*empty_us = now_us;
	if (!fits(*empty_us, rate, period_us, now_us))
		return false;
	*empty_us += period_us / rate;
	return true;
}
