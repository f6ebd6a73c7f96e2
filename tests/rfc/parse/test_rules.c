/* SPDX-License-Identifier: BSD-3-Clause */
/* What the RFCs say of a message's form, a rule a test. docs/parsing.md names these tests. */
#include "tests/rfc/parse/message.h"

static void rfc3261_s7_1_request_line_has_single_spaces(void **state)
{
	(void)state;
	assert_accepted(PLAIN);
	assert_rejected("OPTIONS  sip:bob@example.com SIP/2.0\r\n" HEADERS "\r\n", START_LINE,
			" sip:bob");
	assert_rejected("OPTIONS sip:bob@example.com  SIP/2.0\r\n" HEADERS "\r\n", START_LINE,
			" SIP/2.0\r\n");
	assert_rejected("OPTIONS sip:bob@example.com SIP/2.0 \r\n" HEADERS "\r\n", START_LINE,
			"SIP/2.0 ");
	assert_rejected("OPTIONS\tsip:bob@example.com SIP/2.0\r\n" HEADERS "\r\n", START_LINE,
			"\tsip");
	assert_rejected("OPTIONS sip:bob@example.com\r\n" HEADERS "\r\n", START_LINE, "\r\nVia");
}

static void rfc3261_s7_1_unknown_methods_are_requests(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text = "NEW.method!1 sip:bob@example.com SIP/2.0\r\n" VIA FROM TO CALL_ID
			   "CSeq: 1 NEW.method!1\r\n\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.kind, STW_SIP_REQUEST);
	assert_int_equal(m.method, STW_METHOD_OTHER);
	assert_span(text, m.method_name, "NEW.method!1");
	/* Case matters: this is another method. */
	text = "options sip:bob@example.com SIP/2.0\r\n" VIA FROM TO CALL_ID
	       "CSeq: 1 options\r\n\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.method, STW_METHOD_OTHER);
}

static void rfc3261_s7_1_version_is_2_0_in_any_case(void **state)
{
	(void)state;
	assert_accepted("OPTIONS sip:bob@example.com sip/2.0\r\n" HEADERS "\r\n");
	assert_rejected("OPTIONS sip:bob@example.com SIP/7.0\r\n" HEADERS "\r\n", VERSION,
			"SIP/7.0");
	assert_rejected("OPTIONS sip:bob@example.com SIP/2.1\r\n" HEADERS "\r\n", VERSION,
			"SIP/2.1");
	assert_rejected("OPTIONS sip:bob@example.com SIP/2\r\n" HEADERS "\r\n", START_LINE,
			"SIP/2\r\n");
	assert_int_equal(stw_sip_reject_rows[STW_REJECT_VERSION].status, 505);
}

static void rfc3261_s7_2_status_is_three_digits_100_to_699(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_text("SIP/2.0 183 Session Progress\r\n" HEADERS "\r\n", &m),
			 STW_SIP_ACCEPTED);
	assert_int_equal(m.kind, STW_SIP_RESPONSE);
	assert_int_equal(m.status, 183);
	assert_int_equal(m.method, STW_METHOD_OPTIONS);
	assert_rejected("SIP/2.0 4294967301 Better\r\n" HEADERS "\r\n", START_LINE, "4294");
	assert_rejected("SIP/2.0 099 Low\r\n" HEADERS "\r\n", START_LINE, "099");
	assert_rejected("SIP/2.0 700 High\r\n" HEADERS "\r\n", START_LINE, "700");
	assert_rejected("SIP/2.0 20 Short\r\n" HEADERS "\r\n", START_LINE, "20 Short");
	assert_rejected("SIP/2.0 2000 Long\r\n" HEADERS "\r\n", START_LINE, "2000");
}

static void rfc3261_s25_1_reason_phrase_is_text_or_empty(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text = "SIP/2.0 100 \r\n" HEADERS "\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.reason.len, 0);
	/* Some leave the space out. */
	assert_accepted("SIP/2.0 100\r\n" HEADERS "\r\n");
	text = "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n" HEADERS "\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_span(text, m.reason, "= 2**3 * 5**2 \xd0\xbd\xd0\xbe");
	assert_rejected("SIP/2.0 200 O\x01K\r\n" HEADERS "\r\n", START_LINE, "\x01");
}

