/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A data plane as control sees it: greets, takes images, answers as told. No packets, no tables.
 * Never blocks: the test calls fake_turn() between turns of its event loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include <strowger/ctl_proto.h>
#include <strowger/stats.h>

enum fake_mode {
	FAKE_ACCEPTS,
	FAKE_REFUSES,
	FAKE_WAITS,	     /* answers when fake_answer() is called */
	FAKE_TAKES_AND_DIES, /* serves the image, but the link breaks before its RESULT */
};

struct fake {
	char path[108];
	int listen_fd;
	int fd;
	enum fake_mode mode;
	uint32_t version; /* of its messages */
	bool greets;

	struct stw_stats *stats;
	int stats_fd;

	uint64_t generation; /* served */
	uint8_t digest[32];
	int image_fd; /* served; -1 before the first */

	int offered_fd; /* received, not answered yet; -1: none */
	uint64_t offered_generation;
	unsigned n_connections;
	unsigned n_images;    /* received since fake_start() */
	unsigned n_locations; /* likewise: words about the location table */
	bool has_location;    /* the last said that there is one */
	bool bad_image; /* one came unsealed, of another size, or while another was unanswered */
};

/** Listen at @path with @n_workers rows of stats. */
void fake_start(struct fake *f, const char *path, uint32_t n_workers);

/** Accept, greet, take and answer what is there. @return true when anything was */
bool fake_turn(struct fake *f);

/** Answer the image that was offered. */
void fake_answer(struct fake *f, int err, const char *reason);

/** Close the connection; serving goes on. */
void fake_hang_up(struct fake *f);

/** As a new process: serves nothing, counts from zero; the socket stays. */
void fake_restart(struct fake *f);

void fake_stop(struct fake *f);
