/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"

#define ANSWER_MAX (256u * 1024 * 1024)
#define TIMEOUT_S  30L

struct stw_client {
	CURL *curl;
	const char *socket;
	char trouble[512];
};

struct text {
	char *bytes;
	size_t len;
};

struct stw_client *stw_client_new(const char *socket)
{
	struct stw_client *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->socket = socket;
	c->curl = curl_easy_init();
	if (!c->curl) {
		free(c);
		return NULL;
	}
	return c;
}

static bool is_url(const struct stw_client *c)
{
	return strncmp(c->socket, "http://", strlen("http://")) == 0;
}

/* By a socket the host's name says nothing. */
static const char *base_of(const struct stw_client *c)
{
	return is_url(c) ? c->socket : "http://strowger";
}

static size_t collect(char *bytes, size_t size, size_t n, void *ctx)
{
	struct text *t = ctx;
	size_t len = size * n;
	if (len > ANSWER_MAX - t->len)
		return 0;
	char *grown = realloc(t->bytes, t->len + len + 1);
	if (!grown)
		return 0;
	memcpy(grown + t->len, bytes, len);
	t->bytes = grown;
	t->len += len;
	grown[t->len] = '\0';
	return len;
}

/* The endpoint's path with the member's name, percent-encoded, in its place. */
static bool make_url(struct stw_client *c, enum stw_endpoint_id endpoint, const char *member,
		     char *out, size_t size)
{
	static const char place[] = "{member}";
	const char *path = stw_endpoint_rows[endpoint].path;
	const char *hole = strstr(path, place);
	int n;
	if (hole) {
		char *name = curl_easy_escape(c->curl, member, 0);
		n = snprintf(out, size, "%s%.*s%s%s", base_of(c), (int)(hole - path), path,
			     name ? name : "", hole + sizeof(place) - 1);
		curl_free(name);
	} else {
		n = snprintf(out, size, "%s%s", base_of(c), path);
	}
	return n > 0 && (size_t)n < size;
}

static void explain(struct stw_client *c, CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		snprintf(c->trouble, sizeof(c->trouble),
			 "cannot reach strowger-control at %s: start it, or name its socket with "
			 "--socket PATH or STROWGER_API (and see that you may open it)",
			 c->socket);
	else
		snprintf(c->trouble, sizeof(c->trouble),
			 "strowger-control at %s does not answer: %s", c->socket,
			 curl_easy_strerror(code));
}

static CURLcode perform(struct stw_client *c, const char *method, const char *url, const char *body,
			struct text *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	curl_easy_reset(c->curl);
	if (!is_url(c))
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
	if (strcmp(method, "POST") == 0) {
		curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body ? body : "");
		curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	}
	CURLcode code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	return code;
}

/* Whatever listens there must speak our API. */
static int judge(struct stw_client *c, struct text *answer, struct stw_answer *out)
{
	json_error_t e;
	long status = 0;
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	json_t *json = answer->bytes ? json_loadb(answer->bytes, answer->len, 0, &e) : NULL;
	json_int_t version = json_integer_value(json_object_get(json, "version"));
	if (!json_is_object(json) || version != STW_API_VERSION) {
		snprintf(c->trouble, sizeof(c->trouble),
			 "what answers at %s is not the API of this version of strowger-control "
			 "(HTTP status %ld)",
			 c->socket, status);
		json_decref(json);
		free(answer->bytes);
		return STW_EXIT_UNREACHABLE;
	}
	*out = (struct stw_answer){.status = status, .text = answer->bytes, .json = json};
	return status >= 200 && status < 300 ? STW_EXIT_OK : STW_EXIT_FAILED;
}

int stw_client_call_text(struct stw_client *c, enum stw_endpoint_id endpoint, const char *member,
			 const char *body, struct stw_answer *out)
{
	char url[512];
	struct text answer = {0};
	*out = (struct stw_answer){0};
	if (!make_url(c, endpoint, member, url, sizeof(url))) {
		snprintf(c->trouble, sizeof(c->trouble), "the member's name is too long");
		return STW_EXIT_UNREACHABLE;
	}
	CURLcode code = perform(c, stw_endpoint_rows[endpoint].method, url, body, &answer);
	if (code != CURLE_OK) {
		explain(c, code);
		free(answer.bytes);
		return STW_EXIT_UNREACHABLE;
	}
	return judge(c, &answer, out);
}

int stw_client_call(struct stw_client *c, enum stw_endpoint_id endpoint, const char *member,
		    json_t *body, struct stw_answer *out)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	int rc = stw_client_call_text(c, endpoint, member, text, out);
	free(text);
	return rc;
}

const char *stw_client_trouble(const struct stw_client *c)
{
	return c->trouble;
}

void stw_answer_fini(struct stw_answer *a)
{
	json_decref(a->json);
	free(a->text);
	*a = (struct stw_answer){0};
}

void stw_client_free(struct stw_client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	free(c);
}
