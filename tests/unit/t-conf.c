/* Options: the table, the file, and where the data directory is. */
#include "base/base.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"
#include "conf/change.h"
#include "conf/conf.h"
#include "unit.h"

static char *dir; /* a data directory for the group */

static char *
below(const char *name)
{
	return bh_xasprintf("%s/%s", dir, name);
}

static int
make_temp_dir(void **state BH_UNUSED)
{
	char name[] = "/tmp/t-conf-XXXXXX";

	dir = bh_xstrdup(mkdtemp(name));
	unsetenv("BILLHOOK_DIR");
	unsetenv("BILLHOOK_SOURCE");
	return 0;
}

static int
remove_temp_dir(void **state BH_UNUSED)
{
	static const char *const names[] = {"billhook.conf", "other.log", "log/billhook.log", "log",
	    "bin/billhook.conf", "bin/t-conf", "bin"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		char *path = below(names[i]);

		remove(path);
		free(path);
	}
	if (rmdir(dir) < 0)
		return -1;
	free(dir);
	return 0;
}

static void
write_file(const char *name, const char *text)
{
	char *path = below(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
	free(path);
}

/* Load text; the caller releases conf. */
static void
load(const char *text, struct conf *conf)
{
	struct bh_err err = BH_ERR_INIT;

	write_file("billhook.conf", text);
	if (conf_load(dir, conf, &err) < 0)
		fail_msg("%s", err.text);
}

static void
options_fit_their_limits(void **state BH_UNUSED)
{
	const struct conf_option *options;
	size_t n;

	options = conf_options(&n);
	assert_true(n > 15);
	for (size_t i = 0; i < n; i++) {
		int64_t value;

		assert_true(bh_is_code(options[i].name));
		assert_true(strlen(options[i].meaning) > 10);
		assert_true(options[i].least <= options[i].most);
		if (!options[i].is_number)
			continue;
		assert_true(bh_is_int(options[i].fallback, strlen(options[i].fallback), &value));
		assert_true(value >= options[i].least && value <= options[i].most);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(options[i].name, options[k].name);
	}
}

static void
defaults_without_a_file(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	struct conf conf;

	assert_int_equal(conf_load(dir, &conf, &err), 0);
	assert_string_equal(conf.data_dir, dir);
	assert_string_equal(conf.public_url, "");
	assert_string_equal(conf.log_level, "info");
	assert_int_equal(conf.body_max, 1048576);
	assert_int_equal(conf.workers, 3);
	assert_int_equal(conf.session_hours, 12);
	assert_string_equal(conf.template_dir, BH_DATADIR "/templates");
	assert_string_equal(conf.static_dir, BH_DATADIR "/static");
	assert_string_equal(conf.preset_dir, BH_DATADIR "/presets");
	conf_release(&conf);
	assert_null(conf.data_dir);
}

static void
lines_are_read(void **state BH_UNUSED)
{
	struct conf conf;

	load("# comment = 1\n"
	     "\n"
	     "   \t \n"
	     "workers=7\n"
	     "\t body_max \t=\t 2048 \r\n"
	     "public_url = https://billing.example.com/a=b#c\n"
	     "log_file =\n"
	     "data_dir = /somewhere/else\n"
	     "template_dir = /my/templates\n"
	     "workers = 8\n"
	     "log_level = debug",
	    &conf);
	assert_int_equal(conf.workers, 8);
	assert_int_equal(conf.body_max, 2048);
	assert_string_equal(conf.public_url, "https://billing.example.com/a=b#c");
	assert_string_equal(conf.log_file, "");
	assert_string_equal(conf.data_dir, dir);
	assert_string_equal(conf.template_dir, "/my/templates");
	assert_string_equal(conf.log_level, "debug");
	assert_int_equal(conf.push_rate, 100);
	conf_release(&conf);
}

static const struct {
	const char *text;
	int line;
	const char *why;
} bad[] = {
    {"workers = 0\n", 1, "workers must be a number from 1 to 32"},
    {"workers = 33\n", 1, "workers must be a number from 1 to 32"},
    {"workers = 3.5\n", 1, "not \"3.5\""},
    {"workers = -3\n", 1, "not \"-3\""},
    {"workers = 99999999999999999999\n", 1, "workers must be"},
    {"workers =\n", 1, "not \"\""},
    {"# one\n\nworkers 3\n", 3, "not of the form name = value"},
    {"workers = 3\nworker = 3\n", 2, "there is no option \"worker\""},
    {"Workers = 3\n", 1, "there is no option \"Workers\""},
    {"= 3\n", 1, "there is no option \"\""},
    {"log_level = much more than ten\n", 1, "longer than 10 bytes"},
    {"log_level = loud\n", 1, "debug, info, warn or error"},
    {"workers = 3\ntrusted_proxies = 192.0.2.1 localhost\n", 2, "\"localhost\" is neither"},
    {"\xff\xfe = 1\n", 1, "there is no option \"??\""},
};

static void
errors_name_file_and_line(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(bad); i++) {
		struct bh_err err = BH_ERR_INIT;
		char where[200];
		struct conf conf;

		write_file("billhook.conf", bad[i].text);
		if (conf_load(dir, &conf, &err) != -1)
			fail_msg("accepted: %s", bad[i].text);
		assert_int_equal(err.code, BH_INVALID);
		if (strstr(err.text, bad[i].why) == NULL)
			fail_msg("%s", err.text);
		snprintf(where, sizeof(where), "%s/billhook.conf line %d: ", dir, bad[i].line);
		if (bad[i].line != 0 && !bh_has_prefix(err.text, where))
			fail_msg("%s", err.text);
	}
}

