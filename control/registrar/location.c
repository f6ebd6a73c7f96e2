/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/location.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/registrar/changes.h"

#define SMALL_ROW 2048u /* most records fit */

struct expiry_key {
	uint64_t expires_be;
	char aor[STW_STORE_KEY_MAX - sizeof(uint64_t)];
};

static struct stw_store_value value(const void *p, size_t len)
{
	return (struct stw_store_value){p, len};
}

static struct stw_store_value expiry_key(struct expiry_key *k, uint64_t expires_s,
					 struct stw_str aor)
{
	k->expires_be = htobe64(expires_s);
	memcpy(k->aor, aor.p, aor.len);
	return value(k, sizeof(k->expires_be) + aor.len);
}

int stw_location_get(struct stw_store *s, struct stw_str aor, struct stw_location *out)
{
	struct stw_store_value row;

	out->record.n = 0;
	out->record.early_s = 0;
	out->indexed_s = UINT64_MAX;
	if (aor.len > sizeof(((struct expiry_key *)0)->aor))
		return STW_ERANGE;
	int err = stw_store_get(s, STW_TABLE_LOCATION, value(aor.p, aor.len), &row);

	if (err)
		return err == STW_ENOENT ? STW_OK : err;
	err = stw_record_decode(row.p, row.len, &out->record);
	if (err)
		out->record.n = 0;
	const uint64_t next = stw_record_next_expiry(&out->record);

	out->indexed_s = next == UINT64_MAX ? next : next - out->record.early_s;
	return err;
}

/* The record's entry among those that expire goes to @at_s; UINT64_MAX: nowhere. */
static int move_entry(struct stw_store *s, struct stw_str aor, struct stw_location *l,
		      uint64_t at_s)
{
	struct expiry_key k;
	int err = STW_OK;

	if (at_s == l->indexed_s)
		return STW_OK;
	if (l->indexed_s != UINT64_MAX)
		err = stw_store_remove(s, STW_TABLE_EXPIRY, expiry_key(&k, l->indexed_s, aor));
	if (err == STW_ENOENT)
		err = STW_OK;
	if (!err && at_s != UINT64_MAX)
		err = stw_store_put(s, STW_TABLE_EXPIRY, expiry_key(&k, at_s, aor), value("", 0));
	l->indexed_s = at_s;
	return err;
}

static void note(struct stw_store *s, struct stw_str aor, struct stw_store_value row, bool tell)
{
	if (tell && s->changes)
		stw_changes_add(s->changes, &(struct stw_change){aor, row});
}

static int put_row(struct stw_store *s, struct stw_str aor, const struct stw_record *record,
		   bool tell)
{
	/* Written beside, because the texts may be those of the row that changes. */
	uint8_t small[SMALL_ROW], *row = small;
	size_t room = sizeof(small), len;
	int err = stw_record_encode(record, row, room, &len);

	if (err == STW_ENOSPACE) {
		room = STW_RECORD_BYTES;
		row = malloc(room);
		err = row ? stw_record_encode(record, row, room, &len) : STW_ENOMEM;
	}
	if (!err) {
		/* Large ones are read again: changes of a batch are kept in memory. */
		note(s, aor, row == small ? value(row, len) : value(NULL, 0), tell);
		err = stw_store_put(s, STW_TABLE_LOCATION, value(aor.p, aor.len), value(row, len));
	}
	if (row != small)
		free(row);
	return err;
}

/* Write it, to be looked at at @at_s, not after its next expiry. @tell: its bindings changed */
static int write_record(struct stw_store *s, struct stw_str aor, struct stw_location *l,
			uint64_t at_s, bool tell)
{
	int err;

	if (l->record.n == 0) {
		note(s, aor, value("", 0), tell);
		err = stw_store_remove(s, STW_TABLE_LOCATION, value(aor.p, aor.len));
		return err && err != STW_ENOENT ? err : move_entry(s, aor, l, UINT64_MAX);
	}
	l->record.early_s = (uint32_t)(stw_record_next_expiry(&l->record) - at_s);
	err = put_row(s, aor, &l->record, tell);
	return err ? err : move_entry(s, aor, l, at_s);
}

int stw_location_put(struct stw_store *s, struct stw_str aor, struct stw_location *l)
{
	const uint64_t next = stw_record_next_expiry(&l->record);
	const bool stays = l->indexed_s <= next && next - l->indexed_s <= UINT32_MAX;

	if (aor.len > sizeof(((struct expiry_key *)0)->aor))
		return STW_ERANGE;
	return write_record(s, aor, l, stays ? l->indexed_s : next, true);
}

/* The records that are due. */
struct due {
	uint64_t now_s;
	size_t n, max;
	struct due_row {
		uint64_t at_s;
		uint16_t len;
		char aor[sizeof(((struct expiry_key *)0)->aor)];
	} * row;
};

static bool take_due(void *ctx, struct stw_store_value key, struct stw_store_value row)
{
	struct due *due = ctx;
	struct due_row *to = &due->row[due->n];
	uint64_t at;

	(void)row;
	if (key.len < sizeof(at) || key.len > sizeof(at) + sizeof(to->aor) || due->n == due->max)
		return false;
	memcpy(&at, key.p, sizeof(at));
	to->at_s = be64toh(at);
	if (to->at_s > due->now_s)
		return false;
	to->len = (uint16_t)(key.len - sizeof(at));
	memcpy(to->aor, (const char *)key.p + sizeof(at), to->len);
	due->n++;
	return true;
}

static int expire_one(struct stw_store *s, const struct due_row *due, uint64_t now_s,
		      uint64_t *n_bindings)
{
	struct stw_str aor = stw_str(due->aor, due->len);
	struct expiry_key k;
	struct stw_location *l = malloc(sizeof(*l));

	if (!l)
		return STW_ENOMEM;
	int err = stw_location_get(s, aor, l);
	const size_t n = l->record.n;
	/* A damaged row, or an entry that nothing stands behind, goes. */
	bool lost = err == STW_EDIGEST || err == STW_EMALFORMED || err == STW_EVERSION;

	if (lost || (!err && l->indexed_s != due->at_s)) {
		err = stw_store_remove(s, STW_TABLE_EXPIRY, expiry_key(&k, due->at_s, aor));
		if (lost && !err)
			err = stw_location_put(s, aor, l);
	} else if (!err) {
		*n_bindings += stw_record_expire(&l->record, now_s);
		err = write_record(s, aor, l, stw_record_next_expiry(&l->record), l->record.n < n);
	}
	free(l);
	return err;
}

int stw_location_expire(struct stw_store *s, uint64_t now_s, size_t max, uint64_t *n_bindings)
{
	struct due due = {.now_s = now_s, .max = max};

	due.row = calloc(max, sizeof(*due.row));
	if (!due.row)
		return STW_ENOMEM;
	int err = stw_store_walk(s, STW_TABLE_EXPIRY, value(NULL, 0), take_due, &due);

	for (size_t i = 0; !err && i < due.n; i++)
		err = expire_one(s, &due.row[i], now_s, n_bindings);
	free(due.row);
	return err ? err : due.n == max ? STW_EAGAIN : STW_OK;
}
