/* web/raw: raw spool files. */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "unit.h"
#include "web/raw.h"

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/t-raw.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

/* The only file in spool/raw, as text; its name in name. */
static char *
only_file(char name[256], size_t *len_r)
{
	struct bh_buf path = BH_BUF_INIT(400);
	char *text = bh_xcalloc(1, 1 << 17);
	struct dirent *entry;
	size_t files = 0;
	struct stat st;
	FILE *file;
	DIR *list;

	bh_buf_addf(&path, "%s/spool/raw", dir);
	list = opendir(path.data);
	assert_non_null(list);
	while ((entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		files++;
		snprintf(name, 256, "%s", entry->d_name);
	}
	closedir(list);
	assert_int_equal(files, 1);
	bh_buf_addf(&path, "/%s", name);
	assert_int_equal(stat(path.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file = fopen(path.data, "re");
	assert_non_null(file);
	*len_r = fread(text, 1, 1 << 16, file);
	fclose(file);
	unlink(path.data);
	bh_buf_release(&path);
	return text;
}

static void
test_round_trip(void **state)
{
	static const char *const params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/hook/x?a=b",
	    "HTTP_X_SIGNATURE=s=1", "HTTP_COOKIE=billhook=secret", "PATH=/bin",
	    "CONTENT_TYPE=application/json", "CONTENT_LENGTH=7", "REMOTE_ADDR=192.0.2.1",
	    "HTTP_EMPTY=", NULL};
	static const char body[] = "{\"a\":\0}";
	struct bh_err err = BH_ERR_INIT;
	struct raw_request raw;
	char name[256], *text;
	size_t len;

	(void)state;
	assert_int_equal(raw_write(dir, params, body, 7, 1795321771123, &err), 0);
	text = only_file(name, &len);
	assert_int_equal(strncmp(name, "1795321771123-", 14), 0);
	assert_true(strlen(name) < RAW_NAME_MAX);
	assert_int_equal(raw_parse(text, len, &raw, &err), 0);
	assert_int_equal(raw.received_ms, 1795321771123);
	assert_int_equal(raw.body_len, 7);
	assert_memory_equal(raw.body, body, 7);
	assert_string_equal(raw.params[0], "REQUEST_METHOD=POST");
	assert_string_equal(raw.params[1], "REQUEST_URI=/hook/x?a=b");
	assert_string_equal(raw.params[2], "HTTP_X_SIGNATURE=s=1");
	assert_string_equal(raw.params[3], "CONTENT_TYPE=application/json");
	assert_string_equal(raw.params[4], "REMOTE_ADDR=192.0.2.1");
	assert_string_equal(raw.params[5], "HTTP_EMPTY=");
	assert_null(raw.params[6]);
	raw_release(&raw);
	/* Every prefix is refused: a torn file is never taken for a whole one. */
	for (size_t cut = 0; cut < len; cut++) {
		char *part = bh_xcalloc(1, cut + 1);

		memcpy(part, text, cut);
		assert_int_equal(raw_parse(part, cut, &raw, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		free(part);
	}
	free(text);
}

static void
test_empty(void **state)
{
	static const char *const params[] = {NULL};
	struct bh_err err = BH_ERR_INIT;
	struct raw_request raw;
	char name[256], *text;
	size_t len;

	(void)state;
	assert_int_equal(raw_write(dir, params, "", 0, 1, &err), 0);
	text = only_file(name, &len);
	assert_int_equal(raw_parse(text, len, &raw, &err), 0);
	assert_null(raw.params[0]);
	assert_int_equal(raw.body_len, 0);
	raw_release(&raw);
	free(text);
}

static void
test_refused(void **state)
{
	static const char *const broken[] = {"", "x", "billhook-raw 2 1 0 0\n",
	    "billhook-raw 1 1 0\n", "billhook-raw 1 1 0 1\n", "billhook-raw 1 1 0 -1\n",
	    "billhook-raw 1 1 3 0\nabc", "billhook-raw 1 1 0 0 \n", "billhook-raw 1 1 5 -1\na=c",
	    "billhook-raw 1 -1 0 0\n", "billhook-raw 1 1 999999999 0\n"};
	struct raw_request raw;
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < BH_LEN(broken); i++)
		if (raw_parse(broken[i], strlen(broken[i]), &raw, &err) == 0)
			fail_msg("\"%s\" was taken", broken[i]);
	assert_int_equal(raw_parse("billhook-raw 1 1 4 0\nabc\0", 25, &raw, &err), -1);
	assert_int_equal(raw_parse("billhook-raw 1 1 4 0\na=c\0", 25, &raw, &err), 0);
	raw_release(&raw);
	assert_int_equal(raw_write("/dev/null/none", (const char *const[]){NULL}, "", 0, 1, &err),
	    -1);
	assert_int_equal(err.code, BH_STORAGE);
}

static int
remove_dir(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/spool/raw", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/spool", dir);
	rmdir(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_empty), cmocka_unit_test(test_refused)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
