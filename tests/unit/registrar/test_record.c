/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <strowger/errors.h>

#include "control/registrar/record.h"
#include "tests/support/farm.h"

static uint8_t row[STW_RECORD_BYTES];

static struct stw_str t(const char *p)
{
	return stw_str(p, strlen(p));
}

static struct stw_record example(void)
{
	return (struct stw_record){
		.n = 2,
		.early_s = 70,
		.b = {{.uri = t("sip:b@10.0.0.9"),
		       .params = t(";+sip.instance=\"<urn:uuid:1>\""),
		       .instance = t("<urn:uuid:1>"),
		       .path = t("<sip:p;lr>"),
		       .call_id = t("c1"),
		       .source = stw_farm_v4(203, 0, 113, 5, 5062),
		       .listener = stw_farm_v6(1, 5060),
		       .created_s = 100,
		       .expires_s = 4000000000u,
		       .cseq = 7,
		       .reg_id = 1,
		       .q = 250},
		      {.uri = t("tel:+4930"), .call_id = t("c2"), .expires_s = 90, .gone = true}}};
}

static void what_is_written_is_read(void **state)
{
	const struct stw_record in = example();
	struct stw_record out;
	size_t len;

	(void)state;
	assert_int_equal(stw_record_encode(&in, row, sizeof(row), &len), STW_OK);
	assert_int_equal(stw_record_decode(row, len, &out), STW_OK);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.early_s, 70);
	for (size_t i = 0; i < 2; i++) {
		const struct stw_binding *a = &in.b[i], *b = &out.b[i];

		assert_true(stw_str_equal(a->uri, b->uri));
		assert_true(stw_str_equal(a->params, b->params));
		assert_true(stw_str_equal(a->instance, b->instance));
		assert_true(stw_str_equal(a->path, b->path));
		assert_true(stw_str_equal(a->call_id, b->call_id));
		assert_true(stw_endpoint_equal(&a->source, &b->source));
		assert_true(stw_endpoint_equal(&a->listener, &b->listener));
		assert_int_equal(a->created_s, b->created_s);
		assert_int_equal(a->expires_s, b->expires_s);
		assert_int_equal(a->cseq, b->cseq);
		assert_int_equal(a->reg_id, b->reg_id);
		assert_int_equal(a->q, b->q);
		assert_int_equal(a->gone, b->gone);
	}
}

static void every_damaged_byte_is_noticed(void **state)
{
	const struct stw_record in = example();
	struct stw_record out;
	size_t len;

	(void)state;
	stw_record_encode(&in, row, sizeof(row), &len);
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			row[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(stw_record_decode(row, len, &out), STW_EDIGEST);
			row[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void every_cut_is_noticed_from_an_exact_copy(void **state)
{
	const struct stw_record in = example();
	struct stw_record out;
	size_t len;

	(void)state;
	stw_record_encode(&in, row, sizeof(row), &len);
	for (size_t n = 0; n < len; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, row, n);
		assert_int_not_equal(stw_record_decode(copy, n, &out), STW_OK);
		free(copy);
	}
}

static void what_does_not_fit_is_not_written(void **state)
{
	const struct stw_record in = example();
	size_t len, whole;

	(void)state;
	stw_record_encode(&in, row, sizeof(row), &whole);
	for (size_t room = 0; room < whole; room++)
		assert_int_equal(stw_record_encode(&in, row, room, &len), STW_ENOSPACE);
	assert_int_equal(stw_record_encode(&in, row, whole, &len), STW_OK);
}

static void expiry_takes_what_is_due_only(void **state)
{
	struct stw_record r = example();

	(void)state;
	assert_int_equal(stw_record_next_expiry(&r), 90);
	assert_int_equal(stw_record_n_live(&r), 1);
	assert_int_equal(stw_record_expire(&r, 89), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(stw_record_expire(&r, 90), 0); /* the gone one: nobody's loss */
	assert_int_equal(r.n, 1);
	assert_int_equal(stw_record_expire(&r, 4000000000u), 1);
	assert_int_equal(stw_record_next_expiry(&r), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_damaged_byte_is_noticed),
		cmocka_unit_test(every_cut_is_noticed_from_an_exact_copy),
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(expiry_takes_what_is_due_only),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
