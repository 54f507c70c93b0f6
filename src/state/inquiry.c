/* See inquiry.h.  Key: Iq, a JSON object. */
#include "base/base.h"

#include "state/inquiry.h"

#include "state/queue.h"

#define DOC_MAX (4u << 20)

static const char *const names[INQUIRY__MAX] = {"none", "asked", "looking", "looked", "told",
    "erasing", "erased", "failed"};

static enum inquiry_state
state_of(const char *name)
{
	for (int i = 0; i < INQUIRY__MAX && name != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return (enum inquiry_state)i;
	return INQUIRY_NONE;
}

void
inquiry_release(struct inquiry *inquiry)
{
	json_decref(inquiry->facts);
	inquiry->facts = NULL;
}

bool
is_inquiry_busy(const struct inquiry *inquiry)
{
	return inquiry->state == INQUIRY_ASKED || inquiry->state == INQUIRY_LOOKING ||
	       inquiry->state == INQUIRY_TOLD || inquiry->state == INQUIRY_ERASING;
}

static void
read_doc(struct inquiry *inquiry, const json_t *doc)
{
	inquiry->state = state_of(bh_json_str(doc, "state"));
	inquiry->asked_ms = bh_json_int(doc, "asked", 0);
	bh_json_copy(inquiry->who, sizeof(inquiry->who), doc, "who");
	bh_json_copy(inquiry->connection, sizeof(inquiry->connection), doc, "connection");
	bh_json_copy(inquiry->by, sizeof(inquiry->by), doc, "by");
	inquiry->until_ms = bh_json_int(doc, "until", 0);
	inquiry->read = bh_json_int(doc, "read", 0);
	inquiry->bytes = bh_json_int(doc, "bytes", 0);
	bh_json_copy(inquiry->name, sizeof(inquiry->name), doc, "name");
	bh_json_copy(inquiry->note, sizeof(inquiry->note), doc, "note");
	inquiry->facts = json_incref(json_object_get(doc, "facts"));
	/* It becomes part of a path. */
	if (strchr(inquiry->name, '/') != NULL)
		inquiry->name[0] = '\0';
}

int
inquiry_get(struct store_txn *txn, struct inquiry *inquiry, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	json_t *doc = NULL;
	int rc = store_get(txn, "Iq", 2, &value, err);

	*inquiry = (struct inquiry)INQUIRY_INIT;
	if (rc > 0)
		doc = json_loadb(value.data, value.len, 0, NULL);
	read_doc(inquiry, doc);
	if (!json_is_object(inquiry->facts)) {
		json_decref(inquiry->facts);
		inquiry->facts = json_object();
	}
	json_decref(doc);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

void
inquiry_put(struct store_txn *txn, const struct inquiry *inquiry)
{
	json_t *doc;
	char *text;

	if (inquiry->state == INQUIRY_NONE) {
		store_delete(txn, "Iq", 2);
		return;
	}
	doc = json_pack("{s:s, s:I, s:o, s:o, s:s, s:I, s:I, s:I, s:s, s:o, s:O?}", "state",
	    names[inquiry->state], "asked", (json_int_t)inquiry->asked_ms, "who",
	    bh_json_string(inquiry->who), "connection", bh_json_string(inquiry->connection), "by",
	    inquiry->by, "until", (json_int_t)inquiry->until_ms, "read", (json_int_t)inquiry->read,
	    "bytes", (json_int_t)inquiry->bytes, "name", inquiry->name, "note",
	    bh_json_string(inquiry->note), "facts", inquiry->facts);
	text = bh_json_text(doc);
	store_put(txn, "Iq", 2, text, strlen(text));
	free(text);
	json_decref(doc);
}

/* How it is now, and when the job is to look at it. */
static int
leave(struct store_txn *txn, struct inquiry *inquiry, int64_t due_ms)
{
	inquiry_put(txn, inquiry);
	queue_wake(txn, INQUIRY_JOB, "", due_ms);
	inquiry_release(inquiry);
	return 0;
}

int
inquiry_ask(struct store_txn *txn, const char *who, const char *connection, const char *by,
    int64_t now_ms, struct bh_err *err)
{
	struct inquiry inquiry;
	bool is_busy;

	if (inquiry_get(txn, &inquiry, err) < 0)
		return -1;
	is_busy = is_inquiry_busy(&inquiry);
	inquiry_release(&inquiry);
	if (is_busy)
		return 1;
	inquiry = (struct inquiry){.state = INQUIRY_ASKED, .asked_ms = now_ms};
	snprintf(inquiry.who, sizeof(inquiry.who), "%s", who);
	snprintf(inquiry.connection, sizeof(inquiry.connection), "%s", connection);
	snprintf(inquiry.by, sizeof(inquiry.by), "%s", by);
	return leave(txn, &inquiry, now_ms);
}

int
inquiry_tell(struct store_txn *txn, int64_t asked_ms, const char *by, int64_t now_ms,
    struct bh_err *err)
{
	struct inquiry inquiry;

	if (inquiry_get(txn, &inquiry, err) < 0)
		return -1;
	if (inquiry.state != INQUIRY_LOOKED || inquiry.asked_ms != asked_ms) {
		inquiry_release(&inquiry);
		return 1;
	}
	inquiry.state = INQUIRY_TOLD;
	inquiry.read = 0;
	snprintf(inquiry.by, sizeof(inquiry.by), "%s", by);
	return leave(txn, &inquiry, now_ms);
}

int
inquiry_end(struct store_txn *txn, int64_t until_ms, struct bh_err *err)
{
	struct inquiry inquiry;

	if (inquiry_get(txn, &inquiry, err) < 0)
		return -1;
	if (inquiry.state == INQUIRY_NONE || is_inquiry_busy(&inquiry)) {
		inquiry_release(&inquiry);
		return 1;
	}
	if (until_ms < inquiry.until_ms)
		inquiry.until_ms = until_ms;
	return leave(txn, &inquiry, inquiry.until_ms);
}

char *
inquiry_path(const char *data_dir, const struct inquiry *inquiry)
{
	return bh_xasprintf("%s/" INQUIRY_DIR "/%s", data_dir, inquiry->name);
}
