/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <stdlib.h>
#include <string.h>

const struct stw_option_row stw_option_rows[] = {
	{STW_OPTION_SOCKET, "--socket", NULL, "PATH", "control's API (or STROWGER_API)"},
	{STW_OPTION_JSON, "--json", NULL, NULL, "print the API's JSON"},
	{STW_OPTION_ALL, "--all", NULL, NULL, "also rows that are zero"},
	{STW_OPTION_POOL, "--pool", NULL, "POOL", "only in this pool"},
	{STW_OPTION_ONCE, "--once", NULL, NULL, "print once"},
	{STW_OPTION_COUNT, "--count", "-n", "COUNT", "print so many times"},
	{STW_OPTION_INTERVAL, "--interval", "-i", "SECONDS", "between two prints, 1 by default"},
	{STW_OPTION_FROM, "--from", NULL, "ADDRESS", "where the message comes from"},
	{STW_OPTION_TO, "--to", NULL, "ADDRESS", "the listener it is sent to"},
	{STW_OPTION_CONFIG, "--config", NULL, "FILE", "compare with this configuration"},
	{STW_OPTION_PACKET, "--packet", NULL, "NUMBER", "of a capture: this packet"},
	{STW_OPTION_CALL_ID, "--call-id", NULL, "CALL-ID", "messages of this call"},
	{STW_OPTION_USER, "--user", NULL, "USER", "user of From, To or Request-URI"},
	{STW_OPTION_ADDRESS, "--address", NULL, "IP", "from there, or sent there"},
	{STW_OPTION_METHOD, "--method", NULL, "METHOD", "of a request, or of its answers"},
	{STW_OPTION_CODE, "--code", NULL, "STATUS", "of a response; 4: all 4xx"},
	{STW_OPTION_PAST, "--past", NULL, NULL, "what is recorded, instead of what comes"},
	{STW_OPTION_FULL, "--full", NULL, NULL, "print whole messages"},
	{STW_OPTION_CONFIRM, "--confirm", NULL, "SECONDS", "take it back unless confirmed by then"},
	{STW_OPTION_WRITE, "--write", NULL, "FILE", "write a pcapng file"},
	{STW_OPTION_TIMEOUT, "--timeout", NULL, "SECONDS", "wait no longer, 600 by default"},
	{STW_OPTION_FORCE, "--force", NULL, NULL, "also while it takes new calls"},
	{STW_OPTION_NAME, "--name", NULL, "NAME", "what the new member is called"},
	{STW_OPTION_WEIGHT, "--weight", NULL, "WEIGHT", "of the new member, 1 by default"},
};
const size_t stw_n_option_rows = sizeof(stw_option_rows) / sizeof(stw_option_rows[0]);

#define FILTER_OPTIONS                                                                   \
	(STW_OPTION_CALL_ID | STW_OPTION_USER | STW_OPTION_ADDRESS | STW_OPTION_METHOD | \
	 STW_OPTION_CODE)
#define TOP_OPTIONS (STW_OPTION_ONCE | STW_OPTION_COUNT | STW_OPTION_INTERVAL)