static void rfc3261_s7_3_1_header_names_in_any_case_with_blanks_before_the_colon(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text = START_LINE "vIA \t : SIP/2.0/UDP 192.0.2.4\r\nFROM\t: <sip:a@b>\r\n"
				      "tO:<sip:b@c>\r\ncall-id  :  x\r\nCSEQ: 1 OPTIONS\r\n\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_span(text, m.value[STW_HDR_VIA], "SIP/2.0/UDP 192.0.2.4");
	assert_span(text, m.value[STW_HDR_TO], "<sip:b@c>");
	assert_span(text, m.value[STW_HDR_CALL_ID], "x");
}

static void rfc3261_s7_3_1_header_name_is_a_token_and_a_colon(void **state)
{
	(void)state;
	assert_accepted(START_LINE HEADERS "!odd-Name.%*_+`'~: x\r\n\r\n");
	assert_rejected(START_LINE HEADERS "Bad@Name: x\r\n\r\n", HEADER_NAME, "@Name");
	assert_rejected(START_LINE HEADERS "Bad Name: x\r\n\r\n", HEADER_NAME, "Name: x");
	assert_rejected(START_LINE HEADERS ": x\r\n\r\n", HEADER_NAME, ": x");
	assert_rejected(START_LINE HEADERS "Foobar roobar\r\n\r\n", HEADER_NAME, "roobar");
	assert_rejected(START_LINE HEADERS "NoColon\r\n\r\n", HEADER_NAME, "\r\n\r\n");
	assert_rejected(START_LINE HEADERS "Na\xc3\xafve: x\r\n\r\n", HEADER_NAME, "\xc3");
	assert_rejected(START_LINE " folded: from nothing\r\n" HEADERS "\r\n", HEADER_NAME,
			" folded");
}

static void rfc3261_s7_3_1_folded_lines_are_one_value(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text = START_LINE "Via: SIP / 2.0\r\n /UDP\r\n\t192.0.2.2;branch=390skdjuw\r\n"
				      "From:\r\n <sip:a@b>\r\n ;tag=1\r\n" TO CALL_ID
				      "CSeq: 0009\r\n  OPTIONS\r\n\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_span(text, m.value[STW_HDR_VIA],
		    "SIP / 2.0\r\n /UDP\r\n\t192.0.2.2;branch=390skdjuw");
	assert_span(text, m.value[STW_HDR_FROM], "<sip:a@b>\r\n ;tag=1");
	assert_int_equal(m.cseq, 9);
	assert_int_equal(text[m.line_end[STW_HDR_VIA]], 'F');
}

static void rfc3261_s7_3_1_lists_split_over_lines_keep_the_first(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text =
		START_LINE VIA "Via: SIP/2.0/TCP a, SIP/2.0/UDP b\r\n" FROM TO CALL_ID CSEQ "\r\n";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.repeated, 1u << STW_HDR_VIA);
	assert_span(text, m.value[STW_HDR_VIA], "SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK776");
}

static void rfc3261_s7_3_1_single_headers_that_differ_are_refused(void **state)
{
	(void)state;
	assert_rejected(START_LINE HEADERS "i: other\r\n\r\n", DUPLICATE, "i: other");
	assert_rejected(START_LINE HEADERS "f: <sip:x@y>\r\n\r\n", DUPLICATE, "f: <sip:x");
	assert_rejected(START_LINE HEADERS "t: <sip:x@y>\r\n\r\n", DUPLICATE, "t: <sip:x");
	assert_rejected(START_LINE HEADERS "CSeq: 9 OPTIONS\r\n\r\n", DUPLICATE, "CSeq: 9");
	assert_rejected(START_LINE HEADERS "l: 0\r\nContent-Length: 1\r\n\r\nx", DUPLICATE,
			"Content-Length: 1");
	assert_rejected(START_LINE HEADERS "Max-Forwards: 3\r\nMax-Forwards: 4\r\n\r\n", DUPLICATE,
			"Max-Forwards: 4");
}

