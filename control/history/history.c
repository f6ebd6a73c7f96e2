/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/history/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/model/state_file.h"

#define NAME_MAX_BYTES 80
#define TEXT_MAX       (16u << 20)

static void name_of(const struct stw_history_entry *e, char out[NAME_MAX_BYTES])
{
	snprintf(out, NAME_MAX_BYTES, "history-%08u-%llu-%s.yaml", e->id,
		 (unsigned long long)e->at_unix_s, e->how);
}

/* Takes a file's name apart; it is ours only when it is just what we would write. */
static bool read_name(const char *name, struct stw_history_entry *out)
{
	char same[NAME_MAX_BYTES];
	unsigned long long at;
	struct stw_history_entry e = {0};

	if (sscanf(name, "history-%8u-%llu-%15[a-z].yaml", &e.id, &at, e.how) != 3)
		return false;
	e.at_unix_s = at;
	name_of(&e, same);
	*out = e;
	return strcmp(name, same) == 0;
}

static int by_id(const void *a, const void *b)
{
	const struct stw_history_entry *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void remove_entry(const char *dir, const struct stw_history_entry *e)
{
	char name[NAME_MAX_BYTES], path[STW_STATE_PATH + NAME_MAX_BYTES];

	name_of(e, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

/* Keeps the newest when there are more than fit, which only a kill half way can leave. */
static void keep(struct stw_history *h, const struct stw_history_entry *e)
{
	if (h->n == STW_HISTORY_MAX + 1) {
		if (e->id < h->entries[0].id)
			return;
		h->n--;
		memmove(h->entries, h->entries + 1, h->n * sizeof(*e));
	}
	h->entries[h->n++] = *e;
	qsort(h->entries, h->n, sizeof(*e), by_id);
}

int stw_history_list(const char *state_dir, struct stw_history *out)
{
	DIR *dir = opendir(state_dir);
	struct dirent *d;

	*out = (struct stw_history){.n = 0};
	if (!dir)
		return errno == ENOENT ? STW_OK : STW_EIO;
	while ((d = readdir(dir)) != NULL) {
		struct stw_history_entry e;
		struct stat st;

		if (!read_name(d->d_name, &e) ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		e.bytes = (uint64_t)st.st_size;
		keep(out, &e);
	}
	closedir(dir);
	return STW_OK;
}

static int read_entry(const char *dir, const struct stw_history_entry *e, char **text, size_t *len,
		      char *reason, size_t reason_len)
{
	char name[NAME_MAX_BYTES];
	char *room = malloc(TEXT_MAX + 1);

	if (!room)
		return STW_ENOMEM;
	name_of(e, name);
	int err = stw_state_read(dir, name, true, room, TEXT_MAX, len, reason, reason_len);
	if (err) {
		free(room);
		return err;
	}
	room[*len] = '\0';
	*text = room;
	return STW_OK;
}

int stw_history_read(const char *state_dir, uint32_t id, char **text, size_t *len, char *reason,
		     size_t reason_len)
{
	struct stw_history h;

	if (stw_history_list(state_dir, &h) == STW_OK)
		for (size_t i = 0; i < h.n; i++)
			if (h.entries[i].id == id)
				return read_entry(state_dir, &h.entries[i], text, len, reason,
						  reason_len);
	snprintf(reason, reason_len, "there is no configuration %u", id);
	return STW_ENOENT;
}

static bool is_newest(const char *dir, const struct stw_history *h, const char *text, size_t len)
{
	char *newest = NULL;
	char reason[160];
	size_t n;

	if (h->n == 0 || h->entries[h->n - 1].bytes != len ||
	    read_entry(dir, &h->entries[h->n - 1], &newest, &n, reason, sizeof(reason)) != STW_OK)
		return false;
	bool same = n == len && memcmp(newest, text, len) == 0;
	free(newest);
	return same;
}

int stw_history_add(const char *state_dir, const char *how, uint64_t at_unix_s, const char *text,
		    size_t len, char *reason, size_t reason_len)
{
	char name[NAME_MAX_BYTES];
	struct stw_history h;

	if (stw_history_list(state_dir, &h)) {
		snprintf(reason, reason_len, "%s: %s", state_dir, strerror(errno));
		return STW_EIO;
	}
	if (is_newest(state_dir, &h, text, len))
		return STW_OK;
	struct stw_history_entry e = {.id = h.n ? h.entries[h.n - 1].id + 1 : 1,
				      .at_unix_s = at_unix_s};
	snprintf(e.how, sizeof(e.how), "%s", how);
	name_of(&e, name);
	int err =
		stw_state_write(state_dir, name, STW_STATE_REPLACE, text, len, reason, reason_len);
	for (size_t i = 0; !err && h.n - i >= STW_HISTORY_MAX; i++)
		remove_entry(state_dir, &h.entries[i]);
	return err;
}
