/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define CPU	  "/sys/devices/system/cpu"

void stw_doctor_config(struct stw_doctor *d)
{
	struct stat st;

	if (stat(d->config_path, &st) < 0) {
		stw_doctor_sayf(
			d, STW_GRADE_BAD, "config",
			"write one; /usr/share/doc/strowger/examples has some to begin with",
			"%s: %s", d->config_path, strerror(errno));
		return;
	}
	if (!d->model)
		stw_doctor_sayf(d, STW_GRADE_BAD, "config",
				"strowgerctl check says what is wrong, with lines", "%s is refused",
				d->config_path);
	if (st.st_mode & S_IROTH)
		stw_doctor_sayf(d, STW_GRADE_BAD, "config", "it may hold keys: chmod o= that file",
				"%s can be read by everybody (mode %04o)", d->config_path,
				st.st_mode & 07777u);
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		stw_doctor_sayf(d, STW_GRADE_BAD, "config", "chmod go-w that file",
				"%s can be written by others than its owner (mode %04o)",
				d->config_path, st.st_mode & 07777u);
	if (d->model && !(st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)))
		stw_doctor_sayf(d, STW_GRADE_GOOD, "config", "", "%s is right", d->config_path);
}

/* ---- hugepages ---- */

static unsigned long number_in(const struct stw_doctor *d, const char *path)
{
	char text[64];

	return stw_doctor_read(d, path, text, sizeof(text)) ? strtoul(text, NULL, 10) : 0;
}

void stw_doctor_hugepages(struct stw_doctor *d)
{
	const unsigned long all = number_in(d, HUGEPAGES "/nr_hugepages");
	const unsigned long wanted = d->model ? d->model->dataplane.memory_mb / 2 : 128;
	char advice[STW_FINDING_TEXT];

	if (d->model && d->model->dataplane.hugepages == STW_HUGEPAGES_NO) {
		stw_doctor_say(d, STW_GRADE_ADVICE, "hugepages", "the configuration wants none",
			       "dataplane.hugepages: auto takes them when there are enough: fewer "
			       "TLB misses a message");
		return;
	}
	snprintf(advice, sizeof(advice),
		 "sysctl -w vm.nr_hugepages=%lu before the start of strowger-dataplane, and in "
		 "/etc/sysctl.d for the next boot",
		 wanted);
	if (all < wanted)
		stw_doctor_sayf(d,
				d->model && d->model->dataplane.hugepages == STW_HUGEPAGES_YES
					? STW_GRADE_BAD
					: STW_GRADE_ADVICE,
				"hugepages", advice,
				"%lu hugepages of 2 MiB are reserved, %lu wanted", all, wanted);
	else
		stw_doctor_sayf(d, STW_GRADE_GOOD, "hugepages", "",
				"%lu hugepages of 2 MiB, %lu of them free", all,
				number_in(d, HUGEPAGES "/free_hugepages"));
}

/* ---- cores ---- */

/* Is @cpu in a list such as "0-3,8"? */
static bool in_list(const char *list, unsigned cpu)
{
	while (*list) {
		char *end;
		const unsigned long first = strtoul(list, &end, 10);
		unsigned long last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end + strlen(end);
	}
	return false;
}

static unsigned interrupts_on(const struct stw_doctor *d, unsigned core)
{
	char path[512], list[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/irq", d->root);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/irq/%.32s/effective_affinity_list", e->d_name);
		if (e->d_name[0] != '.' && stw_doctor_read(d, path, list, sizeof(list)))
			n += in_list(list, core);
	}
	if (dir)
		closedir(dir);
	return n;
}

static void check_siblings(struct stw_doctor *d, unsigned core)
{
	char path[96], list[256];

	snprintf(path, sizeof(path), CPU "/cpu%u/topology/thread_siblings_list", core);
	if (!stw_doctor_read(d, path, list, sizeof(list)))
		return;
	for (size_t i = 0; i < d->model->dataplane.n_cores; i++) {
		const unsigned other = d->model->dataplane.cores[i];

		if (other > core && in_list(list, other))
			stw_doctor_sayf(d, STW_GRADE_ADVICE, "cores",
					"give each worker a physical core of its own in "
					"dataplane.cores",
					"cores %u and %u are threads of one physical core", core,
					other);
	}
}