static void rfc3261_s7_3_1_the_same_twice_passes_but_not_max_forwards(void **state)
{
	(void)state;
	assert_accepted(START_LINE HEADERS "i: a84b4c76e66710\r\nl: 0\r\nL:0\r\n\r\n");
	assert_rejected(START_LINE HEADERS "Max-Forwards: 3\r\nMax-Forwards: 3\r\n\r\n", DUPLICATE,
			"Max-Forwards: 3\r\n\r\n");
}

static void rfc3261_s7_3_3_compact_names(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	const char *text = START_LINE "v: SIP/2.0/UDP 192.0.2.4\r\nf: <sip:a@b>\r\nt: <sip:b@c>\r\n"
				      "i: x\r\nCSeq: 1 OPTIONS\r\nm: <sip:a@c>\r\nL: 2\r\n\r\nhi";
	assert_int_equal(parse_text(text, &m), STW_SIP_ACCEPTED);
	assert_span(text, m.value[STW_HDR_CONTACT], "<sip:a@c>");
	assert_int_equal(m.content_length, 2);
}

static void rfc3261_s7_5_line_ends_before_the_start_line_are_ignored(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_text("\r\n\r\n" PLAIN, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.method, STW_METHOD_OPTIONS);
	assert_int_equal(m.method_name.off, 4);
}

static void rfc3261_s7_lines_end_in_cr_lf(void **state)
{
	(void)state;
	assert_rejected("OPTIONS sip:bob@example.com SIP/2.0\n" HEADERS "\r\n", STRAY_BYTE,
			"\nVia");
	assert_rejected(START_LINE HEADERS "Subject: x\n\r\n", STRAY_BYTE, "\n\r\n");
	assert_rejected(START_LINE HEADERS "Subject: x\n y\r\n\r\n", STRAY_BYTE, "\n y");
	assert_rejected(START_LINE HEADERS "Subject: x\ry\r\n\r\n", STRAY_BYTE, "\ry");
}

static void rfc3261_s25_1_zero_stands_in_quoted_pairs_only(void **state)
{
	static const char quoted[] =
		START_LINE VIA FROM "To: \"a\\\0b\" <sip:b@c>\r\n" CALL_ID CSEQ "\r\n";
	static const char loose[] = START_LINE HEADERS "Subject: a\0b\r\n\r\n";
	static const char even[] = START_LINE HEADERS "Subject: a\\\\\0b\r\n\r\n";
	struct stw_sip_msg m;
	(void)state;

	assert_int_equal(parse_bytes(quoted, sizeof(quoted) - 1, &m), STW_SIP_ACCEPTED);
	assert_int_equal(parse_bytes(loose, sizeof(loose) - 1, &m), STW_REJECT_STRAY_BYTE);
	assert_int_equal(loose[m.error_off], '\0');
	assert_int_equal(parse_bytes(even, sizeof(even) - 1, &m), STW_REJECT_STRAY_BYTE);
}

static void rfc3261_s25_1_a_line_with_a_stray_byte_is_not_copied(void **state)
{
	static const char text[] =
		START_LINE VIA FROM "To: <sip:b@c>\rEvil: x\r\n" CALL_ID CSEQ "\r\n";
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_bytes(text, sizeof(text) - 1, &m), STW_REJECT_STRAY_BYTE);
	assert_false(stw_sip_has(&m, STW_HDR_TO));
	assert_true(stw_sip_has(&m, STW_HDR_VIA));
}

static void rfc3261_s7_header_block_ends_in_an_empty_line(void **state)
{
	(void)state;
	assert_rejected(START_LINE HEADERS, HEADERS_UNFINISHED, NULL);
	assert_rejected(START_LINE HEADERS "\r", HEADERS_UNFINISHED, NULL);
	assert_rejected(START_LINE HEADERS "Subject: cut", HEADERS_UNFINISHED, NULL);
}

static void rfc3261_s8_1_1_mandatory_headers(void **state)
{
	(void)state;
	assert_rejected(START_LINE FROM TO CALL_ID CSEQ "\r\n", VIA_MISSING, "From");
	assert_rejected(START_LINE VIA FROM TO CSEQ "\r\n", CALL_ID_MISSING, "Via");
	assert_rejected(START_LINE VIA TO CALL_ID CSEQ "\r\n", FROM_MISSING, "Via");
	assert_rejected(START_LINE VIA FROM CALL_ID CSEQ "\r\n", TO_MISSING, "Via");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "\r\n", CSEQ_MISSING, "Via");
}

