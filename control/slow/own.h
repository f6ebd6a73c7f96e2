/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Addresses that an interface of the kernel has at this moment. */

#include <stddef.h>

#include "control/model/model.h"

#define STW_OWN_VLANS_MAX 64 /* of a shared port, as the option table has it */

/**
 * Addresses of the interfaces of a shared port, those of its VLANs too, without the link-local
 * ones, which say nothing alone.
 *
 * @param out  on STW_OK: [n], to be freed; none when there is no such interface
 * @return STW_OK, STW_ENOMEM, STW_EIO (errno is set)
 */
int stw_own_addresses(const struct stw_model_port *p, struct stw_model_address **out, size_t *n);
