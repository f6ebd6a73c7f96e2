/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/values.h"

static void rfc3261_s20_42_all_parts(void **state)
{
	struct stw_span v;
	struct stw_sip_via via;
	(void)state;
	char *buf = value_of("SIP/2.0/TLS pc.example.com:5062;branch=z9hG4bK1;ttl=7"
			     ";maddr=224.0.1.75;received=192.0.2.9;rport=5090;x=\"a,b\"",
			     &v);
	assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_OK);
	assert_int_equal(via.all.len, v.len);
	assert_part(buf, via.protocol, "SIP/2.0/TLS");
	assert_part(buf, via.host, "pc.example.com");
	assert_int_equal(via.port, 5062);
	assert_int_equal(via.transport, STW_TRANSPORT_TLS);
	assert_part(buf, via.branch, "z9hG4bK1");
	assert_part(buf, via.maddr, "224.0.1.75");
	assert_part(buf, via.received, "192.0.2.9");
	assert_part(buf, via.received_param, ";received=192.0.2.9");
	assert_part(buf, via.rport, "5090");
	assert_part(buf, via.rport_param, ";rport=5090");
	assert_int_equal(via.rport_value, 5090);
	assert_false(via.more);
	free(buf);
}

static void rfc3581_s3_rport_without_value(void **state)
{
	struct stw_span v;
	struct stw_sip_via via;
	(void)state;
	char *buf = value_of("SIP/2.0/UDP 10.1.1.1 ; RPort ; branch=z", &v);
	assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_OK);
	assert_part(buf, via.rport_param, "; RPort");
	assert_int_equal(via.rport.len, 0);
	assert_int_equal(via.rport.off, stw_span_end(via.rport_param));
	assert_int_equal(via.rport_value, 0);
	free(buf);
}

static void rfc5118_s4_5_received_with_and_without_brackets(void **state)
{
	static const char *const texts[] = {
		"SIP/2.0/UDP [2001:db8::9]:6050;received=[2001:db8::255]",
		"SIP/2.0/UDP [2001:db8::9]:6050;received=2001:db8::255"};
	struct stw_span v;
	struct stw_sip_via via;
	(void)state;
	for (int i = 0; i < 2; i++) {
		char *buf = value_of(texts[i], &v);
		assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_OK);
		assert_part(buf, via.host, "[2001:db8::9]");
		assert_int_equal(via.port, 6050);
		assert_part(buf, via.received, "2001:db8::255");
		free(buf);
	}
}

static void rfc3261_s7_3_1_list_on_one_line(void **state)
{
	struct stw_span v;
	struct stw_sip_via via;
	(void)state;
	char *buf = value_of("SIP / 2.0 / UDP a ; q=\"x,y\" ,\r\n SIP/2.0/TCP b", &v);
	assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_OK);
	assert_part(buf, via.protocol, "SIP / 2.0 / UDP");
	assert_part(buf, via.all, "SIP / 2.0 / UDP a ; q=\"x,y\"");
	assert_true(via.more);
	struct stw_span rest = {via.next, (uint16_t)(v.len - via.next)};
	assert_int_equal(stw_sip_via_parse(buf, rest, &via), STW_OK);
	assert_part(buf, via.all, "SIP/2.0/TCP b");
	assert_false(via.more);
	free(buf);
}

static void malformed_ones_leave_the_result_alone(void **state)
{
	static const char *const bad[] = {
		"",
		"SIP",
		"SIP/2.0",
		"SIP/2.0/UDP",
		"SIP/2.0/UDP ",
		"SIP/2.0/UDP;branch=x",
		"SIP/2.0 /UDPhost",
		"SIP/2.0/UDP host:",
		"SIP/2.0/UDP host:0",
		"SIP/2.0/UDP host:65536",
		"SIP/2.0/UDP host:5060x",
		"SIP/2.0/UDP [::1",
		"SIP/2.0/UDP []",
		"SIP/2.0/UDP [::g]",
		"SIP/2.0/UDP h;",
		"SIP/2.0/UDP h;;branch=x",
		"SIP/2.0/UDP h;branch=",
		"SIP/2.0/UDP h;branch",
		"SIP/2.0/UDP h;branch=a;Branch=a",
		"SIP/2.0/UDP h;rport;rport=1",
		"SIP/2.0/UDP h;rport=0",
		"SIP/2.0/UDP h;rport=x",
		"SIP/2.0/UDP h;rport=65536",
		"SIP/2.0/UDP h;received",
		"SIP/2.0/UDP h;received=[",
		"SIP/2.0/UDP h;maddr=[::1",
		"SIP/2.0/UDP h;x=\"open",
		"SIP/2.0/UDP h branch=x",
		"SIP/2.0/UDP h,",
		"SIP/2.0/UDP h , ",
		"SIP/2.0/UDP h;x=y=z",
		"SIP//UDP h",
		"SIP/2.0/UDP h\x01",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stw_span v;
		struct stw_sip_via via, before;
		char *buf = value_of(bad[i], &v);
		memset(&via, 0x77, sizeof(via));
		before = via;
		assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_EMALFORMED);
		assert_memory_equal(&via, &before, sizeof(via));
		free(buf);
	}
}

static void transports_by_name_in_any_case(void **state)
{
	static const struct {
		const char *text;
		uint8_t transport;
	} rows[] = {{"udp", STW_TRANSPORT_UDP},	  {"TCP", STW_TRANSPORT_TCP},
		    {"Tls", STW_TRANSPORT_TLS},	  {"WS", STW_TRANSPORT_WS},
		    {"wss", STW_TRANSPORT_WSS},	  {"SCTP", STW_TRANSPORT_SCTP},
		    {"UDPX", STW_TRANSPORT_OTHER}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		struct stw_span v;
		struct stw_sip_via via;
		snprintf(text, sizeof(text), "SIP/2.0/%s h", rows[i].text);
		char *buf = value_of(text, &v);
		assert_int_equal(stw_sip_via_parse(buf, v, &via), STW_OK);
		assert_int_equal(via.transport, rows[i].transport);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s20_42_all_parts),
		cmocka_unit_test(rfc3581_s3_rport_without_value),
		cmocka_unit_test(rfc5118_s4_5_received_with_and_without_brackets),
		cmocka_unit_test(rfc3261_s7_3_1_list_on_one_line),
		cmocka_unit_test(malformed_ones_leave_the_result_alone),
		cmocka_unit_test(transports_by_name_in_any_case),
	};
	return cmocka_run_group_tests_name("sip-via", tests, NULL, NULL);
}
