/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * JSON bodies of requests, read by a table of their fields: one object, known keys, each once, null
 * as if it were absent. What is wrong is a problem whose `errors` name the field (RFC 9457 s3).
 *
 * What is read borrows from the request, which keeps the JSON until its end.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/api/request.h"

/* In brackets: what is at the field's offset. */
enum stw_field_kind {
	STW_FIELD_TEXT,	  /* const char *: without NUL in it */
	STW_FIELD_WHOLE,  /* json_int_t */
	STW_FIELD_BOOL,	  /* bool */
	STW_FIELD_LIST,	  /* const json_t * */
	STW_FIELD_OBJECT, /* const json_t * */
};

struct stw_field {
	const char *key;
	size_t offset;
	enum stw_field_kind kind;
	bool needed;
	json_int_t min, max; /* of a number; of a text's bytes and a list's rows; max 0: any */
};

/**
 * Read the body into @out. Fields that are not there keep the values they have.
 *
 * @param fields  [n]
 * @return false: the problem is replied
 */
bool stw_body_read(struct stw_request *r, const struct stw_field *fields, size_t n, void *out);

/** The same for an object inside the body. @param pointer  its JSON pointer: "/messages/3" */
bool stw_body_read_row(struct stw_request *r, const json_t *row, const char *pointer,
		       const struct stw_field *fields, size_t n, void *out);

/**
 * Reply that a field is unusable.
 *
 * @param pointer  JSON pointer of the field (RFC 6901), "" for the body itself
 * @param fmt      what is wrong with it: "weight is not in 0..65535"
 * @return false
 */
bool stw_body_bad(struct stw_request *r, const char *pointer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define STW_N_FIELDS(fields) (sizeof(fields) / sizeof((fields)[0]))
