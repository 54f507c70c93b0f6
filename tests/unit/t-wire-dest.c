/*
 * Every conversation in tests/wire/, one test per file.  With arguments:
 * only files whose path holds one of them.
 */
#include "base/base.h"

#include <dirent.h>

#include "base/buf.h"
#include "unit.h"
#include "wire.h"

#define FILES_MAX 512

static struct CMUnitTest tests[FILES_MAX];
static size_t tests_n;

static void
play(void **state)
{
	static char why[16384];

	if (wire_play(*state, why, sizeof(why)) < 0)
		fail_msg("%s: %s", (const char *)*state, why);
}

static bool
is_wanted(const char *path, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strstr(path, argv[i]) != NULL)
			return true;
	}
	return argc < 2;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

/* Add the .wire files of one folder. */
static void
collect(const char *top, const char *folder, int argc, char **argv)
{
	char *path = bh_xasprintf("%s/%s", top, folder);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);
		char *file;

		if (len < 6 || strcmp(entry->d_name + len - 5, ".wire") != 0)
			continue;
		file = bh_xasprintf("%s/%s", path, entry->d_name);
		if (!is_wanted(file, argc, argv) || tests_n == FILES_MAX) {
			free(file);
			continue;
		}
		tests[tests_n++] = (struct CMUnitTest){.name = file + strlen(top) + 1,
		    .test_func = play,
		    .initial_state = file};
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
}

int
main(int argc, char **argv)
{
	char *top = unit_path("tests/wire");
	DIR *dir = opendir(top);
	const struct dirent *entry;
	int failed;

	bh_log_hook(unit_log);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			collect(top, entry->d_name, argc, argv);
	}
	if (dir != NULL)
		closedir(dir);
	if (tests_n == 0) {
		fprintf(stderr, "no conversations under %s\n", top);
		free(top);
		return 1;
	}
	qsort(tests, tests_n, sizeof(tests[0]), by_name);
	failed = _cmocka_run_group_tests("wire", tests, tests_n, NULL, NULL);
	for (size_t i = 0; i < tests_n; i++)
		free(tests[i].initial_state);
	free(top);
	return failed;
}
