/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/slow/went.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "dataplane/recent/note.h"
#include "dataplane/recent/recent.h"

#define ROWS	     1024u
#define KEPT_S	     240u /* as the recent-call table does */
#define CLOCK_HZ     1000000000u
#define SWEPT_A_NOTE 4u
#define OF_A_USER    STW_RECORD_BINDINGS
#define TEXT	     (STW_WHERE_TEXT + STW_GRUU_TEXT)

/* A contact, as it was when a request went there: packed, and marked as gone. */
struct contact {
	TAILQ_ENTRY(contact) order;
	LIST_ENTRY(contact) same_row;
	uint64_t since_ns;
	uint32_t id;
	uint16_t aor_len, packed_len;
	struct stw_endpoint listener;
	char bytes[]; /* packed contact, address-of-record */
};

struct stw_went {
	struct stw_memory memory;
	struct stw_recent recent;
	void *bytes;		     /* of @recent */
	TAILQ_HEAD(, contact) order; /* the oldest first */
	LIST_HEAD(, contact) row[ROWS];
	struct stw_sipkey row_key; /* nobody chooses who shares a row with whom */
	size_t n;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * CLOCK_HZ + (uint64_t)t.tv_nsec;
}

static size_t row_of(const struct stw_went *w, const char *aor, size_t len)
{
	return stw_siphash13(w->row_key, aor, len) % ROWS;
}

struct stw_went *stw_went_new(void)
{
	struct stw_went *w = calloc(1, sizeof(*w));
	const size_t size = stw_recent_size(STW_WENT_MAX);

	if (!w)
		return NULL;
	TAILQ_INIT(&w->order);
	w->bytes = aligned_alloc(128, size);
	w->memory.members = aligned_alloc(64, sizeof(*w->memory.members));
	if (!w->bytes || !w->memory.members ||
	    getrandom(&w->row_key, sizeof(w->row_key), 0) != sizeof(w->row_key)) {
		stw_went_free(w);
		return NULL;
	}
	memset(w->bytes, 0, size);
	memset(w->memory.members, 0, sizeof(*w->memory.members));
	stw_recent_init(&w->recent, w->bytes, STW_WENT_MAX, CLOCK_HZ);
	w->memory.recent = &w->recent;
	w->memory.n_workers = 1;
	return w;
}

const struct stw_memory *stw_went_memory(const struct stw_went *w)
{
	return &w->memory;
}

/* --- contacts --- */

static void forget(struct stw_went *w, struct contact *c)
{
	TAILQ_REMOVE(&w->order, c, order);
	LIST_REMOVE(c, same_row);
	w->n--;
	free(c);
}

/* Those whose time is over, and the oldest of more than @most. */
static void forget_old(struct stw_went *w, size_t most)
{
	const uint64_t now = now_ns();
	struct contact *c;

	while ((c = TAILQ_FIRST(&w->order)) != NULL &&
	       (w->n > most || now - c->since_ns > (uint64_t)KEPT_S * CLOCK_HZ))
		forget(w, c);
}

static bool is_of(const struct contact *c, const struct stw_whereabouts *of)
{
	return c->aor_len == of->aor_len &&
	       memcmp(c->bytes + c->packed_len, of->aor, c->aor_len) == 0;
}

static bool find(const struct stw_whereabouts *w, uint32_t id, struct stw_contact *out)
{
	for (size_t at = 0; stw_contact_next(w, &at, out);)
		if (out->id == id)
			return true;
	return false;
}

/* The same with its URI in one piece, as it is packed. @return false: it is too long */
static bool in_one_piece(struct stw_contact *c, const char *aor, char text[TEXT])
{
	const size_t len = (size_t)c->same + c->rest.len;

	if (len > TEXT)
		return false;
	memcpy(text, aor, c->same);
	memcpy(text + c->same, c->rest.p, c->rest.len);
	c->rest = (struct stw_piece){text, (uint16_t)len};
	c->same = 0;
	return true;
}

