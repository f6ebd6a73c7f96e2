/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * `strowgerctl doctor`: what is wrong with this machine and these processes, and what to do about
 * it. Each check adds findings; none changes anything. Works without running processes, which is a
 * finding then.
 *
 * Threads: one. Files of the kernel are read below @root, so that a test may bring its own.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/model/model.h"

enum stw_grade {
	STW_GRADE_GOOD,
	STW_GRADE_ADVICE, /* works, and could do better */
	STW_GRADE_BAD,	  /* does not work, or is not safe */
};

#define STW_FINDING_TEXT 240

struct stw_finding {
	enum stw_grade grade;
	const char *check; /* one word, for programs: "hugepages" */
	char what[STW_FINDING_TEXT];
	char advice[STW_FINDING_TEXT]; /* "" when there is nothing to do */
};

/* The patient. Members that are not known are NULL or zero. */
struct stw_doctor {
	const char *root; /* "" in earnest */
	const char *config_path;
	const struct stw_model *model; /* NULL: the file is not readable or not right */
	/* Answers of the API, NULL without control. Borrowed. */
	const json_t *status;
	const json_t *ports;
	const json_t *workers;
	const json_t *counters;

	struct stw_finding *findings; /* [n] */
	size_t n;
	size_t room;
	bool cut; /* out of memory: some are missing */
};

/** Add a finding; @what and @advice are texts of ours or made with snprintf(). */
void stw_doctor_say(struct stw_doctor *d, enum stw_grade grade, const char *check, const char *what,
		    const char *advice);

/** The same with @what as printf. */
void stw_doctor_sayf(struct stw_doctor *d, enum stw_grade grade, const char *check,
		     const char *advice, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** First line of a file below d->root, without its end. @return false when it cannot be read */
bool stw_doctor_read(const struct stw_doctor *d, const char *path, char *out, size_t size);

/** The checks, in the order of the report. machine.c: */
void stw_doctor_config(struct stw_doctor *d);
void stw_doctor_hugepages(struct stw_doctor *d);
void stw_doctor_cores(struct stw_doctor *d);
void stw_doctor_clock(struct stw_doctor *d);
void stw_doctor_sysctls(struct stw_doctor *d);
/* ports.c: */
void stw_doctor_ports(struct stw_doctor *d);
/* running.c: */
void stw_doctor_running(struct stw_doctor *d);
void stw_doctor_members(struct stw_doctor *d);
/* neighbours.c: members and gateways of either family that the kernel asked for in vain. A
 * machine made of files has no such tables. */
void stw_doctor_neighbours(struct stw_doctor *d);
/** Compare our digest with another node's answer to GET /v1/status; @status NULL: no answer. */
void stw_doctor_node(struct stw_doctor *d, const char *node, const json_t *status);

/** Run all of them but stw_doctor_node(). */
void stw_doctor_examine(struct stw_doctor *d);

/** The worst of the findings. */
enum stw_grade stw_doctor_worst(const struct stw_doctor *d);

/** "good", "advice", "bad". */
const char *stw_grade_text(enum stw_grade grade);

void stw_doctor_fini(struct stw_doctor *d);
