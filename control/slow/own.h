/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Addresses that an interface of the kernel has at this moment. */

#include <stddef.h>

#include "control/model/model.h"

/**
 * Addresses of the interface under @device, without the link-local ones, which say nothing alone.
 *
 * @param out  on STW_OK: [n], untagged, to be freed; none when there is no such interface
 * @return STW_OK, STW_ENOMEM, STW_EIO (errno is set)
 */
int stw_own_addresses(const char *device, struct stw_model_address **out, size_t *n);
