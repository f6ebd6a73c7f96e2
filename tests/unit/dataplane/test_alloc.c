/* SPDX-License-Identifier: BSD-3-Clause */
/* The fast path allocates nothing: jemalloc's count of this thread's bytes does not move over a
 * million packets of every kind. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/sip.h>

#include "dataplane/path/cksum.h"
#include "tests/unit/dataplane/rig.h"
#include "tests/unit/dataplane/sip_text.h"

#define N_PACKETS 1000000u
#define N_KINDS	  8u

typedef int (*mallctl_fn)(const char *, void *, size_t *, void *, size_t);

static struct rig rig;
static uint8_t kinds[N_KINDS][4096];
static size_t lens[N_KINDS];

static struct rig_datagram datagram(const char *text, size_t len)
{
	struct rig_datagram d = {
		.src = stw_farm_v4(203, 0, 113, 9, 5060),
		.dst = stw_farm_v4(192, 0, 2, 1, 5060),
		.text = text,
		.len = len,
		.ttl = 61,
	};

	memcpy(d.dst_mac, rig.ports.port[0].mac, 6);
	return d;
}

static void make(unsigned kind, const char *text, size_t len, uint16_t port)
{
	struct rig_datagram d = datagram(text, len);

	d.dst.port = port;
	lens[kind] = rig_frame(&d, kinds[kind]);
}

/* Forwarded, answered, dropped, for the kernel, in fragments. */
static void make_kinds(void)
{
	static uint8_t parts[8][1600];
	static size_t part_lens[8];
	static uint8_t whole[8192];
	static char text[8192];
	struct rig_datagram d;

	make(0, text, sip_invite(text, sizeof(text), "sip:b@192.0.2.1", 70, 1, 200), 5060);
	make(1, text, sip_invite(text, sizeof(text), "sip:b@192.0.2.1", 0, 2, 0), 5060);
	make(2, "\r\n\r\n", 4, 5060);
	make(3, "nonsense", 8, 5060);
	make(4, "for the kernel", 14, 53);
	d = datagram(text, sip_invite(text, sizeof(text), "sip:b@192.0.2.1", 70, 3, 3400));
	assert_int_equal(rig_fragments(whole, rig_frame(&d, whole), 1500, parts, part_lens), 3);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(kinds[5 + i], parts[i], part_lens[i]);
		lens[5 + i] = part_lens[i];
	}
}

static uint64_t allocated(mallctl_fn mallctl)
{
	uint64_t *bytes;
	size_t len = sizeof(bytes);

	assert_int_equal(mallctl("thread.allocatedp", &bytes, &len, NULL, 0), 0);
	return *bytes;
}

static void feed_and_turn(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_feed(&rig, 0, 0, kinds[i % N_KINDS], lens[i % N_KINDS]);
	rig_turn(&rig, 0);
	rig_clear(&rig);
}

static void a_million_packets_allocate_nothing(void **state)
{
	mallctl_fn mallctl = NULL;
	void *volatile one;
	uint64_t before;

	(void)state;
	*(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
	if (mallctl == NULL) /* a sanitizer's build: jemalloc is not there */
		skip();
	make_kinds();
	feed_and_turn(32);
	before = allocated(mallctl);
	for (unsigned n = 0; n < N_PACKETS; n += 32)
		feed_and_turn(32);
	assert_int_equal(allocated(mallctl), before);
	assert_int_equal(rig_count(&rig, STW_C_RECEIVED), N_PACKETS + 32);
	assert_int_equal(rig_count(&rig, STW_C_SENT), (N_PACKETS + 32) / 8 * 2);
	/* The counter counts: one allocation moves it. */
	one = malloc(64);
	assert_true(allocated(mallctl) > before);
	free(one);
}

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, 1, 1);
	rig_publish_tables(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_million_packets_allocate_nothing, setup,
						teardown),
	};

	stw_sip_init(STW_KERNEL_AUTO);
	stw_cksum_init();
	return cmocka_run_group_tests_name("dataplane-alloc", tests, NULL, NULL);
}