static void
line_too_long(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	char text[3000], line[20];
	struct conf conf;

	memset(text, 'x', sizeof(text));
	memcpy(text, "# ", 2);
	snprintf(text + 2500, 20, "\nworkers = 4\n");
	write_file("billhook.conf", text);
	assert_int_equal(conf_load(dir, &conf, &err), -1);
	snprintf(line, sizeof(line), "line 1: ");
	assert_non_null(strstr(err.text, line));
	assert_non_null(strstr(err.text, "too long"));
}

static void
file_that_is_a_directory(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	char *path = below("billhook.conf");
	struct conf conf;

	remove(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(conf_load(dir, &conf, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, path));
	remove(path);
	free(path);
}

static void
source_tree_in_the_environment(void **state BH_UNUSED)
{
	struct conf conf;

	setenv("BILLHOOK_SOURCE", "/src/billhook", 1);
	load("static_dir = /my/static\n", &conf);
	unsetenv("BILLHOOK_SOURCE");
	assert_string_equal(conf.template_dir, "/src/billhook/templates");
	assert_string_equal(conf.preset_dir, "/src/billhook/presets");
	assert_string_equal(conf.static_dir, "/my/static");
	conf_release(&conf);
}

static void
assert_dir(const char *given, const char *want)
{
	char *found = conf_find_dir(given);

	assert_string_equal(found, want);
	free(found);
}

static void
data_dir_given_or_in_the_environment(void **state BH_UNUSED)
{
	char cwd[1000], *want;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	want = bh_xasprintf("%s/data", cwd);
	assert_dir("/a/b", "/a/b");
	assert_dir("/a/b//", "/a/b");
	assert_dir("/", "/");
	assert_dir("data", want);
	setenv("BILLHOOK_DIR", "/from/env", 1);
	assert_dir(NULL, "/from/env");
	assert_dir("/given", "/given");
	setenv("BILLHOOK_DIR", "data/", 1);
	assert_dir(NULL, want);
	setenv("BILLHOOK_DIR", "", 1);
	assert_dir(NULL, BH_LOCALSTATEDIR "/lib/billhook");
	unsetenv("BILLHOOK_DIR");
	assert_dir(NULL, BH_LOCALSTATEDIR "/lib/billhook");
	free(want);
}

/* What a copy of this program in bin/ says of its data directory. */
static void
assert_dir_beside(const char *conf, const char *want)
{
	char *command =
		 bh_xasprintf("cd / && unset BILLHOOK_DIR && exec %s/bin/t-conf find-dir", dir),
	     line[1000] = "";
	FILE *pipe;

	write_file("bin/billhook.conf", conf);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(line, sizeof(line), pipe));
	assert_int_equal(pclose(pipe), 0);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, want);
	free(command);
}

static void
copy_program(const char *to)
{
	FILE *in = fopen("/proc/self/exe", "r"), *out = fopen(to, "w");
	char chunk[65536];
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		assert_int_equal(fwrite(chunk, 1, n, out), n);
	fclose(in);
	fclose(out);
	assert_int_equal(chmod(to, 0700), 0);
}

static void
data_dir_beside_the_program(void **state BH_UNUSED)
{
	char *bin = below("bin"), *program = below("bin/t-conf"), *relative = below("bin/../data");

	assert_int_equal(bh_make_dir(bin, NULL), 0);
	copy_program(program);
	assert_dir_beside("# data_dir = /no\ndata_dir = /var/data/\n", "/var/data");
	/* The same wherever it is called from. */
	assert_dir_beside("workers = 3\ndata_dir = ../data\n", relative);
	assert_dir_beside("data_dir =\n", BH_LOCALSTATEDIR "/lib/billhook");
	assert_dir_beside("workers = 3\n", BH_LOCALSTATEDIR "/lib/billhook");
	free(relative);
	free(program);
	free(bin);
}

