/* The log: see log.h. */
#include "base/base.h"

#include "base/log.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static const char *const level_names[BH_LEVEL__MAX] = {"debug", "info", "warn", "error"};
static const char *log_role = "billhook";
static enum bh_level log_least = BH_INFO;
static int log_fd = -1;
static char *log_path; /* of log_fd; NULL: a descriptor that we were given */
static void (*log_hook)(enum bh_level level, const char *text);

void
bh_log_role(const char *role)
{
	log_role = role;
}

void
bh_log_level(enum bh_level level)
{
	log_least = level;
}

void
bh_log_fd(int fd)
{
	log_fd = fd;
	free(log_path);
	log_path = NULL;
}

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

int
bh_log_file(const char *path, struct bh_err *err)
{
	int fd = open_file(path);

	if (fd < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot open the log %s", path);
	bh_log_fd(fd);
	log_path = bh_xstrdup(path);
	return 0;
}

/* The descriptor keeps its number: others leave it open by that. */
static void
follow_file(void)
{
	struct stat ours, there;
	int fd;

	if (log_path == NULL || fstat(log_fd, &ours) < 0)
		return;
	if (stat(log_path, &there) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino)
		return;
	fd = open_file(log_path);
	if (fd < 0)
		return;
	/* Where it does not follow, the old file takes the line. */
	(void)dup3(fd, log_fd, O_CLOEXEC);
	close(fd);
}

int
bh_log_descriptor(void)
{
	return log_fd;
}

void
bh_log_hook(void (*hook)(enum bh_level level, const char *text))
{
	log_hook = hook;
}

bool
bh_is_level(const char *name, enum bh_level *level_r)
{
	for (int i = 0; i < BH_LEVEL__MAX; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level_r = (enum bh_level)i;
			return true;
		}
	}
	return false;
}

void
bh_log_err(enum bh_level level, const struct bh_err *err, const char *fmt, ...)
{
	size_t len = err->own_len != 0 ? err->own_len : sizeof(err->text);
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bh_log(level, "%s: %.*s%s%s", text, (int)len, err->text,
	    err->word[0] != '\0' ? " code=" : "", err->word);
}

void
bh_log(enum bh_level level, const char *fmt, ...)
{
	char text[1000], line[1100], now[BH_CLOCK_TEXT];
	int saved = errno, n, text_n;
	va_list ap;

	if (level < log_least && log_hook == NULL)
		return;
	va_start(ap, fmt);
	text_n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bh_utf8_mend(text, text_n >= (int)sizeof(text));
	for (char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	if (log_hook != NULL) {
		log_hook(level, text);
		errno = saved;
		return;
	}
	bh_rfc3339(now, bh_now_ms());
	n = snprintf(line, sizeof(line), "%s %s %s[%d] %s\n", now, level_names[level], log_role,
	    (int)getpid(), text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	follow_file();
	/* A log that cannot be written must not stop the work. */
	if (write(log_fd >= 0 ? log_fd : STDERR_FILENO, line, (size_t)n) < 0)
		errno = saved;
	errno = saved;
}