static void remember(struct stw_went *w, const struct stw_whereabouts *of, struct stw_contact c)
{
	char text[TEXT], packed[STW_LOCATION_RECORD_MAX + TEXT];

	if (!in_one_piece(&c, of->aor, text))
		return;
	c.gone = true;
	const size_t len = stw_contact_pack(&c, of->aor, of->aor_len, 0, packed, sizeof(packed));
	struct contact *kept = len > 0 ? malloc(sizeof(*kept) + len + of->aor_len) : NULL;

	if (!kept)
		return;
	*kept = (struct contact){.since_ns = now_ns(),
				 .id = c.id,
				 .aor_len = of->aor_len,
				 .packed_len = (uint16_t)len,
				 .listener = c.listener};
	memcpy(kept->bytes, packed, len);
	memcpy(kept->bytes + len, of->aor, of->aor_len);
	TAILQ_INSERT_TAIL(&w->order, kept, order);
	LIST_INSERT_HEAD(&w->row[row_of(w, of->aor, of->aor_len)], kept, same_row);
	w->n++;
}

/* It is told anew; and of one user's the oldest gives way, so that nobody's contacts, bound one
 * after another and called, push out those of others. A row has the newest first. */
static void make_way(struct stw_went *w, const struct stw_whereabouts *of, uint32_t id)
{
	struct contact *kept, *next;
	size_t n = 0;

	for (kept = LIST_FIRST(&w->row[row_of(w, of->aor, of->aor_len)]); kept; kept = next) {
		next = LIST_NEXT(kept, same_row);
		if (is_of(kept, of) && (kept->id == id || ++n >= OF_A_USER))
			forget(w, kept);
	}
}

static void note_contact(struct stw_went *w, const struct stw_whereabouts *of, uint32_t id)
{
	struct stw_contact c;

	make_way(w, of, id);
	forget_old(w, STW_WENT_MAX - 1);
	if (find(of, id, &c))
		remember(w, of, c);
}

void stw_went_note(struct stw_went *w, const struct stw_tables *t, const struct stw_sip_msg *m,
		   const struct stw_verdict *v, const struct stw_located *located)
{
	for (unsigned i = 0; i < SWEPT_A_NOTE; i++)
		stw_note_sweep(&w->memory, t, now_ns());
	if (v->note == STW_NOTE_NONE)
		return;
	(void)stw_note(&w->memory, t, m, v, now_ns()); /* nobody else notes */
	if (v->note == STW_NOTE_CONTACT)
		note_contact(w, &located->w, v->contact);
}

/* A row of the listeners for one more contact. @return -1: there is none */
static int listener_row(struct stw_located *l, const struct stw_endpoint *listener)
{
	struct stw_whereabouts *w = &l->w;

	for (uint32_t i = 0; i < w->n_listeners; i++)
		if (stw_endpoint_equal(&l->listeners[i], listener))
			return (int)i;
	if (w->n_listeners == sizeof(l->listeners) / sizeof(l->listeners[0]))
		return -1;
	l->listeners[w->n_listeners] = *listener;
	return (int)w->n_listeners++;
}

static void add(struct stw_located *l, const struct contact *kept)
{
	const struct stw_whereabouts one = {.aor = l->w.aor,
					    .aor_len = l->w.aor_len,
					    .packed = kept->bytes,
					    .packed_len = kept->packed_len,
					    .listeners = &kept->listener,
					    .n_listeners = 1};
	char text[TEXT];
	struct stw_contact c;
	size_t at = 0;

	if (!stw_contact_next(&one, &at, &c) || !in_one_piece(&c, l->w.aor, text))
		return;
	const int row = listener_row(l, &kept->listener);

	if (row < 0)
		return;
	l->w.packed_len = (uint16_t)(l->w.packed_len +
				     stw_contact_pack(&c, l->w.aor, l->w.aor_len, (uint8_t)row,
						      l->packed + l->w.packed_len,
						      sizeof(l->packed) - l->w.packed_len));
}

void stw_went_add(struct stw_went *w, struct stw_located *located)
{
	const struct stw_whereabouts *of = &located->w;
	const struct contact *kept;
	struct stw_contact bound;

	forget_old(w, STW_WENT_MAX);
	LIST_FOREACH(kept, &w->row[row_of(w, of->aor, of->aor_len)], same_row)
	if (is_of(kept, of) && !find(of, kept->id, &bound))
		add(located, kept);
}

size_t stw_went_n(const struct stw_went *w)
{
	return w->n;
}

void stw_went_free(struct stw_went *w)
{
	if (!w)
		return;
	while (!TAILQ_EMPTY(&w->order))
		forget(w, TAILQ_FIRST(&w->order));
	free(w->memory.members);
	free(w->bytes);
	free(w);
}