static void
assert_logged(const char *path, const char *text)
{
	char line[200] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	if (strstr(line, text) == NULL)
		fail_msg("%s", line);
}

static void
log_goes_where_it_should(void **state BH_UNUSED)
{
	char *log_dir = below("log"), *log = below("log/billhook.log"), *other = below("other.log"),
	     *text;
	struct bh_err err = BH_ERR_INIT;
	struct conf conf;

	/* Its own directory is made; one that a file stands in the place of cannot be. */
	load("", &conf);
	assert_int_equal(close(creat(log_dir, 0600)), 0);
	assert_int_equal(conf_open_log(&conf, "keeper", &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	assert_non_null(strstr(err.text, log));
	assert_int_equal(unlink(log_dir), 0);
	assert_int_equal(conf_open_log(&conf, "keeper", &err), 0);
	bh_log_hook(NULL);
	bh_log(BH_DEBUG, "not logged");
	bh_log(BH_INFO, "started key=%d", 1);
	bh_log_hook(unit_log);
	text = bh_xasprintf(" info keeper[%d] started key=1\n", (int)getpid());
	assert_logged(log, text);
	free(text);
	conf_release(&conf);

	text = bh_xasprintf("log_file = %s\nlog_level = error\n", other);
	load(text, &conf);
	free(text);
	assert_int_equal(conf_open_log(&conf, "front", &err), 0);
	bh_log_hook(NULL);
	bh_log(BH_WARN, "not logged");
	bh_log(BH_ERROR, "broken");
	bh_log_hook(unit_log);
	assert_logged(other, " error front[");
	conf_release(&conf);
	bh_log_fd(-1);
	bh_log_level(BH_INFO);
	free(other);
	free(log);
	free(log_dir);
}

static void
paths_below_the_data_dir(void **state BH_UNUSED)
{
	struct conf conf;
	char *path;

	load("", &conf);
	path = conf_path(&conf, "run/keeper.sock");
	assert_true(bh_has_prefix(path, dir));
	assert_string_equal(path + strlen(dir), "/run/keeper.sock");
	free(path);
	conf_release(&conf);
}

/* -- changing -- */

static char *
read_file(const char *name)
{
	char *path = below(name), text[1000] = "";
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	free(path);
	return bh_xstrdup(text);
}

static const struct {
	const char *before, *after; /* with workers = 5 and push_rate = 7 put in */
} changed[] = {
    {"", "workers = 5\npush_rate = 7\n"},
    {"# mine\n\nworkers=3 \ncache_mb = 4\n",
	"# mine\n\nworkers = 5\ncache_mb = 4\npush_rate = 7\n"},
    {"\t workers\t= 3\npush_rate = 1\nworkers = 4\n# workers = 9\n",
	"workers = 5\npush_rate = 7\n# workers = 9\n"},
    {"workers = 3\ncache_mb = 4", "workers = 5\ncache_mb = 4\npush_rate = 7\n"},
    {"front_processes = 2\n", "front_processes = 2\nworkers = 5\npush_rate = 7\n"},
};

static void
options_are_changed_in_their_lines(void **state BH_UNUSED)
{
	static const struct conf_change changes[] = {{"workers", "5"}, {"push_rate", "7"}};

	for (size_t i = 0; i < BH_LEN(changed); i++) {
		struct bh_err err = BH_ERR_INIT;
		char *text;

		write_file("billhook.conf", changed[i].before);
		if (conf_change(dir, changes, BH_LEN(changes), &err) < 0)
			fail_msg("%s", err.text);
		text = read_file("billhook.conf");
		assert_string_equal(text, changed[i].after);
		free(text);
	}
}

/* What can be read, and yet does not work. */
static void
values_that_cannot_work(void **state BH_UNUSED)
{
	static const struct {
		const char *text, *name, *why;
	} cases[] = {
	    {"public_url = ftp://x\n", "public_url", "must be like https://"},
	    {"public_url = \"https://x\"\n", "public_url", "must be like https://"},
	    {"public_url = https://x.example/\n", "public_url", NULL},
	    {"template_dir = /nonexist\n", "template_dir",
		"template_dir: cannot read /nonexist: No such"},
	    {"preset_dir = /dev/null\n", "preset_dir", "/dev/null is no directory"},
	    {"static_dir = /\n", "static_dir", NULL},
	    {"log_file = /nonexist/a\n", "log_file", "log_file: cannot write /nonexist/a: No such"},
	    {"log_file = /dev/null\n", "log_file", NULL},
	    {"log_file = -\n", "log_file", NULL},
	    {"", "log_file", NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_err err = BH_ERR_INIT;
		struct conf conf;
		int rc;

		write_file("billhook.conf", cases[i].text);
		assert_int_equal(conf_load(dir, &conf, &err), 0);
		rc = conf_check_used(&conf, cases[i].name, &err);
		if (cases[i].why == NULL && rc < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		if (cases[i].why != NULL && (rc == 0 || strstr(err.text, cases[i].why) == NULL))
			fail_msg("%s: \"%s\"", cases[i].text, err.text);
		assert_int_not_equal(*conf.public_url == '\0'
					 ? 'x'
					 : conf.public_url[strlen(conf.public_url) - 1],
		    '/');
		conf_release(&conf);
	}
}

static void
a_wrong_change_changes_nothing(void **state BH_UNUSED)
{
	static const struct conf_change wrong[] = {{"workers", "0"}, {"workers", ""},
	    {"log_level", "loud"}, {"public_url", "x\nworkers = 4"}, {"public_url", " x"},
	    {"public_url", "ftp://x"}, {"public_url", "https://x/"},
	    {"public_url", "\"https://x\""}, {"worker", "3"}};

	write_file("billhook.conf", "workers = 2\n");
	for (size_t i = 0; i < BH_LEN(wrong); i++) {
		const struct conf_change two[] = {{"push_rate", "7"}, wrong[i]};
		struct bh_err err = BH_ERR_INIT;
		char *text;

		assert_int_equal(conf_change(dir, two, 2, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		assert_non_null(strstr(err.text, wrong[i].name));
		text = read_file("billhook.conf");
		assert_string_equal(text, "workers = 2\n");
		free(text);
	}
}

static void
each_option_reads_as_it_was_written(void **state BH_UNUSED)
{
	size_t n;
	const struct conf_option *options = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		char number[24];
		const struct conf_change change = {options[i].name,
		    options[i].is_number                              ? number
		    : strcmp(options[i].name, "log_level") == 0       ? "warn"
		    : strcmp(options[i].name, "trusted_proxies") == 0 ? "192.0.2.0/24 ::1"
		    : strcmp(options[i].name, "public_url") == 0      ? "https://x.example/b"
								      : "/some where"};
		struct bh_err err = BH_ERR_INIT;
		struct conf conf;
		char *value;

		snprintf(number, sizeof(number), "%lld", (long long)options[i].most);
		write_file("billhook.conf", "");
		assert_int_equal(conf_change(dir, &change, 1, &err), 0);
		assert_int_equal(conf_load(dir, &conf, &err), 0);
		value = conf_value(&conf, options[i].name);
		assert_string_equal(value, change.value);
		free(value);
		conf_release(&conf);
	}
}

static void
a_change_is_seen_once_it_is_settled(void **state BH_UNUSED)
{
	struct conf_seen seen;
	char *path = below("billhook.conf");

	write_file("billhook.conf", "workers = 2\n");
	conf_note(dir, &seen);
	assert_false(conf_is_settled(dir, &seen));
	write_file("billhook.conf", "workers = 22\n");
	assert_false(conf_is_settled(dir, &seen));
	write_file("billhook.conf", "workers = 222\n");
	assert_false(conf_is_settled(dir, &seen));
	assert_true(conf_is_settled(dir, &seen));
	assert_false(conf_is_settled(dir, &seen));
	remove(path);
	assert_false(conf_is_settled(dir, &seen));
	assert_true(conf_is_settled(dir, &seen));
	assert_false(conf_is_settled(dir, &seen));
	free(path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_fit_their_limits),
	    cmocka_unit_test(defaults_without_a_file),
	    cmocka_unit_test(lines_are_read),
	    cmocka_unit_test(errors_name_file_and_line),
	    cmocka_unit_test(line_too_long),
	    cmocka_unit_test(file_that_is_a_directory),
	    cmocka_unit_test(source_tree_in_the_environment),
	    cmocka_unit_test(data_dir_given_or_in_the_environment),
	    cmocka_unit_test(data_dir_beside_the_program),
	    cmocka_unit_test(log_goes_where_it_should),
	    cmocka_unit_test(paths_below_the_data_dir),
	    cmocka_unit_test(options_are_changed_in_their_lines),
	    cmocka_unit_test(values_that_cannot_work),
	    cmocka_unit_test(a_wrong_change_changes_nothing),
	    cmocka_unit_test(each_option_reads_as_it_was_written),
	    cmocka_unit_test(a_change_is_seen_once_it_is_settled),
	};

	if (argc == 2 && strcmp(argv[1], "find-dir") == 0) {
		char *found = conf_find_dir(NULL);

		puts(found);
		free(found);
		return 0;
	}
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, make_temp_dir, remove_temp_dir);
}
