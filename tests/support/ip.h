/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * An address as people write it.
 */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <strowger/endpoint.h>

static inline struct stw_ip ip(const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		return stw_ip_from_v4(b);
	assert_int_equal(inet_pton(AF_INET6, text, b), 1);
	return stw_ip_from_v6(b);
}
