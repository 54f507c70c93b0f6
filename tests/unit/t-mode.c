/* How the work gets done on this host, and what is said of it; network disks. */
#include "base/base.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/proc.h"
#include "conf/mode.h"
#include "unit.h"

#define NOW_MS (1790000000000)

static char *dir;

static int
begin(void **state BH_UNUSED)
{
	char name[] = "/tmp/t-mode-XXXXXX", *log;

	dir = bh_xstrdup(mkdtemp(name));
	log = bh_xasprintf("%s/log", dir);
	assert_int_equal(mkdir(log, 0700), 0);
	free(log);
	return 0;
}

static int
end(void **state BH_UNUSED)
{
	char *file = bh_xasprintf("%s/log/drained", dir), *log = bh_xasprintf("%s/log", dir);

	unlink(file);
	rmdir(log);
	free(file);
	free(log);
	assert_int_equal(rmdir(dir), 0);
	free(dir);
	return 0;
}

/* Cron's last call was so many seconds ago; < 0 there was none. */
static void
set_drained(int64_t age_s)
{
	char *path = bh_xasprintf("%s/log/drained", dir);
	struct timespec times[2] = {{NOW_MS / 1000 - age_s, 0}, {NOW_MS / 1000 - age_s, 0}};
	int fd = age_s < 0 ? -1 : open(path, O_WRONLY | O_CREAT, 0600);

	if (age_s < 0)
		unlink(path);
	else
		assert_int_equal(futimens(fd, times), 0);
	if (fd >= 0)
		close(fd);
	free(path);
}

static const struct mode_case {
	int64_t daemons, idle_exit_s, age_s;
	enum mode mode;
	bool is_overdue;
	const char *says;
} cases[] = {
    {1, 0, -1, MODE_DAEMONS, false, "Billhook's processes stay, and handle what comes at once."},
    {1, 0, 7200, MODE_DAEMONS, false, "Cron's billhook drain ran last 2 h ago."},
    {1, 600, -1, MODE_ON_DEMAND, false, "go after 600 idle seconds."},
    {1, 600, 300, MODE_ON_DEMAND, false, "Cron's billhook drain ran last 5 min ago."},
    {0, 0, 45, MODE_CRON, false, "It ran last 45 s ago."},
    {0, 600, 599, MODE_CRON, false, "It ran last 9 min ago."},
    {0, 0, 601, MODE_CRON, true, "That is overdue"},
    {0, 0, -1, MODE_CRON, true, "That has never happened. That is overdue"},
    {0, 0, 0, MODE_CRON, false, "It ran last 0 s ago."},
};

static void
tells_how_the_work_gets_done(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const struct mode_case *c = &cases[i];
		struct conf conf = {.data_dir = dir,
		    .daemons = c->daemons,
		    .idle_exit_s = c->idle_exit_s};
		struct mode_report report;

		set_drained(c->age_s);
		mode_report(&conf, NOW_MS, &report);
		print_message("%s: %s\n", mode_name(report.mode), report.text);
		assert_int_equal(report.mode, c->mode);
		assert_int_equal(report.is_overdue, c->is_overdue);
		assert_non_null(strstr(report.text, c->says));
		assert_int_equal(report.drained_ms, c->age_s < 0 ? 0 : NOW_MS - c->age_s * 1000);
	}
}

/* Cron hands the line to a shell, and takes % for the end of it. */
static void
writes_a_line_for_cron(void **state BH_UNUSED)
{
	char odd[] = "/home/al'ice/100%", *line;
	const struct conf conf = {.data_dir = odd};

	setenv(BH_ROOT_VARIABLE, "/home/alice/public_html/billing/app", 1);
	line = mode_cron_line(&conf);
	assert_string_equal(line,
	    "* * * * * '/home/alice/public_html/billing/app/bin/billhook' drain --for 50 "
	    "--dir '/home/al'\\''ice/100\\%'");
	unsetenv(BH_ROOT_VARIABLE);
	free(line);
}

static void
knows_network_disks(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;

	assert_string_equal(bh_network_disk(0x6969), "NFS");
	assert_string_equal(bh_network_disk(0xff534d42), "SMB");
	/* as a long with its sign */
	assert_string_equal(bh_network_disk((unsigned long)-11317950), "SMB");
	assert_null(bh_network_disk(0xef53));     /* ext4 */
	assert_null(bh_network_disk(0x58465342)); /* XFS */
	assert_null(bh_network_disk(0x01021994)); /* tmpfs */
	assert_string_equal(bh_network_disk(0x0bd00bd0), "Lustre");
	assert_null(bh_network_disk_of("/nonexistent"));
	assert_int_equal(bh_fail_network_disk(&err, "/home/alice/data", "NFS"), -1);
	assert_int_equal(err.code, BH_STORAGE);
	assert_non_null(strstr(err.text, "set network_disk = 1"));
}

static void
knows_network_fuse(void **state BH_UNUSED)
{
	char text[] =
	    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	    "70 22 0:51 / /home/alice/far rw,nosuid shared:3 - fuse.sshfs alice@host:/ rw,user_id=1000\n"
	    "71 22 0:52 / /home/alice/near rw - fuse.bindfs /srv rw\n";
	FILE *mounts = fmemopen(text, sizeof(text) - 1, "r");

	assert_string_equal(bh_network_mount(mounts, 0, 51), "sshfs");
	rewind(mounts);
	assert_null(bh_network_mount(mounts, 0, 52));
	rewind(mounts);
	assert_null(bh_network_mount(mounts, 8, 1));
	fclose(mounts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_how_the_work_gets_done),
	    cmocka_unit_test(writes_a_line_for_cron),
	    cmocka_unit_test(knows_network_disks),
	    cmocka_unit_test(knows_network_fuse),
	};

	return cmocka_run_group_tests_name("mode", tests, begin, end);
}
