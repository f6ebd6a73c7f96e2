/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A corpus of SIP messages for benchmarks: distinct, of many shapes, the same from the same seed.
 *
 * Each message draws its own names, tags, Call-ID, branch, lengths and shape, so that no branch
 * predictor learns it. Sorted and shuffled differ in the order of the header lines only (Via lines
 * keep their order among themselves, as it carries meaning).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, "name", share in percent) */
#define STW_CORPUS_SHAPES(X)                          \
	X(INVITE, "INVITE with SDP", 14)              \
	X(INVITE_COMPACT, "INVITE, compact names", 6) \
	X(REINVITE, "re-INVITE through a Route", 4)   \
	X(TRYING, "100", 12)                          \
	X(RINGING, "180", 12)                         \
	X(OK_SDP, "200 with SDP", 10)                 \
	X(OK_BYE, "200 to BYE", 10)                   \
	X(ACK, "ACK through a Route", 11)             \
	X(BYE, "BYE through a Route", 10)             \
	X(CANCEL, "CANCEL", 2)                        \
	X(REGISTER, "REGISTER", 6)                    \
	X(OPTIONS, "OPTIONS", 3)

enum stw_corpus_shape {
#define X(name, text, share) STW_CORPUS_##name,
	STW_CORPUS_SHAPES(X)
#undef X
		STW_N_CORPUS_SHAPES,
};

/** Room that holds any message of the corpus. */
#define STW_CORPUS_ROOM 2048u

/**
 * Write message @index of the corpus @seed. Requests go to "sip:...@192.0.2.1", whole and well
 * formed.
 *
 * @param out   not NUL-terminated
 * @param room  at least STW_CORPUS_ROOM
 * @return bytes written, 0 when @room is too small
 */
size_t stw_corpus_message(uint64_t seed, unsigned index, bool shuffled, char *out, size_t room);

/** The shape stw_corpus_message() gives to @index. */
enum stw_corpus_shape stw_corpus_shape_of(uint64_t seed, unsigned index);

/** Text of a shape. */
const char *stw_corpus_shape_text(enum stw_corpus_shape shape);
