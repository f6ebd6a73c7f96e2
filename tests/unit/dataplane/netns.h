/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A network namespace for the test itself and one for a peer, joined by a veth: "dp0" here, which
 * plays the twin, and "far0" over there. Both are gone with their processes. Needs root.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define FAR_MAC "02:00:00:00:0f:0f"

static pid_t netns_peer;

/** Run a shell command here. @return its exit code */
__attribute__((format(printf, 1, 2))) static inline int sh(const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	int status;
	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** Must succeed. */
#define must_sh(...) assert_int_equal(sh(__VA_ARGS__), 0)

/** Run a shell command in the peer's namespace; must succeed. */
static inline void far_sh(const char *command)
{
	int status = 0;
	const pid_t pid = fork();
	if (pid == 0) {
		char path[64];
		int fd;
		snprintf(path, sizeof(path), "/proc/%d/ns/net", netns_peer);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			_exit(126);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A process that holds the peer's namespace until it is killed, or this one dies. */
static inline pid_t netns_hold(void)
{
	int ends[2];
	char byte;
	pid_t pid;
	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		if (unshare(CLONE_NEWNET) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ends[0]);
	return pid;
}

/** True when this user may make network namespaces on this machine. */
static inline bool netns_possible(void)
{
	int status = 0;
	const pid_t pid = fork();
	if (pid == 0)
		_exit(geteuid() != 0 || unshare(CLONE_NEWNET) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/** Fresh namespaces. @return false on an error */
static inline bool netns_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	netns_peer = netns_hold();
	if (netns_peer < 0)
		return false;
	must_sh("ip link set lo up && ip link add dp0 type veth peer name far0 address " FAR_MAC
		" && ip link set far0 netns %d",
		netns_peer);
	far_sh("ip link set lo up && ip link set far0 up");
	return true;
}

static inline void netns_leave(void)
{
	if (netns_peer > 0) {
		kill(netns_peer, SIGKILL);
		waitpid(netns_peer, NULL, 0);
	}
	netns_peer = 0;
}

/** A cmocka tear-down for those who need no more. */
static inline int netns_tear_down(void **state)
{
	(void)state;
	netns_leave();
	return 0;
}

/** Fresh namespaces; "dp0" has an address of each family, and a network of each behind a gateway.
 * @return 0, or as a cmocka set-up */
static inline int netns_enter_routed(void)
{
	if (!netns_enter())
		return -1;
	return sh("ip link set dp0 up && ip addr add 192.0.2.1/24 dev dp0 &&"
		  " ip addr add 2001:db8::1/64 dev dp0 nodad &&"
		  " ip route add 203.0.113.0/24 via 192.0.2.254 &&"
		  " ip route add 2001:db8:77::/48 via 2001:db8::fe");
}
