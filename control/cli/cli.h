/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * strowgerctl: the options of one run and the table of commands. The table gives parsing, help,
 * completion and strowgerctl(1); paths and effects come from the API's own table (endpoints.h).
 *
 * Exit status: 0 done, 1 refused or failed, 2 usage, 3 control cannot be reached.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "control/api/endpoints.h"

#define STW_CTL_SOCKET "/run/strowger/api.sock"
#define STW_CTL_CONFIG "/etc/strowger/strowger.yaml"

enum stw_exit {
	STW_EXIT_OK = 0,
	STW_EXIT_FAILED = 1,
	STW_EXIT_USAGE = 2,
	STW_EXIT_UNREACHABLE = 3,
};

/* Options, as bits, so that a row says which it takes. */
enum stw_option {
	STW_OPTION_SOCKET = 1 << 0,
	STW_OPTION_JSON = 1 << 1,
	STW_OPTION_ALL = 1 << 2,
	STW_OPTION_POOL = 1 << 3,
	STW_OPTION_ONCE = 1 << 4,
	STW_OPTION_COUNT = 1 << 5,
	STW_OPTION_INTERVAL = 1 << 6,
	STW_OPTION_FROM = 1 << 7,
	STW_OPTION_TO = 1 << 8,
	STW_OPTION_CONFIG = 1 << 9,
	STW_OPTION_PACKET = 1 << 10,
	STW_OPTION_CALL_ID = 1 << 11,
	STW_OPTION_USER = 1 << 12,
	STW_OPTION_ADDRESS = 1 << 13,
	STW_OPTION_METHOD = 1 << 14,
	STW_OPTION_CODE = 1 << 15,
	STW_OPTION_PAST = 1 << 16,
	STW_OPTION_FULL = 1 << 17,
	STW_OPTION_WRITE = 1 << 18,
	STW_OPTION_TIMEOUT = 1 << 20,
	STW_OPTION_FORCE = 1 << 21,
	STW_OPTION_NAME = 1 << 22,
	STW_OPTION_WEIGHT = 1 << 23,
	STW_OPTION_CONFIRM = 1 << 19,
};

struct stw_option_row {
	enum stw_option bit;
	const char *name;  /* "--pool" */
	const char *brief; /* "-n", or NULL */
	const char *value; /* "POOL", or NULL for none */
	const char *help;
};

extern const struct stw_option_row stw_option_rows[];
extern const size_t stw_n_option_rows;

struct stw_command;

/** One run. */
struct stw_cli {
	const struct stw_command *command;
	const char *socket;
	const char *pool; /* NULL: not given, as those below */
	const char *from;
	const char *to;
	const char *config;
	const char *call_id;
	const char *user;
	const char *address;
	const char *method;
	const char *write;
	const char *text_file; /* whose configuration is sent; NULL: none is */
	long packet;	       /* 0: not given */
	long code;	       /* 0: not given */
	long confirm_s;	       /* 0: not given */
	bool past;
	bool full;
	const char *name;
	long weight;	  /* of add, -1: not given */
	double timeout_s; /* of wait, 0: not given */
	bool force;
	bool json;
	bool all;
	long count;	   /* of top: 0 until stopped */
	double interval_s; /* of top */
	char **args;	   /* after the command's words */
	int n_args;
	struct stw_client *client;
};

/* What the arguments are, for completion. */
enum stw_words { STW_WORDS_NONE, STW_WORDS_MEMBER, STW_WORDS_FILE, STW_WORDS_SHELL };

struct stw_command {
	const char *name; /* one or two words */
	const char *args; /* "MEMBER WEIGHT" */
	const char *help;
	enum stw_endpoint_id endpoint; /* STW_N_ENDPOINTS: none, works without control */
	unsigned options;	       /* taken besides --socket */
	int min_args;
	int max_args; /* -1: any number */
	enum stw_words words;
	int (*run)(struct stw_cli *cli); /* exit status */
};

/** The table, in the order of the help. */
extern const struct stw_command stw_commands[];
extern const size_t stw_n_commands;

/** Row whose name is the first one or two of @words. @return NULL; @used: how many words it took */
const struct stw_command *stw_command_find(char **words, int n_words, int *used);

/** The command most like @typed. @return never NULL */
const struct stw_command *stw_command_nearest(const char *typed);

/** Say what was meant by words that are no command, if that can be guessed. @return an exit code */
int stw_command_unknown(char **words, int n_words);

/** Print the table of commands, or one command's help. */
void stw_help_print(FILE *out);
void stw_help_command(FILE *out, const struct stw_command *c);

/**
 * All that was written to @out has arrived? A full disk and a closed pipe must not look like
 * success, and may be noticed only now. What is wrong is said on standard error.
 *
 * @param name  of the file, for people
 * @return STW_EXIT_OK, STW_EXIT_FAILED
 */
int stw_out_check(FILE *out, const char *name);

/** The same of a file, which is closed in any case. */
int stw_out_close(FILE *out, const char *name);

/** Was @in read to its end? Right after the read that gave nothing. */
int stw_in_check(FILE *in, const char *name);

struct json_t;
struct stw_answer;

/**
 * Call the API and say on standard error what went wrong, if anything did (with --json a problem
 * goes to standard output as it came).
 *
 * @return enum stw_exit; free @out in any case
 */
int stw_cli_call(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *member,
		 struct json_t *body, struct stw_answer *out);

/** The same with a body that is no JSON. */
int stw_cli_call_text(struct stw_cli *cli, enum stw_endpoint_id endpoint, const char *body,
		      struct stw_answer *out);

/**
 * Call the command's endpoint and print what it answers, with --json as it came.
 *
 * @param member  in the place of {member}, or NULL
 * @param body    taken over, or NULL
 */
int stw_cli_ask(struct stw_cli *cli, const char *member, struct json_t *body,
		void (*print)(const struct stw_cli *cli, const struct json_t *answer));

/** The same for a change: what it changes is printed (change.c). */
int stw_cli_change(struct stw_cli *cli, const char *member, struct json_t *body);

/* Handlers: registrar.c, show.c, farm.c, change.c, top.c, complete.c, strowgerctl.c */
int stw_run_bindings(struct stw_cli *cli);
int stw_run_unbind(struct stw_cli *cli);
int stw_run_subscriber(struct stw_cli *cli);
int stw_run_location(struct stw_cli *cli);
int stw_run_add(struct stw_cli *cli);
int stw_run_remove(struct stw_cli *cli);
int stw_run_diff(struct stw_cli *cli);
int stw_run_save(struct stw_cli *cli);
int stw_run_wait(struct stw_cli *cli);
int stw_run_show(struct stw_cli *cli);
int stw_run_drain(struct stw_cli *cli);
int stw_run_undrain(struct stw_cli *cli);
int stw_run_weight(struct stw_cli *cli);
int stw_run_reload(struct stw_cli *cli);
int stw_run_check(struct stw_cli *cli);
int stw_run_log(struct stw_cli *cli);
int stw_run_doctor(struct stw_cli *cli);
int stw_run_explain(struct stw_cli *cli);
int stw_run_apply(struct stw_cli *cli);
int stw_run_confirm(struct stw_cli *cli);
int stw_run_rollback(struct stw_cli *cli);
int stw_run_history(struct stw_cli *cli);
int stw_run_trace(struct stw_cli *cli);
int stw_run_last_errors(struct stw_cli *cli);
int stw_run_replay(struct stw_cli *cli);
int stw_run_plan(struct stw_cli *cli);
int stw_run_top(struct stw_cli *cli);
int stw_run_completion(struct stw_cli *cli);
int stw_run_help(struct stw_cli *cli);
