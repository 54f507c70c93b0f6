/* See backup.h.  Key: Bk, a JSON object. */
#include "base/base.h"

#include "state/backup.h"

#include "base/disk.h"
#include "base/json.h"
#include "state/queue.h"

#define DOC_MAX 4096

static const char *const names[BACKUP__MAX] = {"none", "asked", "copying", "ready", "failed"};

static enum backup_state
state_of(const char *name)
{
	for (int i = 0; i < BACKUP__MAX && name != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return (enum backup_state)i;
	return BACKUP_NONE;
}

int
backup_get(struct store_txn *txn, struct backup *backup, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	json_t *doc = NULL;
	int rc = store_get(txn, "Bk", 2, &value, err);

	*backup = (struct backup){BACKUP_NONE};
	if (rc > 0)
		doc = json_loadb(value.data, value.len, 0, NULL);
	backup->state = state_of(bh_json_str(doc, "state"));
	backup->asked_ms = bh_json_int(doc, "asked", 0);
	backup->has_key = bh_is_json_true(doc, "key");
	backup->made_ms = bh_json_int(doc, "made", 0);
	backup->until_ms = bh_json_int(doc, "until", 0);
	backup->bytes = bh_json_int(doc, "bytes", 0);
	bh_json_copy(backup->name, sizeof(backup->name), doc, "name");
	bh_json_copy(backup->note, sizeof(backup->note), doc, "note");
	/* It becomes part of a path. */
	if (strchr(backup->name, '/') != NULL)
		backup->state = BACKUP_NONE;
	json_decref(doc);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

void
backup_put(struct store_txn *txn, const struct backup *backup)
{
	json_t *doc;
	char *text;

	if (backup->state == BACKUP_NONE) {
		store_delete(txn, "Bk", 2);
		return;
	}
	doc = json_pack("{s:s, s:I, s:b, s:I, s:I, s:I, s:s, s:o}", "state", names[backup->state],
	    "asked", (json_int_t)backup->asked_ms, "key", backup->has_key, "made",
	    (json_int_t)backup->made_ms, "until", (json_int_t)backup->until_ms, "bytes",
	    (json_int_t)backup->bytes, "name", backup->name, "note", bh_json_string(backup->note));
	text = bh_json_text(doc);
	store_put(txn, "Bk", 2, text, strlen(text));
	free(text);
	json_decref(doc);
}

int
backup_ask(struct store_txn *txn, bool has_key, int64_t now_ms, struct bh_err *err)
{
	struct backup backup;

	if (backup_get(txn, &backup, err) < 0)
		return -1;
	if (backup.state == BACKUP_ASKED || backup.state == BACKUP_COPYING)
		return 1;
	backup = (struct backup){.state = BACKUP_ASKED, .asked_ms = now_ms, .has_key = has_key};
	backup_put(txn, &backup);
	queue_wake(txn, BACKUP_JOB, "", now_ms);
	return 0;
}

int
backup_end(struct store_txn *txn, int64_t until_ms, struct bh_err *err)
{
	struct backup backup;

	if (backup_get(txn, &backup, err) < 0)
		return -1;
	if (backup.state != BACKUP_READY)
		return 1;
	if (until_ms < backup.until_ms)
		backup.until_ms = until_ms;
	backup_put(txn, &backup);
	queue_wake(txn, BACKUP_JOB, "", backup.until_ms);
	return 0;
}

char *
backup_path(const char *data_dir, const struct backup *backup)
{
	return bh_xasprintf("%s/" BACKUP_DIR "/%s", data_dir, backup->name);
}

int64_t
backup_written(const char *data_dir)
{
	char *dir = bh_xasprintf("%s/" BACKUP_DIR, data_dir),
	     *copy = bh_xasprintf("%s/" BACKUP_COPY, dir);
	int64_t bytes = bh_disk_bytes(dir) + bh_disk_bytes(copy);

	free(copy);
	free(dir);
	return bytes;
}
