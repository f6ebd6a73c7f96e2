/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/table/index.h"

#define N_MEMBERS 4096u

static struct stw_endpoint v4(uint32_t address, uint16_t port)
{
	uint8_t b[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8),
			(uint8_t)address};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(b), .port = port};
}

static struct stw_endpoint v6(uint32_t host, uint16_t port)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8};

	memcpy(b + 12, &host, 4);
	return (struct stw_endpoint){.ip = stw_ip_from_v6(b), .port = port};
}

/* Cells looked at for all keys together. */
static unsigned probes(const struct stw_endpoint *keys, uint32_t n)
{
	uint32_t n_cells = stw_index_cells(n);
	struct stw_index ix = {n_cells - 1, malloc(n_cells * sizeof(*ix.cells))};
	unsigned sum = 0;

	assert_non_null(ix.cells);
	memset(ix.cells, 0xff, n_cells * sizeof(*ix.cells));
	for (uint32_t i = 0; i < n; i++)
		stw_index_add(&ix, stw_index_tag_endpoint(&keys[i]), i);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = stw_index_home(&ix, stw_index_tag_endpoint(&keys[i]));

		for (sum++; ix.cells[at].row != i; sum++)
			at = (at + 1) & ix.mask;
	}
	free(ix.cells);
	return sum;
}

/* As farms are numbered. At half load a fair hash takes one and a half probes (Knuth, 6.4). */
static void neighbouring_addresses_do_not_cluster(void **state)
{
	static struct stw_endpoint keys[N_MEMBERS];

	(void)state;
	for (uint32_t n = 8; n <= N_MEMBERS; n *= 8) {
		for (uint32_t i = 0; i < n; i++)
			keys[i] = v4(0x0a000000u + i, 5060);
		assert_in_range(probes(keys, n), n, 2 * n);
		for (uint32_t i = 0; i < n; i++)
			keys[i] = v4(0xc000020bu, (uint16_t)(5060 + i));
		assert_in_range(probes(keys, n), n, 2 * n);
		for (uint32_t i = 0; i < n; i++)
			keys[i] = v6(i << 24 | (i >> 8) << 16, 5060);
		assert_in_range(probes(keys, n), n, 2 * n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbouring_addresses_do_not_cluster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
