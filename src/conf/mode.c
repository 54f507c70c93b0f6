/* Daemons, processes on demand, cron: see mode.h. */
#include "base/base.h"

#include "conf/mode.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"

#define DRAINED "log/drained"       /* its time is that of the last drain */
#define OVERDUE_MS (10 * 60 * 1000) /* cron may be busy, or run every five minutes */
#define DRAIN_S 50                  /* of each minute */

enum mode
mode_of(const struct conf *conf)
{
	if (conf->daemons == 0)
		return MODE_CRON;
	return conf->idle_exit_s > 0 ? MODE_ON_DEMAND : MODE_DAEMONS;
}

const char *
mode_name(enum mode mode)
{
	static const char *const names[] = {"daemons", "on demand", "cron"};

	return names[mode];
}

static int64_t
drained_ms(const struct conf *conf)
{
	char *path = conf_path(conf, DRAINED);
	struct stat st;
	int64_t at_ms =
	    stat(path, &st) == 0 ? st.st_mtim.tv_sec * 1000LL + st.st_mtim.tv_nsec / 1000000 : 0;

	free(path);
	return at_ms;
}

static void
say_age(char *out, size_t size, int64_t age_s)
{
	if (age_s < 120)
		snprintf(out, size, "%lld s ago", (long long)(age_s > 0 ? age_s : 0));
	else if (age_s < 7200)
		snprintf(out, size, "%lld min ago", (long long)(age_s / 60));
	else
		snprintf(out, size, "%lld h ago", (long long)(age_s / 3600));
}

static void
say_cron(struct mode_report *report, const char *age)
{
	snprintf(report->text, sizeof(report->text),
	    "No process of Billhook stays here: what comes is stored, and handled when cron runs "
	    "billhook drain. %s%s.%s",
	    report->drained_ms == 0 ? "That has never happened" : "It ran last ", age,
	    report->is_overdue ? " That is overdue: look at the host's cron jobs." : "");
}

void
mode_report(const struct conf *conf, int64_t now_ms, struct mode_report *report)
{
	char age[40] = "", cron[80] = "";

	*report = (struct mode_report){.mode = mode_of(conf), .drained_ms = drained_ms(conf)};
	if (report->drained_ms != 0) {
		say_age(age, sizeof(age), (now_ms - report->drained_ms) / 1000);
		snprintf(cron, sizeof(cron), " Cron's billhook drain ran last %s.", age);
	}
	switch (report->mode) {
	case MODE_CRON:
		report->is_overdue = now_ms - report->drained_ms > OVERDUE_MS;
		say_cron(report, age);
		break;
	case MODE_ON_DEMAND:
		snprintf(report->text, sizeof(report->text),
		    "Billhook's processes come with a request, and go after %lld idle seconds.%s",
		    (long long)conf->idle_exit_s, cron);
		break;
	case MODE_DAEMONS:
		snprintf(report->text, sizeof(report->text),
		    "Billhook's processes stay, and handle what comes at once.%s", cron);
		break;
	}
}

void
mode_note_drain(const struct conf *conf)
{
	char *path = conf_path(conf, DRAINED);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	/* Without it people are told that cron is overdue; the work is done all the same. */
	if (fd >= 0) {
		(void)!futimens(fd, NULL);
		close(fd);
	}
	free(path);
}

/* A command's word, so that a shell takes it for one. */
static char *
quoted(const char *word)
{
	struct bh_buf out = BH_BUF_INIT(8192);

	bh_buf_addc(&out, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			bh_buf_adds(&out, "'\\''");
		else if (*word == '%')
			bh_buf_adds(&out, "\\%"); /* cron's end of line */
		else
			bh_buf_addc(&out, *word);
	bh_buf_addc(&out, '\'');
	return bh_buf_steal(&out);
}

char *
mode_cron_line(const struct conf *conf)
{
	char *exe = quoted(bh_exe_path()), *dir = quoted(conf->data_dir);
	char *line = bh_xasprintf("* * * * * %s drain --for %d --dir %s", exe, DRAIN_S, dir);

	free(exe);
	free(dir);
	return line;
}