static void rfc3261_s8_1_1_5_cseq_is_31_bits_and_the_methods_agree(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_text(START_LINE VIA FROM TO CALL_ID
				    "CSeq: 2147483647 OPTIONS\r\n\r\n",
				    &m),
			 STW_SIP_ACCEPTED);
	assert_int_equal(m.cseq, 2147483647);
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: 2147483648 OPTIONS\r\n\r\n", CSEQ,
			"2147483648");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: 36893488147419103232 OPTIONS\r\n\r\n",
			CSEQ, "3689");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: 1OPTIONS\r\n\r\n", CSEQ, "1OPT");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: OPTIONS\r\n\r\n", CSEQ,
			"OPTIONS\r\n\r");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n\r\n", CSEQ_METHOD,
			"INVITE");
	assert_rejected(START_LINE VIA FROM TO CALL_ID "CSeq: 1 options\r\n\r\n", CSEQ_METHOD,
			"options");
}

static void rfc3261_s18_3_body_is_cut_to_content_length(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_text(START_LINE HEADERS "l: 2\r\n\r\nhi there", &m),
			 STW_SIP_ACCEPTED);
	assert_int_equal(m.len, strlen(START_LINE HEADERS "l: 2\r\n\r\nhi"));
	assert_int_equal(parse_text(PLAIN "all of it", &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.len, strlen(PLAIN "all of it"));
	assert_int_equal(m.content_length, -1);
}

static void rfc3261_s18_3_body_short_of_content_length_is_refused(void **state)
{
	(void)state;
	assert_rejected(START_LINE HEADERS "l: 3\r\n\r\nhi", BODY_SHORT, "3\r\n\r\nhi");
}

static void rfc3261_s20_14_content_length_is_a_number(void **state)
{
	(void)state;
	assert_rejected(START_LINE HEADERS "l: -1\r\n\r\n", CONTENT_LENGTH, "-1");
	assert_rejected(START_LINE HEADERS "l: 4294967296\r\n\r\n", CONTENT_LENGTH, "4294967296");
	assert_rejected(START_LINE HEADERS "l: 18446744073709551616\r\n\r\n", CONTENT_LENGTH,
			"1844");
	assert_rejected(START_LINE HEADERS "l: 0x0\r\n\r\n", CONTENT_LENGTH, "0x0");
	assert_rejected(START_LINE HEADERS "l: 0 0\r\n\r\n", CONTENT_LENGTH, "0 0");
	assert_rejected(START_LINE HEADERS "l:\r\n\r\n", CONTENT_LENGTH, "\r\n\r\n");
	assert_accepted(START_LINE HEADERS "l: 0000000000000000000000000\r\n\r\n");
}

static void rfc3261_s20_22_max_forwards_is_0_to_255(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_text(START_LINE HEADERS "Max-Forwards: 0068\r\n\r\n", &m),
			 STW_SIP_ACCEPTED);
	assert_int_equal(m.max_forwards, 68);
	assert_int_equal(parse_text(PLAIN, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.max_forwards, -1);
	assert_rejected(START_LINE HEADERS "Max-Forwards: 256\r\n\r\n", MAX_FORWARDS, "256");
	assert_rejected(START_LINE HEADERS "Max-Forwards: x\r\n\r\n", MAX_FORWARDS, "x\r\n\r\n");
	/* Of a response it means nothing. */
	assert_accepted("SIP/2.0 200 OK\r\n" HEADERS "Max-Forwards: x\r\n\r\n");
}

