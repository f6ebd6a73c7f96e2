/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The registrar (RFC 3261 s10.3): what is answered to a REGISTER for a domain we host, and what it
 * changes. The status and the lines that are the registrar's own; the rest of the answer is written
 * as all our answers are (stw_answer()).
 *
 * Changes of many requests go to disk together: after stw_registrar_handle() an answer may be sent
 * only once stw_registrar_commit() said STW_OK; when it did not, stw_registrar_failed() is what is
 * said instead. All between two commits is of one moment, so those who changed nothing commit too.
 *
 * Threads: the loop's only.
 */

#include "control/model/model.h"
#include "control/registrar/clock.h"
#include "control/registrar/gruu.h"
#include "control/registrar/registration.h"
#include "control/registrar/store.h"

struct stw_registrar; /* opaque */

#define STW_REGISTRAR_LINES 49152u

struct stw_registrar_answer {
	uint16_t status;
	const char *phrase; /* static */
	uint16_t retry_after_s;
	bool known;   /* the sender proved who it is: the answer may be as long as it must */
	bool changed; /* something waits for the commit */
	size_t len;
	char *lines; /* whole header lines; [STW_REGISTRAR_LINES] of the caller's */
};

#define STW_REGISTRAR_COUNTERS(X)                                                    \
	X(registered, "REGISTERs that made or refreshed bindings")                   \
	X(removed, "REGISTERs that removed bindings")                                \
	X(queried, "REGISTERs that asked, or came again")                            \
	X(challenged, "REGISTERs answered 401 for want of credentials")              \
	X(failed_authentication, "REGISTERs whose credentials were wrong")           \
	X(replayed, "REGISTERs that used credentials again")                         \
	X(forbidden, "REGISTERs answered 403")                                       \
	X(refused, "REGISTERs refused for what they ask")                            \
	X(limited, "REGISTERs answered 503 because of their source's rate")          \
	X(limited_failures, "REGISTERs answered 503 because of its wrong passwords") \
	X(store_failed, "REGISTERs answered 503 because the store failed")           \
	X(expired, "bindings that ended by their time")                              \
	X(damaged, "records found damaged and left out")

struct stw_registrar_counters {
#define X(name, text) uint64_t name;
	STW_REGISTRAR_COUNTERS(X)
#undef X
};

/**
 * Open the store and start.
 *
 * @param m       m->registrar.n_domains > 0; copied
 * @param reason  [reason_len] when it cannot: what is wrong and what to do
 * @return STW_OK, or as stw_store_open_lmdb()
 */
int stw_registrar_new(const struct stw_model *m, char *reason, size_t reason_len,
		      struct stw_registrar **out);

/** The same without a store: until stw_registrar_open() nothing but to configure and to free it. */
int stw_registrar_make(const struct stw_model *m, struct stw_registrar **out);

/** Open its store, when it is not. @p reason [reason_len] as above. @return as
 * stw_store_open_lmdb() */
int stw_registrar_open(struct stw_registrar *r, char *reason, size_t reason_len);

/** Close its store: what was committed is there when it is opened again. */
void stw_registrar_close(struct stw_registrar *r);

/** Take over another configuration; the store stays open. @return STW_OK, STW_ENOMEM */
int stw_registrar_configure(struct stw_registrar *r, const struct stw_model *m);

/**
 * Decide about one REGISTER.
 *
 * @param buf, m    accepted by the parser; its Request-URI names a domain of ours
 * @param source    where it came from
 * @param listener  the address it was sent to
 */
void stw_registrar_handle(struct stw_registrar *r, const char *buf, const struct stw_sip_msg *m,
			  const struct stw_endpoint *source, const struct stw_endpoint *listener,
			  struct stw_registrar_answer *out);

/** Make the changes last. @return STW_OK, or the store's: none of them happened */
int stw_registrar_commit(struct stw_registrar *r);

/** Why the last change did not last: the store's error. STW_OK: it did */
int stw_registrar_trouble(const struct stw_registrar *r);

/**
 * A store that says again and again that it is broken, not that it is full: LMDB takes no change
 * any more once a commit went wrong half way. Then opening it again may help.
 */
bool stw_registrar_is_stuck(const struct stw_registrar *r);

/** What to say to those whose changes did not last: 503 with Retry-After (RFC 3261 s21.5.4). */
void stw_registrar_failed(struct stw_registrar *r, struct stw_registrar_answer *out);

/** Forget what expired; call it about once a second. @return true when more is due at once */
bool stw_registrar_tick(struct stw_registrar *r);

/**
 * A record changed, and that lasts.
 *
 * @param aor     canonical
 * @param record  as it is now, gone bindings included; n is 0 when nothing is left. NULL: which
 *                records changed could not be noted: read them all again (@aor is empty)
 */
typedef void stw_registrar_changed_fn(void *ctx, struct stw_str aor,
				      const struct stw_record *record);

/** Call @tell for each change from now on; it must not change the store. @p tell: or NULL */
void stw_registrar_watch(struct stw_registrar *r, stw_registrar_changed_fn *tell, void *ctx);

struct stw_store *stw_registrar_store(struct stw_registrar *r);
const struct stw_registrar_counters *stw_registrar_counters(const struct stw_registrar *r);

/** The keys of its GRUUs. @p n: how many, the one in use first */
const struct stw_gruu_key *stw_registrar_gruu_keys(const struct stw_registrar *r, size_t *n);

/** The time its bindings live by. */
struct stw_clock *stw_registrar_clock(struct stw_registrar *r);

/** Accepts NULL. */
void stw_registrar_free(struct stw_registrar *r);
