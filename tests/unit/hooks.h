/* For tests over recorded webhooks: tests/hooks/<source>/<case>.json and <case>.want.json. */
#ifndef TESTS_UNIT_HOOKS_H
#define TESTS_UNIT_HOOKS_H

#include <dirent.h>

#include "base/buf.h"
#include "base/text.h"
#include "source/source.h"
#include "unit.h"

#define HOOKS_MAX 400
#define HOOKS_RECEIVED_MS INT64_C(1795500000000)

struct hook {
	char name[200]; /* without .json */
	char *body;
	size_t body_len;
	json_t *want; /* NULL when the file is not there */
};
struct hooks {
	const struct source_driver *driver;
	char *folder;
	struct hook items[HOOKS_MAX];
	size_t n;
};

static inline char *
hooks_slurp(const char *path, size_t *len_r)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t len = 0, n;

	if (file == NULL)
		fail_msg("cannot open %s", path);
	do {
		text = bh_xrealloc(text, len + 65537);
		n = fread(text + len, 1, 65536, file);
		len += n;
	} while (n > 0);
	fclose(file);
	text[len] = '\0';
	*len_r = len;
	return text;
}

static inline int
hooks_compare(const void *a, const void *b)
{
	return strcmp(((const struct hook *)a)->name, ((const struct hook *)b)->name);
}

static inline char *
hooks_path(const struct hooks *hooks, const char *name, const char *suffix)
{
	return bh_xasprintf("%s/%s%s", hooks->folder, name, suffix);
}

/* All cases of a source, in order of name. */
static inline struct hooks *
hooks_load(const char *source)
{
	struct hooks *hooks = bh_xcalloc(1, sizeof(*hooks));
	char *top = unit_path("tests/hooks");
	struct dirent *entry;
	DIR *dir;

	hooks->driver = source_driver(source);
	assert_non_null(hooks->driver);
	hooks->folder = bh_xasprintf("%s/%s", top, source);
	dir = opendir(hooks->folder);
	if (dir == NULL)
		fail_msg("cannot open %s", hooks->folder);
	while ((entry = readdir(dir)) != NULL) {
		struct hook *hook = &hooks->items[hooks->n];
		char *path;

		if (!bh_has_suffix(entry->d_name, ".json") ||
		    bh_has_suffix(entry->d_name, ".want.json"))
			continue;
		assert_true(hooks->n < HOOKS_MAX);
		snprintf(hook->name, sizeof(hook->name), "%.*s", (int)strlen(entry->d_name) - 5,
		    entry->d_name);
		path = hooks_path(hooks, hook->name, ".json");
		hook->body = hooks_slurp(path, &hook->body_len);
		free(path);
		path = hooks_path(hooks, hook->name, ".want.json");
		bh_json_read(path, 1 << 20, &hook->want, NULL);
		free(path);
		hooks->n++;
	}
	closedir(dir);
	free(top);
	qsort(hooks->items, hooks->n, sizeof(hooks->items[0]), hooks_compare);
	assert_true(hooks->n > 20);
	return hooks;
}

static inline void
hooks_free(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++) {
		free(hooks->items[i].body);
		json_decref(hooks->items[i].want);
	}
	free(hooks->folder);
	free(hooks);
}

struct hook_result {
	struct source_event event;
	struct source_result got;
	struct bh_err err;
	int rc;
};

/* Identify and normalise one case as it would be at received_ms. */
static inline void
hook_run(const struct hooks *hooks, const struct hook *hook, int64_t received_ms,
    struct hook_result *result)
{
	struct source_config config = {
	    .code = "test",
	    .settings = json_object_get(hook->want, "settings"),
	    .secrets = NULL,
	};
	struct source_header headers[8];
	struct source_request request = {
	    .headers = headers,
	    .body = hook->body,
	    .body_len = hook->body_len,
	    .received_ms = received_ms,
	};
	json_t *body = NULL, *value;
	const char *name;

	json_object_foreach (json_object_get(hook->want, "headers"), name, value)
		headers[request.headers_n++] =
		    (struct source_header){name, json_string_value(value)};
	*result = (struct hook_result){.err = BH_ERR_INIT};
	result->rc = hooks->driver->identify(&config, &request, &result->event, &result->err);
	if (result->rc == 0)
		result->rc = bh_json_parse(hook->body, hook->body_len, &body, &result->err);
	if (result->rc == 0)
		result->rc = hooks->driver->normalise(&config, &result->event, body, received_ms,
		    &result->got, &result->err);
	json_decref(body);
}

#endif
