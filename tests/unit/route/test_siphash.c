/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/model/model.h"
#include "dataplane/route/siphash.h"

static struct stw_sipkey reference_key(void)
{
	uint8_t bytes[16];

	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	return stw_sipkey_from(bytes);
}

/* vectors.h of the reference implementation: key 00..0f, input 00, 01, ... of growing length */
static void gives_the_reference_values_2_4(void **state)
{
	static const uint8_t expect[][8] = {
		{0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72},
		{0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74},
		{0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d},
		{0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85},
		{0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf},
		{0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18},
		{0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb},
		{0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab},
		{0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93},
	};
	uint8_t in[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		in[i] = i;
	for (size_t n = 0; n < sizeof(expect) / sizeof(expect[0]); n++) {
		uint64_t got = stw_siphash24(reference_key(), in, n);
		assert_memory_equal(&got, expect[n], 8);
	}
	/* the example of the paper's appendix A: 15 bytes */
	assert_true(stw_siphash24(reference_key(), in, 15) == 0xa129ca6149be45e5u);
}

/* The paper's rounds, spelled out again as plainly as can be. */
static uint64_t plain(const uint8_t *in, size_t n, int c, int d)
{
	uint64_t k0 = 0x0706050403020100u, k1 = 0x0f0e0d0c0b0a0908u;
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			 k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
	size_t blocks = n / 8 + 1;

	for (size_t b = 0; b <= blocks; b++) {
		uint64_t m = 0;

		if (b == blocks) {
			v[2] ^= 0xff;
		} else {
			for (size_t i = 0; i < 8 && 8 * b + i < n; i++)
				m |= (uint64_t)in[8 * b + i] << 8 * i;
			if (b == blocks - 1)
				m |= (uint64_t)(n & 0xff) << 56;
		}
		v[3] ^= m;
		for (int r = 0; r < (b == blocks ? d : c); r++) {
#define ROTL(x, s) ((x) << (s) | (x) >> (64 - (s)))
			v[0] += v[1], v[1] = ROTL(v[1], 13) ^ v[0], v[0] = ROTL(v[0], 32);
			v[2] += v[3], v[3] = ROTL(v[3], 16) ^ v[2];
			v[0] += v[3], v[3] = ROTL(v[3], 21) ^ v[0];
			v[2] += v[1], v[1] = ROTL(v[1], 17) ^ v[2], v[2] = ROTL(v[2], 32);
#undef ROTL
		}
		v[0] ^= m;
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void agrees_with_the_plain_writing(void **state)
{
	uint8_t in[80];

	(void)state;
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof(in); n++) {
		assert_true(stw_siphash13(reference_key(), in, n) == plain(in, n, 1, 3));
		assert_true(stw_siphash24(reference_key(), in, n) == plain(in, n, 2, 4));
	}
}

/* Cookies in live dialogs carry these ids: a change of the function would misroute them. */
static void member_ids_stay_what_they_are(void **state)
{
	struct stw_endpoint ep = {.ip = stw_ip_from_v4("\xc0\x00\x02\x0a"), .port = 5060};
	uint32_t first = stw_member_id(&ep);

	(void)state;
	assert_int_equal(first, 0x5865538e);
	ep.port = 5061;
	assert_int_not_equal(stw_member_id(&ep), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_reference_values_2_4),
		cmocka_unit_test(agrees_with_the_plain_writing),
		cmocka_unit_test(member_ids_stay_what_they_are),
	};
	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