static void rfc3261_s19_1_1_request_uri(void **state)
{
	(void)state;
	assert_accepted("OPTIONS sip:a;b=c?d@[2001:db8::1]:5070;x;lr=on SIP/2.0\r\n" HEADERS
			"\r\n");
	assert_accepted("OPTIONS sip:%61@x SIP/2.0\r\n" HEADERS "\r\n");
	assert_accepted("OPTIONS tel:+358-555-1234567;ext=3 SIP/2.0\r\n" HEADERS "\r\n");
	assert_accepted("OPTIONS urn:service:sos SIP/2.0\r\n" HEADERS "\r\n");
	/* A scheme we do not know is route's affair (416), not ours. */
	assert_accepted("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" HEADERS "\r\n");
	assert_rejected("OPTIONS <sip:a@b> SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI, "<sip:a@b>");
	assert_rejected("OPTIONS sip:2001:db8::10 SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI,
			"sip:2001");
	assert_rejected("OPTIONS sip:a@b?Route=c SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI,
			"Route=c");
	assert_rejected("OPTIONS sip:a@b:65536 SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI, "sip:a@b");
	assert_rejected("OPTIONS sip:a%zz@b SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI, "sip:a%");
	assert_rejected("OPTIONS sip: SIP/2.0\r\n" HEADERS "\r\n", REQUEST_URI, "sip: ");
}

static void rfc3261_s20_42_top_via_is_well_formed(void **state)
{
	(void)state;
	assert_rejected(START_LINE "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL_ID CSEQ
				   "\r\n",
			VIA, "SIP/2.0/UDP 192");
	assert_rejected(START_LINE "Via: SIP/2.0 192.0.2.15\r\n" FROM TO CALL_ID CSEQ "\r\n", VIA,
			"SIP/2.0 192");
	assert_rejected(START_LINE "Via: SIP/2.0/UDP a;branch=x;branch=y\r\n" FROM TO CALL_ID CSEQ
				   "\r\n",
			VIA, "SIP/2.0/UDP a");
	assert_rejected(START_LINE "Via: SIP/2.0/UDP a,\r\n" FROM TO CALL_ID CSEQ "\r\n", VIA,
			"SIP/2.0/UDP a");
	assert_rejected(START_LINE
			"Via: SIP/2.0/UDP a;rport;branch=x;rPort\r\n" FROM TO CALL_ID CSEQ "\r\n",
			VIA, "SIP/2.0/UDP a");
	assert_rejected(START_LINE "Via: SIP/2.0/UDP a;branch=x;rEceived\r\n" FROM TO CALL_ID CSEQ
				   "\r\n",
			VIA, "SIP/2.0/UDP a");
	/* The others are none of a proxy's business (s16.3). */
	assert_accepted(START_LINE "Via: SIP/2.0/UDP a, ;;;\r\nVia: ,,\r\n" FROM TO CALL_ID CSEQ
				   "\r\n");
}

static void rfc3261_s20_8_call_id_is_words(void **state)
{
	(void)state;
	assert_accepted(START_LINE VIA FROM TO CSEQ "i: f(x)<y>:\\\"/[z]?{}@w\r\n\r\n");
	assert_rejected(START_LINE VIA FROM TO CSEQ "i: a b\r\n\r\n", CALL_ID, "a b");
	assert_rejected(START_LINE VIA FROM TO CSEQ "i: a;b\r\n\r\n", CALL_ID, "a;b");
	assert_rejected(START_LINE VIA FROM TO CSEQ "i:\r\n\r\n", CALL_ID, "\r\n\r\n");
}

static void rfc3261_s20_10_from_and_to_are_addresses(void **state)
{
	(void)state;
	assert_accepted(START_LINE VIA FROM CALL_ID CSEQ "t: Bell A. <sip:a@b>;tag=1\r\n\r\n");
	assert_accepted(START_LINE VIA FROM CALL_ID CSEQ "t: sip:a@b;tag=1\r\n\r\n");
	assert_accepted(START_LINE VIA FROM CALL_ID CSEQ "t: <isbn:2983792873>\r\n\r\n");
	assert_rejected(START_LINE VIA FROM CALL_ID CSEQ "t: \"Mr. J. User <sip:a@b>\r\n\r\n", TO,
			"\"Mr.");
	assert_rejected(START_LINE VIA FROM CALL_ID CSEQ "t: Bell, A <sip:a@b>\r\n\r\n", TO,
			"Bell,");
	assert_rejected(START_LINE VIA FROM CALL_ID CSEQ "t: < sip:a@b >\r\n\r\n", TO, "< sip");
	assert_rejected(START_LINE VIA FROM CALL_ID CSEQ "t: <sip:a@b>, <sip:c@d>\r\n\r\n", TO,
			"<sip:a@b>, ");
	assert_rejected(START_LINE VIA TO CALL_ID CSEQ "f: alice\r\n\r\n", FROM, "alice\r\n\r\n");
}

static void rfc3261_s20_34_first_route_is_a_name_addr(void **state)
{
	(void)state;
	assert_accepted(START_LINE HEADERS "Route: <sip:a;lr>, nonsense\r\n\r\n");
	assert_rejected(START_LINE HEADERS "Route: sip:a;lr\r\n\r\n", ROUTE, "sip:a;lr");
	assert_rejected(START_LINE HEADERS "Route: <sip:a:x>\r\n\r\n", ROUTE, "<sip:a:x>");
	assert_accepted("SIP/2.0 200 OK\r\n" HEADERS "Route: nonsense\r\n\r\n");
}

static void rfc3261_s16_3_what_a_proxy_need_not_understand_passes(void **state)
{
	(void)state;
	assert_accepted(START_LINE HEADERS "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n"
					   "Contact: sip:a@b?Route=x, ;;,\r\nExpires: 10^100\r\n"
					   "Record-Route: ;;,,\r\nWarning: 1812 x \"\r\n"
					   "Bell: \x07 \x7f \xff\r\nEmpty:\r\n\r\n");
}

static void rfc5626_s3_5_1_keepalives(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	static const char *const texts[] = {"", "\r\n", "\r\n\r\n", "\n"};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(parse_text(texts[i], &m), STW_SIP_ACCEPTED);
		assert_int_equal(m.kind, STW_SIP_KEEPALIVE);
	}
}

static void rfc5626_s3_5_2_stun(void **state)
{
	static const char stun[20] = "\x00\x01\x00\x00\x21\x12\xa4\x42";
	struct stw_sip_msg m;
	(void)state;
	assert_int_equal(parse_bytes(stun, sizeof(stun), &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.kind, STW_SIP_STUN);
	assert_int_equal(m.len, sizeof(stun));
	assert_int_equal(parse_bytes(stun, sizeof(stun) - 1, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.kind, STW_SIP_NEITHER);
}

static void what_is_no_sip_is_neither(void **state)
{
	struct stw_sip_msg m;
	(void)state;
	static const char *const texts[] = {"x",
					    "GET / HTTP/1.1\r\n\r\n",
					    "INVITE",
					    "INVITE\r\n\r\n",
					    "hello world\r\n\r\n",
					    "\xff\xfe\r\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse_text(texts[i], &m), STW_SIP_ACCEPTED);
		assert_int_equal(m.kind, STW_SIP_NEITHER);
	}
}

static void rfc3261_s21_5_7_more_than_65535_bytes_are_refused(void **state)
{
	static char text[70000];
	struct stw_sip_msg m;
	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, PLAIN, strlen(PLAIN));
	assert_int_equal(parse_bytes(text, 65535, &m), STW_SIP_ACCEPTED);
	assert_int_equal(m.len, 65535);
	assert_int_equal(parse_bytes(text, 65536, &m), STW_REJECT_TOO_LARGE);
	assert_int_equal(stw_sip_reject_rows[STW_REJECT_TOO_LARGE].status, 513);
	assert_span(text, m.value[STW_HDR_CALL_ID], "a84b4c76e66710");
}

static size_t many(char *out, const char *line, unsigned n)
{
	char *p = out + sprintf(out, "%s", START_LINE HEADERS);
	for (unsigned i = 0; i < n; i++)
		p += sprintf(p, "%s", line);
	return (size_t)(p + sprintf(p, "\r\n") - out);
}

static void rfc3261_s21_5_7_header_and_via_counts_are_limited(void **state)
{
	static char text[65536];
	struct stw_sip_msg m;
	(void)state;
	size_t len = many(text, "A: b\r\n", STW_SIP_HEADERS_DEFAULT - 5);
	assert_int_equal(parse_bytes(text, len, &m), STW_SIP_ACCEPTED);
	len = many(text, "A: b\r\n", STW_SIP_HEADERS_DEFAULT - 4);
	assert_int_equal(parse_bytes(text, len, &m), STW_REJECT_TOO_MANY_HEADERS);
	assert_span(text, m.value[STW_HDR_CALL_ID], "a84b4c76e66710");

	len = many(text, "v: SIP/2.0/UDP a\r\n", STW_SIP_VIAS_DEFAULT - 1);
	assert_int_equal(parse_bytes(text, len, &m), STW_SIP_ACCEPTED);
	len = many(text, "v: SIP/2.0/UDP a\r\n", STW_SIP_VIAS_DEFAULT);
	assert_int_equal(parse_bytes(text, len, &m), STW_REJECT_TOO_MANY_VIAS);
	len = many(text, "v: SIP/2.0/UDP a , SIP/2.0/UDP b;x=\",\"\r\n", STW_SIP_VIAS_DEFAULT / 2);
	assert_int_equal(parse_bytes(text, len, &m), STW_REJECT_TOO_MANY_VIAS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3261_s7_1_request_line_has_single_spaces),
		cmocka_unit_test(rfc3261_s7_1_unknown_methods_are_requests),
		cmocka_unit_test(rfc3261_s7_1_version_is_2_0_in_any_case),
		cmocka_unit_test(rfc3261_s7_2_status_is_three_digits_100_to_699),
		cmocka_unit_test(rfc3261_s25_1_reason_phrase_is_text_or_empty),
		cmocka_unit_test(
			rfc3261_s7_3_1_header_names_in_any_case_with_blanks_before_the_colon),
		cmocka_unit_test(rfc3261_s7_3_1_header_name_is_a_token_and_a_colon),
		cmocka_unit_test(rfc3261_s7_3_1_folded_lines_are_one_value),
		cmocka_unit_test(rfc3261_s7_3_1_lists_split_over_lines_keep_the_first),
		cmocka_unit_test(rfc3261_s7_3_1_single_headers_that_differ_are_refused),
		cmocka_unit_test(rfc3261_s7_3_1_the_same_twice_passes_but_not_max_forwards),
		cmocka_unit_test(rfc3261_s7_3_3_compact_names),
		cmocka_unit_test(rfc3261_s7_5_line_ends_before_the_start_line_are_ignored),
		cmocka_unit_test(rfc3261_s7_lines_end_in_cr_lf),
		cmocka_unit_test(rfc3261_s25_1_zero_stands_in_quoted_pairs_only),
		cmocka_unit_test(rfc3261_s25_1_a_line_with_a_stray_byte_is_not_copied),
		cmocka_unit_test(rfc3261_s7_header_block_ends_in_an_empty_line),
		cmocka_unit_test(rfc3261_s8_1_1_mandatory_headers),
		cmocka_unit_test(rfc3261_s8_1_1_5_cseq_is_31_bits_and_the_methods_agree),
		cmocka_unit_test(rfc3261_s18_3_body_is_cut_to_content_length),
		cmocka_unit_test(rfc3261_s18_3_body_short_of_content_length_is_refused),
		cmocka_unit_test(rfc3261_s20_14_content_length_is_a_number),
		cmocka_unit_test(rfc3261_s20_22_max_forwards_is_0_to_255),
		cmocka_unit_test(rfc3261_s19_1_1_request_uri),
		cmocka_unit_test(rfc3261_s20_42_top_via_is_well_formed),
		cmocka_unit_test(rfc3261_s20_8_call_id_is_words),
		cmocka_unit_test(rfc3261_s20_10_from_and_to_are_addresses),
		cmocka_unit_test(rfc3261_s20_34_first_route_is_a_name_addr),
		cmocka_unit_test(rfc3261_s16_3_what_a_proxy_need_not_understand_passes),
		cmocka_unit_test(rfc5626_s3_5_1_keepalives),
		cmocka_unit_test(rfc5626_s3_5_2_stun),
		cmocka_unit_test(what_is_no_sip_is_neither),
		cmocka_unit_test(rfc3261_s21_5_7_more_than_65535_bytes_are_refused),
		cmocka_unit_test(rfc3261_s21_5_7_header_and_via_counts_are_limited),
	};
	return cmocka_run_group_tests_name("sip-rules", tests, NULL, NULL);
}
