/* Templates and static files: see view.h.  Status and headers are in response.c. */
#include "base/base.h"

#include "web/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/mustache.h"
#include "base/text.h"

#define FILES_MAX 128
#define FILE_MAX (512u << 10)
#define NAME_MAX_LEN 64
#define SUFFIX ".mustache"
#define CACHE_VERSIONED_S (365 * 86400)
#define CACHE_PLAIN_S 300

struct file {
	char name[NAME_MAX_LEN]; /* of a template: without suffix */
	char etag[24];
	char *data;
	size_t len;
	struct bh_mustache *template;
};

struct file_set {
	struct file *items;
	size_t n;
};

struct view {
	char *template_dir, *static_dir;
	struct file_set templates, statics;
	bool is_live; /* read again for each page */
};

/* -- reading directories -- */

static void
set_release(struct file_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->items[i].data);
		bh_mustache_free(&set->items[i].template);
	}
	free(set->items);
	*set = (struct file_set){NULL, 0};
}

static const struct file *
set_find(const struct file_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->items[i].name, name) == 0)
			return &set->items[i];
	return NULL;
}

static int
read_whole(int dir_fd, const char *name, struct bh_buf *out, struct bh_err *err)
{
	char chunk[8192];
	ssize_t n;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return bh_fail_errno(err, BH_INVALID, "cannot open %s", name);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			bh_buf_add(out, chunk, (size_t)n);
	close(fd);
	if (n < 0)
		return bh_fail_errno(err, BH_INVALID, "cannot read %s", name);
	return bh_buf_check(out, name, err);
}

/* Only plain names, so that nothing else in the directory is ever served. */
static bool
is_taken(const char *name, const char *suffix)
{
	size_t len = strlen(name);

	if (len >= NAME_MAX_LEN || name[0] == '.' || !bh_has_suffix(name, suffix))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static int
add_file(struct file_set *set, int dir_fd, const char *name, bool is_template, struct bh_err *err)
{
	struct bh_buf data = BH_BUF_INIT(FILE_MAX);
	unsigned char digest[BH_SHA256_LEN];
	struct file file = {0};

	if (read_whole(dir_fd, name, &data, err) < 0 ||
	    (is_template &&
		bh_mustache_parse(bh_buf_str(&data), data.len, &file.template, err) < 0)) {
		bh_buf_release(&data);
		return bh_during(err, "%s", name);
	}
	memcpy(file.name, name,
	    strlen(name) - (is_template ? strlen(SUFFIX) : 0)); /* see is_taken() */
	bh_sha256(digest, bh_buf_str(&data), data.len);
	bh_hex(file.etag, digest, 8);
	file.len = data.len;
	file.data = bh_buf_steal(&data);
	set->items = bh_xrealloc(set->items, (set->n + 1) * sizeof(*set->items));
	set->items[set->n++] = file;
	return 0;
}

/* set is replaced when all went well, else left as it was. */
static int
read_dir(const char *path, bool is_template, struct file_set *set, struct bh_err *err)
{
	struct file_set fresh = {NULL, 0};
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int rc = 0;

	if (dir == NULL)
		return bh_fail_errno(err, BH_INVALID, "cannot open the directory %s", path);
	while (rc == 0 && fresh.n < FILES_MAX && (entry = readdir(dir)) != NULL)
		if (is_taken(entry->d_name, is_template ? SUFFIX : ""))
			rc = add_file(&fresh, dirfd(dir), entry->d_name, is_template, err);
	closedir(dir);
	if (rc < 0) {
		set_release(&fresh);
		return bh_during(err, "%s", path);
	}
	set_release(set);
	*set = fresh;
	return 0;
}

static int
read_all(struct view *view, struct bh_err *err)
{
	if (read_dir(view->template_dir, true, &view->templates, err) < 0)
		return -1;
	return read_dir(view->static_dir, false, &view->statics, err);
}

int
view_open(const struct conf *conf, struct view **view_r, struct bh_err *err)
{
	struct view *view = bh_xcalloc(1, sizeof(*view));

	view->template_dir = bh_xstrdup(conf->template_dir);
	view->static_dir = bh_xstrdup(conf->static_dir);
	view->is_live = getenv("BILLHOOK_SOURCE") != NULL;
	*view_r = view;
	if (read_all(view, err) == 0)
		return 0;
	view_close(view_r);
	return -1;
}

void
view_close(struct view **view)
{
	if (*view == NULL)
		return;
	set_release(&(*view)->templates);
	set_release(&(*view)->statics);
	free((*view)->template_dir);
	free((*view)->static_dir);
	free(*view);
	*view = NULL;
}

/* -- pages -- */

struct page {
	const struct view *view;
	const struct bh_mustache *content;
};

static const struct bh_mustache *
find_partial(void *arg, const char *name)
{
	const struct page *page = arg;
	char file_name[NAME_MAX_LEN + 1];
	const struct file *file;

	if (strcmp(name, "content") == 0)
		return page->content;
	snprintf(file_name, sizeof(file_name), "_%s", name);
	file = set_find(&page->view->templates, file_name);
	return file != NULL ? file->template : NULL;
}

int
view_page(struct view *view, struct response *response, int status, const char *page,
    const json_t *model, struct bh_err *err)
{
	struct bh_buf body = BH_BUF_INIT(VIEW_BODY_MAX);
	const struct file *layout, *content;
	struct page arg = {.view = view};

	if (view->is_live && read_all(view, err) < 0)
		return -1;
	layout = set_find(&view->templates, "layout");
	content = set_find(&view->templates, page);
	if (layout == NULL || content == NULL)
		return bh_fail(err, BH_INVALID, "no template %s in %s",
		    layout == NULL ? "layout" : page, view->template_dir);
	arg.content = content->template;
	if (bh_mustache_render(layout->template, model, find_partial, &arg, &body, err) < 0) {
		bh_buf_release(&body);
		return bh_during(err, "page %s", page);
	}
	bh_buf_release(&response->body);
	response->body = body;
	response->status = status;
	response->type = "text/html; charset=utf-8";
	return 0;
}

/* -- static files -- */

static const char *
file_type(const char *name)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {{".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
	    {".svg", "image/svg+xml"}, {".png", "image/png"}, {".ico", "image/x-icon"},
	    {".txt", "text/plain; charset=utf-8"}};

	for (size_t i = 0; i < BH_LEN(types); i++)
		if (bh_has_suffix(name, types[i].suffix))
			return types[i].type;
	return NULL;
}

bool
view_file(struct view *view, struct response *response, const char *name, const char *if_none_match,
    bool is_versioned)
{
	const char *type = file_type(name);
	const struct file *file;
	struct bh_err err = BH_ERR_INIT;

	/* A directory that cannot be read now leaves the files of last time. */
	if (view->is_live)
		read_dir(view->static_dir, false, &view->statics, &err);
	file = set_find(&view->statics, name);
	if (file == NULL || type == NULL)
		return false;
	response->type = type;
	response->file = file->data;
	response->file_len = file->len;
	response->max_age_s = is_versioned ? CACHE_VERSIONED_S : CACHE_PLAIN_S;
	response->is_immutable = is_versioned;
	snprintf(response->etag, sizeof(response->etag), "%s", file->etag);
	response->status =
	    if_none_match != NULL && strstr(if_none_match, file->etag) != NULL ? 304 : 200;
	return true;
}

const char *
view_file_version(struct view *view, const char *name)
{
	const struct file *file = set_find(&view->statics, name);

	return file != NULL ? file->etag : "";
}
