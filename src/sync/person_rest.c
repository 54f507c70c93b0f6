/* One person: what an erasure leaves, and what is said of it.  See person.h. */
#include "base/base.h"

#include <dirent.h>

#include "base/json.h"
#include "base/text.h"
#include "state/backup.h"
#include "state/inquiry.h"
#include "sync/person.h"

#define REST_MAX 100

/* What may lie there; the first that fits.  With advice the name is the begin of one. */
static const struct {
	const char *dir; /* below the data directory; "" itself */
	const char *name;
	const char *what; /* to do with it; NULL: ours, and searched or without them */
} places[] = {
    {"", ".", NULL},
    {"", "..", NULL},
    {"", "billhook.conf", NULL},
    {"", "key", NULL},
    {"", "setup-code", NULL},
    {"", "probe.txt", NULL},
    {"", "db.before-", "a store that restore set aside: remove it once it is needed no more"},
    {"", "db.restore", "what a restore left that was broken off: remove it"},
    {"", "db", NULL},
    {"", "spool", NULL},
    {"", "run", NULL},
    {"", "log", NULL},
    {"", BACKUP_DIR, NULL},
    {"", INQUIRY_DIR, NULL},
    {"", "", "not made by Billhook: see whether it is a copy or a dump"},
    {BACKUP_DIR, "billhook-",
	"a copy made in the browser: remove it at Settings, Backup; by itself it goes within a day"},
};

static const char *
what_of(const char *dir, const char *name)
{
	for (size_t i = 0; i < BH_LEN(places); i++)
		if (strcmp(places[i].dir, dir) == 0 &&
		    (places[i].what != NULL ? bh_has_prefix(name, places[i].name)
					    : strcmp(name, places[i].name) == 0))
			return places[i].what;
	return NULL;
}

static void
look_into(const struct conf *conf, const char *dir, json_t *rest)
{
	char *path = bh_xasprintf("%s/%s", conf->data_dir, dir);
	const struct dirent *entry;
	DIR *handle = opendir(path);

	while (handle != NULL && json_array_size(rest) < REST_MAX &&
	       (entry = readdir(handle)) != NULL) {
		const char *what = what_of(dir, entry->d_name);
		char *name;

		if (what == NULL)
			continue;
		name = bh_xasprintf("%s%s%s", dir, *dir != '\0' ? "/" : "", entry->d_name);
		json_array_append_new(rest,
		    json_pack("{s:o, s:s}", "path", bh_json_string(name), "what", what));
		free(name);
	}
	if (handle != NULL)
		closedir(handle);
	free(path);
}

json_t *
person_rest(const struct conf *conf)
{
	json_t *rest = json_array();

	look_into(conf, "", rest);
	look_into(conf, BACKUP_DIR, rest);
	return rest;
}

void
person_done_text(const struct person_done *done, struct bh_buf *text)
{
	const char *before = ": ";

	bh_buf_adds(text, "a person was erased");
	for (int part = 0; part < PERSON__MAX; part++) {
		if (done->n[part] == 0)
			continue;
		bh_buf_addf(text, "%s%zu %s", before, done->n[part],
		    person_part_name((enum person_part)part));
		before = ", ";
	}
}