const struct stw_command stw_commands[] = {
	{"show status", "", "link to the data plane, generation, reloads", STW_ENDPOINT_STATUS,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show workers", "", "workers: core, busy share, packets", STW_ENDPOINT_WORKERS,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show ports", "", "ports: link, packets, errors", STW_ENDPOINT_PORTS, STW_OPTION_JSON, 0,
	 0, STW_WORDS_NONE, stw_run_show},
	{"show listeners", "", "listeners and the pools they feed", STW_ENDPOINT_LISTENERS,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show rules", "", "rules, and how often each was obeyed", STW_ENDPOINT_RULES,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show pools", "", "pools, weights, shares of new calls", STW_ENDPOINT_POOLS,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show members", "", "members: asked, observed, rates, counters", STW_ENDPOINT_MEMBERS,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show counters", "", "the drop ledger, per worker and in total", STW_ENDPOINT_COUNTERS,
	 STW_OPTION_JSON | STW_OPTION_ALL, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show names", "", "host names resolved, and the slow path", STW_ENDPOINT_NAMES,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show log", "", "what both processes log", STW_ENDPOINT_LOG, STW_OPTION_JSON, 0, 0,
	 STW_WORDS_NONE, stw_run_log},
	{"show version", "", "versions of both processes and libraries", STW_ENDPOINT_VERSION,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show registrar", "", "the registrar: domains, users, counters", STW_ENDPOINT_REGISTRAR,
	 STW_OPTION_JSON, 0, 0, STW_WORDS_NONE, stw_run_show},
	{"show bindings", "[USER@DOMAIN]", "who is registered where", STW_ENDPOINT_LOCATION,
	 STW_OPTION_JSON, 0, 1, STW_WORDS_NONE, stw_run_bindings},
	{"unbind", "USER@DOMAIN", "forget a user's bindings", STW_ENDPOINT_LOCATION_REMOVE, 0, 1, 1,
	 STW_WORDS_NONE, stw_run_unbind},
	{"location", "export|import [FILE]", "bindings to a file, and back",
	 STW_ENDPOINT_LOCATION_PUT, 0, 1, 2, STW_WORDS_NONE, stw_run_location},
	{"subscriber", "add|password|remove|list|import [NAME]", "who may register",
	 STW_ENDPOINT_SUBSCRIBERS_PUT, STW_OPTION_JSON, 1, 2, STW_WORDS_NONE, stw_run_subscriber},
	{"drain", "MEMBER", "no new calls to a member; its dialogs stay", STW_ENDPOINT_DRAIN,
	 STW_OPTION_JSON | STW_OPTION_POOL, 1, 1, STW_WORDS_MEMBER, stw_run_drain},
	{"undrain", "MEMBER", "new calls to a member again", STW_ENDPOINT_UNDRAIN,
	 STW_OPTION_JSON | STW_OPTION_POOL, 1, 1, STW_WORDS_MEMBER, stw_run_undrain},
	{"weight", "MEMBER WEIGHT", "a member's share of new calls, 0..65535", STW_ENDPOINT_WEIGHT,
	 STW_OPTION_JSON | STW_OPTION_POOL, 2, 2, STW_WORDS_MEMBER, stw_run_weight},
	{"disable", "MEMBER", "take a member out of service", STW_ENDPOINT_DISABLE,
	 STW_OPTION_JSON | STW_OPTION_POOL, 1, 1, STW_WORDS_MEMBER, stw_run_drain},
	{"enable", "MEMBER", "put a member into service again", STW_ENDPOINT_ENABLE,
	 STW_OPTION_JSON | STW_OPTION_POOL, 1, 1, STW_WORDS_MEMBER, stw_run_undrain},
	{"add", "POOL ADDRESS", "add a member to a pool", STW_ENDPOINT_ADD,
	 STW_OPTION_JSON | STW_OPTION_NAME | STW_OPTION_WEIGHT, 2, 2, STW_WORDS_NONE, stw_run_add},
	{"remove", "MEMBER", "do without a member, once it is drained", STW_ENDPOINT_REMOVE,
	 STW_OPTION_JSON | STW_OPTION_POOL | STW_OPTION_FORCE, 1, 1, STW_WORDS_MEMBER,
	 stw_run_remove},
	{"wait member", "MEMBER empty|healthy", "wait until a member is empty or healthy",
	 STW_ENDPOINT_MEMBERS, STW_OPTION_JSON | STW_OPTION_POOL | STW_OPTION_TIMEOUT, 2, 2,
	 STW_WORDS_MEMBER, stw_run_wait},
	{"diff", "", "what runs against what the file says", STW_ENDPOINT_DIFF, STW_OPTION_JSON, 0,
	 0, STW_WORDS_NONE, stw_run_diff},
	{"save", "FILE", "write what runs to a new file", STW_ENDPOINT_CONFIG, 0, 1, 1,
	 STW_WORDS_FILE, stw_run_save},
	{"reload", "", "read the configuration file again", STW_ENDPOINT_RELOAD, STW_OPTION_JSON, 0,
	 0, STW_WORDS_NONE, stw_run_reload},
	{"check", "[FILE]", "check a configuration; needs no control", STW_N_ENDPOINTS,
	 STW_OPTION_JSON, 0, 1, STW_WORDS_FILE, stw_run_check},
	{"plan", "FILE", "what a configuration would move", STW_ENDPOINT_PLAN, STW_OPTION_JSON, 1,
	 1, STW_WORDS_FILE, stw_run_plan},
	{"apply", "FILE", "serve another configuration", STW_ENDPOINT_APPLY,
	 STW_OPTION_JSON | STW_OPTION_CONFIRM, 1, 1, STW_WORDS_FILE, stw_run_apply},
	{"confirm", "", "keep the configuration that waits", STW_ENDPOINT_CONFIRM, STW_OPTION_JSON,
	 0, 0, STW_WORDS_NONE, stw_run_confirm},
	{"rollback", "[NUMBER]", "serve the configuration before, or an older one",
	 STW_ENDPOINT_ROLLBACK, STW_OPTION_JSON, 0, 1, STW_WORDS_NONE, stw_run_rollback},
	{"history", "", "configurations that ran", STW_ENDPOINT_HISTORY, STW_OPTION_JSON, 0, 0,
	 STW_WORDS_NONE, stw_run_history},
	{"explain", "[FILE]", "what becomes of a message, and why", STW_ENDPOINT_EXPLAIN,
	 STW_OPTION_JSON | STW_OPTION_FROM | STW_OPTION_TO | STW_OPTION_PACKET | STW_OPTION_CALL_ID,
	 0, 1, STW_WORDS_FILE, stw_run_explain},
	{"trace", "", "follow messages and their decisions", STW_ENDPOINT_RECORDS,
	 STW_OPTION_JSON | FILTER_OPTIONS | STW_OPTION_PAST | STW_OPTION_FULL | STW_OPTION_WRITE |
		 STW_OPTION_COUNT,
	 0, 0, STW_WORDS_NONE, stw_run_trace},
	{"last-errors", "", "the last rejected and dropped messages", STW_ENDPOINT_RECORDS,
	 STW_OPTION_JSON | FILTER_OPTIONS | STW_OPTION_FULL | STW_OPTION_COUNT, 0, 0,
	 STW_WORDS_NONE, stw_run_last_errors},
	{"replay", "FILE", "decide a capture's messages again", STW_ENDPOINT_EXPLAIN,
	 STW_OPTION_JSON | STW_OPTION_CONFIG, 1, 1, STW_WORDS_FILE, stw_run_replay},
	{"log-level", "error|warn|info|debug", "log more, or less, until a reload",
	 STW_ENDPOINT_LOG_SET, STW_OPTION_JSON, 1, 1, STW_WORDS_NONE, stw_run_log},
	{"doctor", "[NODE...]", "what is wrong here, and what to do", STW_N_ENDPOINTS,
	 STW_OPTION_JSON | STW_OPTION_CONFIG, 0, -1, STW_WORDS_NONE, stw_run_doctor},
	{"top", "", "workers and members live", STW_ENDPOINT_MEMBERS, TOP_OPTIONS, 0, 0,
	 STW_WORDS_NONE, stw_run_top},
	{"completion", "bash|zsh", "print the completion for a shell", STW_N_ENDPOINTS, 0, 1, -1,
	 STW_WORDS_SHELL, stw_run_completion},
	{"help", "[COMMAND]", "print this, or the help of a command", STW_N_ENDPOINTS, 0, 0, 2,
	 STW_WORDS_NONE, stw_run_help},
};
const size_t stw_n_commands = sizeof(stw_commands) / sizeof(stw_commands[0]);

