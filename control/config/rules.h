/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Rules on their way from the file to the model and back.
 *
 * Threads: one.
 */

#include "control/config/check.h"

/** enum stw_sip_method of a word of rules[].methods[]; fewer words than @word: -1. */
int stw_rule_method(uint8_t word);

/**
 * Put the numbers of each rule's file behind its own; what is wrong in one is reported with the
 * file's line.
 *
 * @return STW_OK, STW_ENOMEM
 */
int stw_rules_read_files(struct stw_conf *c, struct stw_report *report);

/** Judge rules against themselves, pools and listeners. @return STW_OK, STW_ENOMEM */
int stw_check_rules(const struct stw_conf *c, struct stw_report *report);

/**
 * Rules of @c, which are without mistakes, into @m, which has its pools and listeners.
 *
 * @return STW_OK, STW_ENOMEM
 */
int stw_resolve_rules(const struct stw_conf *c, struct stw_model *m);

/** The other way. @return STW_OK, STW_ENOMEM */
int stw_rules_from_model(const struct stw_model *m, struct stw_conf *c);

/** Free what the rules of @c own. */
void stw_rules_fini(struct stw_conf *c);