static void check_governor(struct stw_doctor *d, unsigned core)
{
	char path[96], governor[64];

	snprintf(path, sizeof(path), CPU "/cpu%u/cpufreq/scaling_governor", core);
	if (stw_doctor_read(d, path, governor, sizeof(governor)) &&
	    strcmp(governor, "performance") != 0)
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "cores",
				"echo performance into its scaling_governor: a core that wakes "
				"slowly adds latency",
				"core %u has the frequency governor %s", core, governor);
}

static void check_core(struct stw_doctor *d, unsigned core, const char *online,
		       const char *isolated)
{
	const unsigned n = interrupts_on(d, core);

	if (!in_list(online, core)) {
		stw_doctor_sayf(d, STW_GRADE_BAD, "cores",
				"name CPUs that are there in dataplane.cores",
				"core %u is not there or offline (online: %s)", core, online);
		return;
	}
	if (!in_list(isolated, core))
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "cores",
				"isolcpus= and nohz_full= on the kernel's command line keep other "
				"programs off it",
				"core %u is shared with other programs: it is not isolated", core);
	if (n > 0)
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "cores",
				"write other CPUs into /proc/irq/*/smp_affinity_list, and stop "
				"irqbalance from undoing it",
				"core %u serves %u interrupts", core, n);
	check_siblings(d, core);
	check_governor(d, core);
}

void stw_doctor_cores(struct stw_doctor *d)
{
	char online[256] = "", isolated[256] = "";
	const size_t before = d->n;

	if (!d->model || !stw_doctor_read(d, CPU "/online", online, sizeof(online)))
		return;
	stw_doctor_read(d, CPU "/isolated", isolated, sizeof(isolated));
	if (strcmp(online, "0") == 0)
		stw_doctor_say(d, STW_GRADE_ADVICE, "cores", "this machine has one CPU",
			       "a worker and the rest of the system share it: two CPUs or more");
	for (size_t i = 0; i < d->model->dataplane.n_cores; i++)
		check_core(d, d->model->dataplane.cores[i], online, isolated);
	if (d->n == before)
		stw_doctor_sayf(d, STW_GRADE_GOOD, "cores", "",
				"%zu cores, isolated, without interrupts",
				d->model->dataplane.n_cores);
}

/* ---- clock ---- */

void stw_doctor_clock(struct stw_doctor *d)
{
	struct timex t = {0};
	char source[64] = "";
	const size_t before = d->n;

	stw_doctor_read(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
			source, sizeof(source));
	if (source[0] && strcmp(source, "tsc") != 0 && strcmp(source, "kvm-clock") != 0)
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "clock",
				"the kernel distrusts this CPU's counter; dmesg says why",
				"clock source %s is slow to read", source);
	if (adjtimex(&t) == TIME_ERROR)
		stw_doctor_say(d, STW_GRADE_ADVICE, "clock", "the clock is not synchronised",
			       "run chrony or systemd-timesyncd: logs and registrations of several "
			       "nodes are compared by time");
	if (d->n == before)
		stw_doctor_say(d, STW_GRADE_GOOD, "clock", "synchronised, quick to read", "");
}

/* ---- sysctls ---- */

void stw_doctor_sysctls(struct stw_doctor *d)
{
	char text[64];
	const size_t before = d->n;

	if (stw_doctor_read(d, "/proc/sys/net/core/bpf_jit_enable", text, sizeof(text)) &&
	    strcmp(text, "0") == 0)
		stw_doctor_say(d, STW_GRADE_ADVICE, "sysctls",
			       "net.core.bpf_jit_enable is 0: the XDP program is interpreted",
			       "sysctl -w net.core.bpf_jit_enable=1");
	if (stw_doctor_read(d, "/proc/sys/kernel/timer_migration", text, sizeof(text)) &&
	    strcmp(text, "1") == 0 && d->model && d->model->dataplane.idle_sleep_us == 0)
		stw_doctor_say(
			d, STW_GRADE_ADVICE, "sysctls",
			"kernel.timer_migration is 1: timers of others may come to the workers",
			"sysctl -w kernel.timer_migration=0");
	if (d->n == before)
		stw_doctor_say(d, STW_GRADE_GOOD, "sysctls", "nothing stands in the way", "");
}
