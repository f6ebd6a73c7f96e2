/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Which rule a request falls under, at a cost that hardly grows with their number.
 *
 * Each rule is found by the values of one field, the one that tells it best from others (control
 * chooses); what else it asks for is verified by one look each. All values of all rules stand in
 * one index: those a rule is found by under themselves, the others under their rule and themselves.
 * Beginnings (of users and numbers), ends (of domains) and networks are looked for by each length
 * that any rule has, with one sum made on the way over the text. The rules found are tried in their
 * order; a value may name STW_IMAGE_RULE_SHARE of them at most, so the work is bounded.
 *
 * Not RCU: immutable after init, part of struct stw_tables.
 */

#include <stdbool.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>
#include <strowger/sip_number.h>
#include <strowger/table_image.h>

#include "dataplane/table/index.h"

/* Of a row of keys: whose it is, and the next rule that names the same value. */
struct stw_rule_link {
	uint32_t rule;
	uint32_t next; /* STW_INDEX_EMPTY: none */
	uint8_t field;
	uint8_t depth; /* rules from here to the end */
	bool found_by; /* the rule is found by this field */
};

/* Bits by length: bytes of a beginning or end, bits of a network. */
struct stw_rule_lengths {
	uint64_t word[4];
};

struct stw_rules {
	uint32_t n;	  /* 0: there are none, and nothing below is valid */
	uint8_t fields;	  /* a bit each that some rule looks at, */
	uint8_t found_by; /* and that some rule is found by */
	uint8_t exact;	  /* a bit each field that has exact values */
	uint8_t n_tried;
	uint32_t tried[STW_IMAGE_RULE_SHARE]; /* rules found by no value, ascending */
	struct stw_rule_lengths parts[STW_IMAGE_RULE_FIELDS];
	const struct stw_image_rule *rules;
	const struct stw_image_rule_key *keys;
	const char *text;
	struct stw_rule_link *links; /* [rows of keys] */
	struct stw_index index;
};

/* What rules look at. Fields that none looks at need not be filled. */
struct stw_rule_request {
	uint16_t method; /* its bit */
	uint16_t listener;
	struct stw_ip source;
	struct stw_number number; /* len 0: none */
	uint8_t user_len;	  /* at most STW_IMAGE_RULE_USER + 1: longer ones are cut */
	uint8_t host_len;	  /* 0: none */
	char user[STW_IMAGE_RULE_USER + 1];
	char host[STW_IMAGE_NAME_MAX]; /* lower case */
};

struct stw_rule_hit {
	uint32_t rule; /* row */
	uint16_t pool; /* of the rule, or of its longest prefix that fits */
};

/**
 * Make the index.
 *
 * @param r       n, rules, keys and text set; links [rows of keys]; an empty index with room for
 * all
 * @param reason  [reason_len] when refused
 * @return STW_OK, STW_EDUP (a value twice in one field), STW_ERANGE (one in too many rules)
 */
int stw_rules_fill(struct stw_rules *r, char *reason, size_t reason_len);

/** The first rule that fits. @return false: none, @out is unchanged. Fast path: yes. */
bool stw_rules_find(const struct stw_rules *r, const struct stw_rule_request *q,
		    struct stw_rule_hit *out);
