/* The data directory of an archive in a web space: see place.h. */
#include "base/base.h"

#include "conf/place.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"

#define NAME "billhook-data"

/* What hosts call a document root. */
static const char *const root_names[] = {"public_html", "public_htdocs", "htdocs", "httpdocs",
    "httpsdocs", "html", "www", "web", "webroot", "wwwroot", "public"};

static bool
is_root_name(const char *name, size_t len)
{
	for (size_t i = 0; i < BH_LEN(root_names); i++)
		if (strlen(root_names[i]) == len && memcmp(root_names[i], name, len) == 0)
			return true;
	return false;
}

/* Ours alone to write: what a host gives a customer, not what all customers share. */
static bool
is_ours(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & S_IWOTH) == 0 && access(dir, W_OK | X_OK) == 0;
}

/* Length of the path of the document root's parent; 0 when none is to be told.  len: of the document root, 0 unknown. */
static size_t
parent_length(const char *site, size_t root_len)
{
	size_t len = 0;

	for (const char *at = strchr(site, '/'); at != NULL; at = strchr(at + 1, '/')) {
		size_t name_len = strcspn(at + 1, "/"), end = (size_t)(at - site) + 1 + name_len;
		char *parent;
		bool found;

		/* What stands below the document root is handed out. */
		if (root_len > 0 && end > root_len)
			break;
		if (end != root_len && !is_root_name(at + 1, name_len))
			continue;
		parent = bh_xstrndup(site, (size_t)(at - site));
		found = is_ours(parent);
		free(parent);
		if (found)
			len = (size_t)(at - site);
		/* Without the document root one further in may stand below it. */
		if (found || root_len == 0)
			break;
	}
	return len;
}

/* Of a document root that site is, or stands below; else 0. */
static size_t
root_length(const char *site, const char *document_root)
{
	size_t len = document_root != NULL ? strlen(document_root) : 0;

	if (len == 0 || strncmp(site, document_root, len) != 0 ||
	    (site[len] != '\0' && site[len] != '/'))
		return 0;
	return len;
}

static char *
suggest(const char *site, const char *document_root)
{
	size_t len = parent_length(site, root_length(site, document_root));
	char *dir;

	if (len == 0)
		return bh_xasprintf("%s/" PLACE_INSIDE, site);
	dir = bh_xasprintf("%.*s/" NAME "/%s", (int)len, site, site + len + 1);
	for (char *at = dir + len + strlen("/" NAME "/"); *at != '\0'; at++)
		if (*at == '/')
			*at = '-';
	return dir;
}

/* As a whole or not at all, and never over what is there. */
static void
write_down(const char *site, const char *dir)
{
	char *path = bh_xasprintf("%s/billhook.conf", site);
	char *temporary = bh_xasprintf("%s.%d", path, (int)getpid());
	char *text = bh_xasprintf(
	    "# Where Billhook keeps its data; chosen when it was opened first.  To move it: stop\n"
	    "# Billhook, move the directory, change this line.\n"
	    "data_dir = %s\n",
	    dir);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	/* Not to be written: the same is chosen again each time. */
	if (fd >= 0 && bh_write_full(fd, text, strlen(text), NULL) == 0)
		(void)!link(temporary, path);
	if (fd >= 0) {
		close(fd);
		unlink(temporary);
	}
	free(text);
	free(temporary);
	free(path);
}

char *
place_choose(const char *site, const char *document_root)
{
	/* Our own path is without symbolic links. */
	char *real = document_root != NULL ? realpath(document_root, NULL) : NULL;
	char *dir = suggest(site, real);

	if (bh_make_dir(dir, NULL) == 0)
		write_down(site, dir);
	free(real);
	return dir;
}

const char *
place_inside(const char *dir)
{
	const char *root = bh_root(), *slash = root != NULL ? strrchr(root, '/') : NULL;
	size_t len = slash != NULL ? (size_t)(slash - root) : 0;

	return len > 0 && strncmp(dir, root, len) == 0 && dir[len] == '/' ? dir + len : NULL;
}
