/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake data plane as a program, for tests of control from outside.
 *
 *     fake-dataplane SOCKET
 *
 * Commands on standard input, one a line, each answered with "ok" once carried out: accept, refuse,
 * wait, answer, restart, hangup; count NUMBER (one new call to that member, answered 200, through
 * worker 0), open NUMBER and close NUMBER (an INVITE that waits for its final answer, and has it,
 * each through another worker), fail NUMBER (a hundred requests to it, half of them
 * answered 5xx), record good|bad NUMBER (an entry of the flight recorder). Ends at the end of its
 * input.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>
#include <strowger/tsc.h>

#include "dataplane/route/route.h"
#include "tests/unit/publish/fake_dataplane.h"

#define HEARTBEAT_MS 200

static void bump_worker(struct fake *f, enum stw_counter c)
{
	stw_counter_add(&stw_stats_worker(f->stats, 0)->c[c], 1);
}

/* The listener of the tests' configuration. */
static void count_at_listener(struct fake *f)
{
	const uint8_t us[4] = {192, 0, 2, 1};
	_Atomic uint64_t *row = stw_stats_listeners(f->stats, 0)->c[0];

	f->stats->listeners[0] = (struct stw_endpoint){.ip = stw_ip_from_v4(us), .port = 5060};
	atomic_store(&f->stats->n_listeners, 1);
	stw_counter_add(&row[STW_L_REQUESTS], 1);
	stw_counter_add(&row[STW_L_NEW_CALLS], 1);
}

static void count_call(struct fake *f, unsigned long number)
{
	count_at_listener(f);
	_Atomic uint64_t *row = stw_stats_members(f->stats, 0)->c[number % STW_MEMBER_NUMBERS];
	stw_counter_add(&row[STW_M_REQUESTS], 1);
	stw_counter_add(&row[STW_M_NEW_CALLS], 1);
	stw_counter_add(&row[STW_M_SUCCESS], 1);
	stw_counter_add(
		&stw_stats_members(f->stats, 0)->first_answer[number % STW_MEMBER_NUMBERS][10],
		1); /* between one and two milliseconds */
	stw_counter_add(
		&stw_stats_members(f->stats, 0)->first_answer_us[number % STW_MEMBER_NUMBERS],
		1500);
	bump_worker(f, STW_C_RECEIVED);
	bump_worker(f, STW_C_SENT);
	bump_worker(f, STW_C_NEW_CALLS);
}

/* A request and its answer may come in at different workers. */
static void open_invite(struct fake *f, unsigned long number, bool opens)
{
	const uint32_t worker = opens ? 0 : f->stats->n_workers - 1;
	_Atomic uint64_t *row = stw_stats_members(f->stats, worker)->c[number % STW_MEMBER_NUMBERS];
	stw_counter_add(&row[opens ? STW_M_INVITES : STW_M_INVITES_DONE], 1);
}

static void fail_request(struct fake *f, unsigned long number)
{
	_Atomic uint64_t *row = stw_stats_members(f->stats, 0)->c[number % STW_MEMBER_NUMBERS];
	stw_counter_add(&row[STW_M_REQUESTS], 100);
	stw_counter_add(&row[STW_M_FAILED], 50);
}

static const char good[] = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\n"
			   "Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK-%lu\r\n"
			   "From: <sip:alice@192.0.2.99>;tag=a\r\nTo: <sip:bob@192.0.2.1>\r\n"
			   "Call-ID: call-%lu@caller\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
			   "Content-Length: 0\r\n\r\n";
static const char bad[] = "OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK-%lu\r\n"
			  "Call-ID: bad-%lu@caller\r\nCSeq: o\033ne OPTIONS\r\n\r\n";

/* As a worker would: a call to k1, or a message that was rejected. */
static void record(struct fake *f, bool is_good, unsigned long number)
{
	const uint8_t caller[4] = {192, 0, 2, 99}, us[4] = {192, 0, 2, 1},
		      k1[4] = {198, 51, 100, 11};
	struct stw_flight head = {.tsc = stw_tsc_now(),
				  .from = {.ip = stw_ip_from_v4(caller), .port = 5060},
				  .to = {.ip = stw_ip_from_v4(us), .port = 5060},
				  .kind = STW_SIP_REQUEST};
	char text[512];
	int len = snprintf(text, sizeof(text), is_good ? good : bad, number, number);

	head.len = (uint32_t)len;
	if (is_good) {
		head.action = STW_ACTION_FORWARD;
		head.how = STW_HOW_HASH;
		head.next = (struct stw_endpoint){.ip = stw_ip_from_v4(k1), .port = 5060};
	} else {
		head.action = STW_ACTION_ANSWER;
		head.end = 400;
		head.reject = STW_REJECT_CSEQ;
		head.error_off = (uint16_t)(strstr(text, "CSeq: ") + 6 - text);
		stw_flight_put(stw_stats_error_records(f->stats, 0), &f->stats->record_shape,
			       f->stats->record_shape.n_errors, &head, text, (uint32_t)len);
	}
	stw_flight_put(stw_stats_records(f->stats, 0), &f->stats->record_shape,
		       f->stats->record_shape.n, &head, text, (uint32_t)len);
}

static void obey(struct fake *f, const char *line)
{
	if (strcmp(line, "accept") == 0)
		f->mode = FAKE_ACCEPTS;
	else if (strcmp(line, "refuse") == 0)
		f->mode = FAKE_REFUSES;
	else if (strcmp(line, "wait") == 0)
		f->mode = FAKE_WAITS;
	else if (strcmp(line, "answer") == 0)
		fake_answer(f, STW_OK, "");
	else if (strcmp(line, "restart") == 0)
		fake_restart(f);
	else if (strcmp(line, "hangup") == 0)
		fake_hang_up(f);
	else if (strncmp(line, "count ", 6) == 0)
		count_call(f, strtoul(line + 6, NULL, 10));
	else if (strncmp(line, "open ", 5) == 0)
		open_invite(f, strtoul(line + 5, NULL, 10), true);
	else if (strncmp(line, "close ", 6) == 0)
		open_invite(f, strtoul(line + 6, NULL, 10), false);
	else if (strncmp(line, "fail ", 5) == 0)
		fail_request(f, strtoul(line + 5, NULL, 10));
	else if (strncmp(line, "record good ", 12) == 0)
		record(f, true, strtoul(line + 12, NULL, 10));
	else if (strncmp(line, "record bad ", 11) == 0)
		record(f, false, strtoul(line + 11, NULL, 10));
	else
		return;
	puts("ok");
	fflush(stdout);
}

/* One read may bring several lines, or a part of one. @return false at the end of input */
static bool read_commands(struct fake *f)
{
	char line[64];
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	obey(f, line);
	return true;
}

int main(int argc, char **argv)
{
	struct fake f;
	if (argc != 2) {
		fprintf(stderr, "usage: fake-dataplane SOCKET\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0); /* or poll() would miss lines already read */
	fake_start(&f, argv[1], 1);
	puts("ready");
	fflush(stdout);
	for (bool open = true; open;) {
		struct pollfd fds[] = {{.fd = 0, .events = POLLIN},
				       {.fd = f.listen_fd, .events = POLLIN},
				       {.fd = f.fd, .events = POLLIN}};
		if (poll(fds, 3, HEARTBEAT_MS) < 0 && errno != EINTR)
			break;
		stw_counter_add(&f.stats->heartbeat, 1);
		if (fds[0].revents)
			open = read_commands(&f);
		while (fake_turn(&f))
			continue;
	}
	fake_stop(&f);
	return 0;
}
