/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools in ordinary pages, in no more memory than was asked for in advance. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <strowger/errors.h>

#include "dataplane/eal.h"
#include "dataplane/pool.h"

/* net_af_xdp knows but the first piece of a pool. */
static void assert_whole(struct rte_mempool *pool)
{
	assert_non_null(pool);
	assert_int_equal(pool->populated_size, pool->size);
	assert_int_equal(pool->nb_mem_chunks, 1);
}

static void pools_of_any_mtu_are_in_one_piece(void **state)
{
	uint16_t core = 0;
	struct stw_model_port ports[] = {{.mtu = 1500}, {.mtu = 9000}};
	const struct stw_model m = {
		.dataplane = {.cores = &core,
			      .n_cores = 1,
			      .hugepages = STW_HUGEPAGES_NO,
			      .mbufs = 16384},
		.ports = ports,
		.n_ports = 2,
	};
	cpu_set_t allowed;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(core, &allowed))
		core++;
	assert_int_equal(stw_eal_start(&m), STW_OK);
	struct rte_mempool *small = stw_pool_new("small", &m.dataplane, 1500, SOCKET_ID_ANY),
			   *large = stw_pool_new("large", &m.dataplane, 9000, SOCKET_ID_ANY),
			   *jumbo = stw_pool_jumbo_new(&m.dataplane);

	assert_whole(small);
	assert_whole(large);
	assert_whole(jumbo);
	assert_int_equal(small->header_size + small->elt_size + small->trailer_size,
			 sysconf(_SC_PAGESIZE));
	assert_true(rte_pktmbuf_data_room_size(large) >= RTE_PKTMBUF_HEADROOM + 9000);
	rte_mempool_free(jumbo);
	rte_mempool_free(large);
	rte_mempool_free(small);
	stw_eal_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_of_any_mtu_are_in_one_piece),
	};

	return cmocka_run_group_tests_name("dataplane-pool", tests, NULL, NULL);
}
