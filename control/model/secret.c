/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <strowger/errors.h>

#include "control/model/state_file.h"

/* "strowger-secret 1 <id> <32 hex digits>\n" */
#define MAGIC	 "strowger-secret 1 "
#define TEXT_MAX 128

static size_t write_text(const struct stw_model_secret *s, char out[TEXT_MAX])
{
	size_t n = (size_t)snprintf(out, TEXT_MAX, MAGIC "%u ", s->id);

	for (size_t i = 0; i < STW_SECRET_BYTES; i++)
		n += (size_t)snprintf(out + n, TEXT_MAX - n, "%02x", s->key[i]);
	out[n++] = '\n';
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Strict: the file is only ever written above. @text is NUL-terminated. */
static bool read_text(const char *text, struct stw_model_secret *out)
{
	struct stw_model_secret s = {0};
	const char *p = text + strlen(MAGIC);

	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0 || *p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9' && s.id <= 15; p++)
		s.id = (uint8_t)(s.id * 10 + (*p - '0'));
	if (s.id > 15 || *p++ != ' ')
		return false;
	for (size_t i = 0; i < STW_SECRET_BYTES; i++, p += 2) {
		int hi = hex_digit(p[0]), lo = hi < 0 ? -1 : hex_digit(p[1]);

		if (lo < 0)
			return false;
		s.key[i] = (uint8_t)(hi << 4 | lo);
	}
	if (strcmp(p, "\n") != 0)
		return false;
	*out = s;
	return true;
}

static int load(const char *dir, struct stw_model_secret *out, char *reason, size_t reason_len)
{
	char text[TEXT_MAX + 1];
	size_t len = 0;
	int err = stw_state_read(dir, STW_SECRET_FILE, true, text, TEXT_MAX, &len, reason,
				 reason_len);

	if (err != STW_OK && err != STW_ERANGE)
		return err;
	text[len] = '\0';
	bool ok = err == STW_OK && read_text(text, out);

	explicit_bzero(text, sizeof(text));
	if (ok)
		return STW_OK;
	snprintf(reason, reason_len,
		 "%s/%s: holds no secret of ours: restore it, or remove it to have a new one made "
		 "(dialogs begun under the old one then lose their member)",
		 dir, STW_SECRET_FILE);
	return STW_EMALFORMED;
}

static bool fill_random(uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(bytes, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static int make(const char *dir, char *reason, size_t reason_len)
{
	struct stw_model_secret s = {.id = 0};
	char text[TEXT_MAX];

	if (!fill_random(s.key, sizeof(s.key))) {
		snprintf(reason, reason_len, "no random bytes for a secret: %s", strerror(errno));
		return STW_EIO;
	}
	size_t len = write_text(&s, text);
	int err = stw_state_write(dir, STW_SECRET_FILE, STW_STATE_CREATE, text, len, reason,
				  reason_len);

	explicit_bzero(&s, sizeof(s));
	explicit_bzero(text, sizeof(text));
	/* Another was faster: its secret is the one. */
	return err == STW_EDUP ? STW_OK : err;
}

int stw_secret_load_or_make(const char *state_dir, struct stw_model_secret *out, char *reason,
			    size_t reason_len)
{
	int err = load(state_dir, out, reason, reason_len);

	if (err != STW_ENOENT)
		return err;
	err = make(state_dir, reason, reason_len);
	if (err != STW_OK)
		return err;
	/* What is on the disk counts, so that a restart finds the same. */
	err = load(state_dir, out, reason, reason_len);
	return err == STW_ENOENT ? STW_EIO : err;
}

int stw_secret_fill(struct stw_model *model, char *reason, size_t reason_len)
{
	if (model->n_secrets > 0)
		return STW_OK;
	int err = stw_secret_load_or_make(model->state_dir, &model->secrets[0], reason, reason_len);

	if (err == STW_OK)
		model->n_secrets = 1;
	return err;
}
