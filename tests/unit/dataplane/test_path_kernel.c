/* SPDX-License-Identifier: BSD-3-Clause */
/* What is not ours, and ports with and without a kernel side. */
#include "tests/unit/dataplane/path_rig.h"

static void frames_for_the_kernel_go_up_as_they_came(void **state)
{
	char text[] = "hello";
	struct rig_datagram d = from_caller(text, 5);
	size_t len;

	(void)state;
	d.dst.port = 53;
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d.dst = stw_farm_v4(192, 0, 2, 77, 5060);
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d = from_caller(text, 5);
	len = rig_frame(&d, frame);
	frame[14 + 9] = 6; /* TCP */
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	frame[12] = 0x08, frame[13] = 0x06; /* ARP */
	feed_turn(frame, 60);
	assert_kernel_got(frame, 60);

	d = from(stw_farm_v6(9, 5070), stw_farm_v6(1, 5060), text, 5);
	len = rig_frame(&d, frame);
	frame[14 + 6] = 0; /* hop-by-hop options */
	feed_turn(frame, len);
	assert_kernel_got(frame, len);

	d = from_caller(text, 5);
	d.dst_mac[5] ^= 1; /* another station's */
	len = rig_frame(&d, frame);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL), 6);
}

/* The way in of a shared port has no VLANs; an owned port's twin has. */
static void a_shared_port_s_tags_come_off_on_the_way_to_the_kernel(void **state)
{
	struct rig_datagram d = from_caller("hello", 5);
	size_t len, plain;

	(void)state;
	d.dst.port = 53;
	plain = rig_frame(&d, expected);
	d.vlan = 100;
	len = rig_frame(&d, frame);
	assert_int_equal(len, plain + 4);
	feed_turn(frame, len);
	assert_kernel_got(frame, len);
	rig.model_ports[0].n_vlans = 1;
	feed_turn(frame, len);
	assert_kernel_got(expected, plain);
	feed_turn(expected, plain);
	assert_kernel_got(expected, plain);
	rig.model_ports[0].n_vlans = 0;
}

static void frames_of_the_kernel_go_out_as_they_are(void **state)
{
	struct rte_mbuf *m = rig_buffer(&rig, 0);

	(void)state;
	memset(rte_pktmbuf_append(m, 60), 0x5a, 60);
	memset(frame, 0x5a, 60);
	assert_int_equal(rte_ring_enqueue(rig.from_kernel, m), 0);
	rig_turn(&rig, 0);
	assert_frame(rig_sent(&rig, 0), frame, 60);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL_RECEIVED), 1);
	assert_int_equal(rig_count(&rig, STW_C_KERNEL_SENT), 1);
	assert_int_equal(rig_count(&rig, STW_C_RECEIVED), 0);
}

static void port_without_a_kernel_drops_what_is_not_ours(void **state)
{
	struct rig_datagram d = from_caller("x", 1);

	(void)state;
	d.dst.port = 53;
	rig_feed(&rig, 1, 0, frame, rig_frame(&d, frame));
	rig_turn(&rig, 0);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_KERNEL), 1);
}

static void no_tables_drops_datagrams_and_keeps_the_rest(void **state)
{
	char text[2048];
	struct rig_datagram d = from_caller(text, sip_invite(text, sizeof(text), TO_US, 70, 1, 0));
	size_t len;

	(void)state;
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_DROP_NO_TABLES), 1);
	len = rig_frame(&d, frame);
	frame[14 + 9] = 6;
	feed_turn(frame, len);
	assert_kernel_got(frame, len);
	rig_publish_tables(&rig);
	send_in(&d);
	assert_int_equal(rig_count(&rig, STW_C_SENT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(frames_for_the_kernel_go_up_as_they_came),
		WITH(a_shared_port_s_tags_come_off_on_the_way_to_the_kernel),
		WITH(frames_of_the_kernel_go_out_as_they_are),
		WITH(port_without_a_kernel_drops_what_is_not_ours),
		WITHOUT(no_tables_drops_datagrams_and_keeps_the_rest),
	};

	return path_rig_run("dataplane-path-kernel", tests);
}
