/* Root works as the owner of the data directory: see cli.h. */
#include "base/base.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "cli/cli.h"

static char *worker; /* "www-data, who owns /var/lib/billhook"; NULL: we are who started us */

/* What root would have been let do, and the owner is not. */
const char *
cli_denied_as(const char *text)
{
	bool is_denied =
	    strstr(text, strerror(EACCES)) != NULL || strstr(text, strerror(EPERM)) != NULL;

	return is_denied ? worker : NULL;
}

int
cli_become_owner(const char *data_dir)
{
	const struct passwd *user;
	struct stat is;
	int rc;

	if (geteuid() != 0 || stat(data_dir, &is) < 0 || !S_ISDIR(is.st_mode) || is.st_uid == 0)
		return 0;
	user = getpwuid(is.st_uid);
	worker = user != NULL ? bh_xasprintf("%s, who owns %s", user->pw_name, data_dir)
			      : bh_xasprintf("user %ld, who owns %s", (long)is.st_uid, data_dir);
	if (user != NULL)
		rc = initgroups(user->pw_name, user->pw_gid);
	else
		rc = setgroups(0, NULL);
	if (rc < 0 || setgid(user != NULL ? user->pw_gid : is.st_gid) < 0 || setuid(is.st_uid) < 0)
		return cli_error("cannot work: %s", strerror(errno));
	return 0;
}

/* -- check -- */

/* "www-data", or "user 33" where it has no name; owned. */
static char *
user_name(uid_t id)
{
	const struct passwd *user = getpwuid(id);

	return user != NULL ? bh_xstrdup(user->pw_name) : bh_xasprintf("user %ld", (long)id);
}

static char *
foreign_fault(const char *path, uid_t owner, const char *data_dir, const struct stat *dir)
{
	char *name = user_name(owner), *fault;
	const struct passwd *user = getpwuid(dir->st_uid);

	if (user != NULL) /* with the colon: and its group */
		fault = bh_xasprintf("%s belongs to %s: chown -R %s: %s", path, name, user->pw_name,
		    data_dir);
	else
		fault = bh_xasprintf("%s belongs to %s: chown -R %ld:%ld %s", path, name,
		    (long)dir->st_uid, (long)dir->st_gid, data_dir);
	free(name);
	return fault;
}

/* Of one file or directory below it, and what lies right in that; NULL: good. */
static char *
find_fault(const char *path, const char *data_dir, const struct stat *dir)
{
	const struct dirent *entry;
	char *fault = NULL, *below;
	struct stat is;
	DIR *handle;

	if (lstat(path, &is) < 0)
		return NULL; /* it is made when it is needed */
	if (is.st_uid != dir->st_uid)
		return foreign_fault(path, is.st_uid, data_dir, dir);
	if (access(path, S_ISDIR(is.st_mode) ? R_OK | W_OK | X_OK : R_OK) < 0)
		return bh_xasprintf("%s: %s: chmod u+rwX %s", path, strerror(errno), path);
	handle = S_ISDIR(is.st_mode) ? opendir(path) : NULL;
	while (handle != NULL && fault == NULL && (entry = readdir(handle)) != NULL) {
		if (strcmp(entry->d_name, "..") == 0 ||
		    fstatat(dirfd(handle), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) < 0 ||
		    is.st_uid == dir->st_uid)
			continue;
		below = bh_xasprintf("%s/%s", path, entry->d_name);
		fault = foreign_fault(below, is.st_uid, data_dir, dir);
		free(below);
	}
	if (handle != NULL)
		closedir(handle);
	return fault;
}

char *
cli_owner_fault(const char *data_dir)
{
	static const char *const names[] = {"key", "db", "log", "run", "spool"};
	char *fault = NULL, *path, *name;
	struct stat dir;

	if (stat(data_dir, &dir) < 0)
		return NULL;
	if (dir.st_uid != geteuid()) {
		name = user_name(dir.st_uid);
		fault = bh_xasprintf("the data directory belongs to %s: say it as %s, or as root",
		    name, name);
		free(name);
	}
	for (size_t i = 0; i < BH_LEN(names) && fault == NULL; i++) {
		path = bh_xasprintf("%s/%s", data_dir, names[i]);
		fault = find_fault(path, data_dir, &dir);
		free(path);
	}
	return fault;
}
