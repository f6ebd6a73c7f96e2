/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzz target without a fuzzer: runs it on each file of its corpus, from an exact-size copy, so
 * that a sanitizer sees one byte too far.
 *
 *     fuzz_x CORPUS_DIRECTORY
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *dir, const char *name)
{
	static uint8_t bytes[FILE_MAX_BYTES];
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	bool whole = !ferror(f) && n < sizeof(bytes);
	uint8_t *copy = malloc(n ? n : 1);

	fclose(f);
	if (copy && whole) {
		for (size_t i = 0; i < n; i++)
			copy[i] = bytes[i];
		LLVMFuzzerTestOneInput(copy, n);
	}
	free(copy);
	return copy && whole;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **files = NULL;
	int n = argc == 2 ? scandir(argv[1], &files, visible, alphasort) : -1;
	bool all = true;

	if (n <= 0) {
		fprintf(stderr, "usage: %s CORPUS_DIRECTORY, which must not be empty\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		/* Told before it runs: a crash then has a name. */
		printf("# %s\n", files[i]->d_name);
		fflush(stdout);
		bool ok = replay(argv[1], files[i]->d_name);

		printf("%s %d - %s\n", ok ? "ok" : "not ok", i + 1, files[i]->d_name);
		all = all && ok;
		free(files[i]);
	}
	printf("1..%d\n", n);
	free(files);
	return all ? 0 : 1;
}