/* Does @name consist of the first words of @words? @return how many, 0: no */
static int words_match(const char *name, char **words, int n_words)
{
	const char *space = strchr(name, ' ');
	if (!space)
		return n_words >= 1 && strcmp(name, words[0]) == 0;
	size_t first = (size_t)(space - name);
	if (n_words < 2 || strlen(words[0]) != first || strncmp(name, words[0], first) != 0)
		return 0;
	return strcmp(space + 1, words[1]) == 0 ? 2 : 0;
}

const struct stw_command *stw_command_find(char **words, int n_words, int *used)
{
	for (size_t i = 0; i < stw_n_commands; i++) {
		*used = words_match(stw_commands[i].name, words, n_words);
		if (*used)
			return &stw_commands[i];
	}
	return NULL;
}

#define TYPED_MAX 40

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Edits that make @b of @a (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[TYPED_MAX + 1];
	size_t la = strnlen(a, TYPED_MAX);
	size_t lb = strlen(b);
	for (size_t i = 0; i <= la; i++)
		row[i] = i;
	for (size_t j = 1; j <= lb; j++) {
		size_t diagonal = row[0];
		row[0] = j;
		for (size_t i = 1; i <= la; i++) {
			size_t above = row[i];
			row[i] = min3(above + 1, row[i - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[la];
}

/* "members" alone is meant as "show members". */
static size_t command_distance(const char *typed, const struct stw_command *c)
{
	size_t d = distance(typed, c->name);
	const char *space = strchr(c->name, ' ');
	size_t tail = space ? distance(typed, space + 1) : d;
	return tail < d ? tail : d;
}

const struct stw_command *stw_command_nearest(const char *typed)
{
	const struct stw_command *best = &stw_commands[0];
	for (size_t i = 1; i < stw_n_commands; i++)
		if (command_distance(typed, &stw_commands[i]) < command_distance(typed, best))
			best = &stw_commands[i];
	return best;
}
