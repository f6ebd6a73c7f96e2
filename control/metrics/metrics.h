/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What Prometheus scrapes. Names follow its rules: strowger_ in front, base units, _total behind
 * counters. Counters come from the X-macros of strowger/counters.h, so a new row is a new metric.
 * Each configured member, pool and listener is always present, also without a data plane: then its
 * counters stand at 0, as they do when the data plane starts anew.
 *
 * Threads: the loop's only.
 */

#include <stdio.h>

#include "control/api/api.h"

/** Write everything to @out. */
void stw_metrics_write(struct stw_api *api, FILE *out);

/* Its parts: process.c, workers.c, farm.c */
void stw_metrics_process(struct stw_api *api, FILE *out);
void stw_metrics_workers(struct stw_api *api, FILE *out);
void stw_metrics_ports(struct stw_api *api, FILE *out);
void stw_metrics_farm(struct stw_api *api, FILE *out);
void stw_metrics_rules(struct stw_api *api, FILE *out);
void stw_metrics_registrar(struct stw_api *api, FILE *out);
