/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks, over a machine made of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config/config.h"
#include "control/doctor/doctor.h"

#define CONFIG                                                                               \
	"dataplane: {cores: [1, 2], memory_mb: 256}\n"                                       \
	"ports: [{name: lan, device: net_null0, kernel: none, addresses: [192.0.2.1/24]}]\n" \
	"listeners: [{name: edge, address: 192.0.2.1, pool: farm}]\n"                        \
	"pools: [{name: farm, members: [{name: k1, address: 192.0.2.11}]}]\n"

struct machine {
	char root[64];
	char config[96];
	struct stw_doctor d;
	struct stw_model *model;
	json_t *answers; /* what d borrows */
};

static void write_file(const struct machine *m, const char *path, const char *text)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", m->root, path);
	for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	FILE *f = fopen(whole, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void ignore(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

static int set_up(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	strcpy(m->root, "/tmp/stw-doctor-XXXXXX");
	assert_non_null(mkdtemp(m->root));
	snprintf(m->config, sizeof(m->config), "%s/strowger.yaml", m->root);
	write_file(m, "/strowger.yaml", CONFIG);
	assert_int_equal(chmod(m->config, 0640), 0);
	assert_int_equal(stw_config_read(m->config, ignore, NULL, &m->model), 0);
	m->d = (struct stw_doctor){.root = m->root, .config_path = m->config, .model = m->model};
	/* A machine with nothing wrong. */
	write_file(m, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	write_file(m, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	write_file(m, "/sys/devices/system/cpu/online", "0-3\n");
	write_file(m, "/sys/devices/system/cpu/isolated", "1-2\n");
	write_file(m, "/proc/sys/net/core/bpf_jit_enable", "1\n");
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct machine *m = *state;
	char command[128];

	stw_doctor_fini(&m->d);
	stw_model_free(m->model);
	json_decref(m->answers);
	snprintf(command, sizeof(command), "rm -rf %s", m->root);
	assert_int_equal(system(command), 0);
	free(m);
	return 0;
}

/* The grade of the finding whose text has @words, -1 without one. */
static int found(const struct machine *m, const char *check, const char *words)
{
	for (size_t i = 0; i < m->d.n; i++) {
		const struct stw_finding *f = &m->d.findings[i];

		if (strcmp(f->check, check) == 0 && strstr(f->what, words)) {
			assert_true((f->grade == STW_GRADE_GOOD) == (f->advice[0] == '\0'));
			return (int)f->grade;
		}
	}
	return -1;
}

static void a_good_machine_is_good(void **state)
{
	struct machine *m = *state;

	stw_doctor_config(&m->d);
	stw_doctor_hugepages(&m->d);
	stw_doctor_cores(&m->d);
	stw_doctor_sysctls(&m->d);
	stw_doctor_ports(&m->d);
	stw_doctor_members(&m->d);
	assert_int_equal(stw_doctor_worst(&m->d), STW_GRADE_GOOD);
	assert_int_equal(m->d.n, 6);
}

static void configurations_are_kept_from_others(void **state)
{
	struct machine *m = *state;

	chmod(m->config, 0644);
	stw_doctor_config(&m->d);
	assert_int_equal(found(m, "config", "read by everybody"), STW_GRADE_BAD);
	chmod(m->config, 0660);
	stw_doctor_config(&m->d);
	assert_int_equal(found(m, "config", "written by others"), STW_GRADE_BAD);
	m->d.model = NULL;
	stw_doctor_config(&m->d);
	assert_int_equal(found(m, "config", "is refused"), STW_GRADE_BAD);
	unlink(m->config);
	stw_doctor_config(&m->d);
	assert_int_equal(found(m, "config", "No such file"), STW_GRADE_BAD);
}

static void hugepages_are_counted(void **state)
{
	struct machine *m = *state;

	write_file(m, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "7\n");
	stw_doctor_hugepages(&m->d);
	assert_int_equal(found(m, "hugepages", "7 hugepages of 2 MiB are reserved, 128 wanted"),
			 STW_GRADE_ADVICE);
	m->model->dataplane.hugepages = STW_HUGEPAGES_YES;
	m->d.n = 0;
	stw_doctor_hugepages(&m->d);
	assert_int_equal(found(m, "hugepages", "7 hugepages"), STW_GRADE_BAD);
	m->model->dataplane.hugepages = STW_HUGEPAGES_NO;
	stw_doctor_hugepages(&m->d);
	assert_int_equal(found(m, "hugepages", "wants none"), STW_GRADE_ADVICE);
}

static void cores_shared_with_others_are_named(void **state)
{
	struct machine *m = *state;

	write_file(m, "/sys/devices/system/cpu/isolated", "2\n");
	write_file(m, "/proc/irq/24/effective_affinity_list", "1\n");
	write_file(m, "/proc/irq/25/effective_affinity_list", "0-1,3\n");
	write_file(m, "/proc/irq/26/effective_affinity_list", "3\n");
	write_file(m, "/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1-2\n");
	write_file(m, "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
	stw_doctor_cores(&m->d);
	assert_int_equal(found(m, "cores", "core 1 is shared"), STW_GRADE_ADVICE);
	assert_int_equal(found(m, "cores", "core 2 is shared"), -1);
	assert_int_equal(found(m, "cores", "core 1 serves 2 interrupts"), STW_GRADE_ADVICE);
	assert_int_equal(found(m, "cores", "cores 1 and 2 are threads"), STW_GRADE_ADVICE);
	assert_int_equal(found(m, "cores", "core 2 has the frequency governor powersave"),
			 STW_GRADE_ADVICE);
}

static void cores_that_are_not_there_are_bad(void **state)
{
	struct machine *m = *state;

	write_file(m, "/sys/devices/system/cpu/online", "0\n");
	stw_doctor_cores(&m->d);
	assert_int_equal(found(m, "cores", "core 1 is not there"), STW_GRADE_BAD);
	assert_int_equal(found(m, "cores", "one CPU"), STW_GRADE_ADVICE);
}

static void interfaces_that_are_not_there_are_bad(void **state)
{
	struct machine *m = *state;

	strcpy(m->model->ports[0].device, "net_af_xdp0,iface=nothere0");
	stw_doctor_ports(&m->d);
	assert_int_equal(found(m, "ports", "no interface nothere0"), STW_GRADE_BAD);
}

static void vlans_without_an_interface_are_named(void **state)
{
	struct machine *m = *state;
	static uint16_t vlans[] = {100};
	struct stw_model_port *p = &m->model->ports[0];

	strcpy(p->device, "net_af_xdp0,iface=lo");
	uint16_t *before = p->vlans;
	p->vlans = vlans;
	p->n_vlans = 1;
	stw_doctor_ports(&m->d);
	p->vlans = before;
	p->n_vlans = 0;
	assert_int_equal(found(m, "ports", "VLAN 100 has no interface lo.100"), STW_GRADE_BAD);
}

static void read_answers(struct machine *m, const char *text)
{
	m->answers = json_loads(text, 0, NULL);
	assert_non_null(m->answers);
	m->d.status = json_object_get(m->answers, "status");
	m->d.workers = json_object_get(m->answers, "workers");
	m->d.counters = json_object_get(m->answers, "counters");
	m->d.ports = json_object_get(m->answers, "ports");
}

static void without_control_that_is_a_finding(void **state)
{
	struct machine *m = *state;

	stw_doctor_running(&m->d);
	assert_int_equal(found(m, "running", "does not answer"), STW_GRADE_BAD);
}

static void what_the_api_tells_is_judged(void **state)
{
	struct machine *m = *state;

	read_answers(m, "{\"status\": {\"dataplane\": \"connected\", \"reason\": \"stuck\","
			" \"config\": {\"reload_refused_unix_s\": 1},"
			" \"tables\": {\"refused\": {\"reason\": \"bad row\"}}},"
			" \"workers\": [{\"core\": 2, \"running\": false, \"busy_10s\": null},"
			" {\"core\": 3, \"running\": true, \"busy_10s\": 0.97}],"
			" \"counters\": {\"total\": {\"counters\": {\"neighbour_timeout\": 4}}}}");
	stw_doctor_running(&m->d);
	stw_doctor_members(&m->d);
	assert_int_equal(found(m, "running", "stuck"), STW_GRADE_BAD);
	assert_int_equal(found(m, "tables", "bad row"), STW_GRADE_BAD);
	assert_int_equal(found(m, "tables", "reload was refused"), STW_GRADE_BAD);
	assert_int_equal(found(m, "workers", "core 2 does not run"), STW_GRADE_BAD);
	assert_int_equal(found(m, "workers", "core 3 is busy"), STW_GRADE_ADVICE);
	assert_int_equal(found(m, "neighbours", "4 messages"), STW_GRADE_ADVICE);
}

static void ports_that_lost_their_link_or_twin_are_named(void **state)
{
	struct machine *m = *state;
	struct stw_model_port *p = &m->model->ports[0];

	read_answers(m, "{\"ports\": [{\"name\": \"lan\", \"link\": \"down\"},"
			" {\"name\": \"wan\", \"link\": \"up\"}]}");
	p->kernel = STW_KERNEL_SIDE_TWIN;
	strcpy(p->twin, "nothere0");
	stw_doctor_ports(&m->d);
	assert_int_equal(found(m, "ports", "port \"lan\": its link is down"), STW_GRADE_BAD);
	assert_int_equal(found(m, "ports", "\"wan\""), -1);
	assert_int_equal(found(m, "ports", "its twin nothere0 is not there"), STW_GRADE_BAD);
}

static void slow_clocks_are_named(void **state)
{
	static const char file[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	struct machine *m = *state;

	write_file(m, file, "kvm-clock\n");
	stw_doctor_clock(&m->d);
	write_file(m, file, "tsc\n");
	stw_doctor_clock(&m->d);
	assert_int_equal(found(m, "clock", "clock source"), -1);
	write_file(m, file, "hpet\n");
	stw_doctor_clock(&m->d);
	assert_int_equal(found(m, "clock", "clock source hpet is slow"), STW_GRADE_ADVICE);
}

static void nodes_are_compared_by_digest(void **state)
{
	struct machine *m = *state;
	json_t *same = json_loads("{\"tables\": {\"digest\": \"aa\"}}", 0, NULL);
	json_t *other = json_loads("{\"tables\": {\"digest\": \"bb\"}}", 0, NULL);

	read_answers(m, "{\"status\": {\"dataplane\": \"connected\","
			" \"tables\": {\"digest\": \"aa\"}}}");
	stw_doctor_node(&m->d, "n1:8460", same);
	stw_doctor_node(&m->d, "n2:8460", other);
	stw_doctor_node(&m->d, "n3:8460", NULL);
	assert_int_equal(found(m, "nodes", "n1:8460"), STW_GRADE_GOOD);
	assert_int_equal(found(m, "nodes", "n2:8460"), STW_GRADE_BAD);
	assert_int_equal(found(m, "nodes", "n3:8460"), STW_GRADE_BAD);
	json_decref(same);
	json_decref(other);
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_good_machine_is_good),
		WITH(configurations_are_kept_from_others),
		WITH(hugepages_are_counted),
		WITH(cores_shared_with_others_are_named),
		WITH(cores_that_are_not_there_are_bad),
		WITH(interfaces_that_are_not_there_are_bad),
		WITH(vlans_without_an_interface_are_named),
		WITH(without_control_that_is_a_finding),
		WITH(what_the_api_tells_is_judged),
		WITH(ports_that_lost_their_link_or_twin_are_named),
		WITH(slow_clocks_are_named),
		WITH(nodes_are_compared_by_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
