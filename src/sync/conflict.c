/* See conflict.h. */
#include "base/base.h"

#include "sync/conflict.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/text.h"
#include "sync/held.h"
#include "sync/undo_keep.h"

#define ENTRY (2 * CONFLICT_DIGEST)

/* -- digests -- */

#define EXACT '\x01' /* in front of a text whose letters count as they are */

static void
digest_text(char out[CONFLICT_DIGEST + 1], const char *text, size_t len)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	bh_sha256(digest, text, len);
	bh_hex(hex, digest, sizeof(digest));
	memcpy(out, hex, CONFLICT_DIGEST);
	out[CONFLICT_DIGEST] = '\0';
}

/* How a text is made plain. */
enum plain {
	PLAIN_EXACT = 0, /* letters as they are, but for addresses */
	PLAIN_FOLDED     /* in lower case, as before 0.2.0; what was kept so is still known */
};

/* An e-mail address, a host or a page: no blank, and a dot or an @ within. */
static bool
is_address(const char *text, size_t len)
{
	bool is_dotted = false;

	for (size_t i = 0; i < len; i++) {
		if (strchr(" \t\r\n", text[i]) != NULL)
			return false;
		is_dotted = is_dotted || (i > 0 && i + 1 < len && strchr(".@", text[i]) != NULL);
	}
	return is_dotted;
}

/* CRMs trim texts, turn line ends, and write addresses in lower case: none of it is a person's change. */
static void
add_plain(struct bh_buf *out, const char *text, enum plain how)
{
	bool is_folded;
	size_t len;

	text += strspn(text, " \t\r\n");
	for (len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL;)
		len--;
	is_folded = how == PLAIN_FOLDED || is_address(text, len);
	if (how == PLAIN_EXACT && len > 0)
		bh_buf_addc(out, EXACT);
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r')
			bh_buf_addc(out,
			    is_folded ? (char)tolower((unsigned char)text[i]) : text[i]);
}

/* "12.50" and "12.5" are one. */
static void
add_number(struct bh_buf *out, const char *text)
{
	size_t len = strlen(text);

	if (strchr(text, '.') != NULL) {
		while (len > 0 && text[len - 1] == '0')
			len--;
		len -= len > 0 && text[len - 1] == '.';
	}
	bh_buf_add(out, text, len);
}

static void
digest_value(char out[CONFLICT_DIGEST + 1], enum record_type type, const json_t *value,
    enum plain how)
{
	struct bh_buf plain = BH_BUF_INIT(SIZE_MAX / 2);
	const char *text = json_string_value(value);
	char at[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (text != NULL && type == RECORD_TIME && bh_is_time(text, &at_ms)) {
		bh_rfc3339(at, at_ms / 1000 * 1000);
		bh_buf_adds(&plain, at);
	} else if (text != NULL && type == RECORD_NUMBER)
		add_number(&plain, text);
	else if (text != NULL)
		add_plain(&plain, text, how);
	else if (json_is_true(value))
		bh_buf_adds(&plain, "true");
	else if (type != RECORD_BOOL && !json_is_null(value) && !json_is_false(value))
		bh_json_add(&plain, value);
	digest_text(out, bh_buf_str(&plain), plain.len);
	bh_buf_release(&plain);
}

void
conflict_digest(char out[CONFLICT_DIGEST + 1], enum record_type type, const json_t *value)
{
	digest_value(out, type, value, PLAIN_EXACT);
}

/* -- what we wrote last -- */

/*
 * A field has one entry: what we wrote last.  More of them: a push was begun
 * that wrote, or did not; each of them may be what the CRM holds of ours.
 */
static const char *
next_kept(const char *kept, const char *name)
{
	char digest[CONFLICT_DIGEST + 1];

	digest_text(digest, name, strlen(name));
	for (; strlen(kept) >= ENTRY; kept += ENTRY)
		if (memcmp(kept, digest, CONFLICT_DIGEST) == 0)
			return kept;
	return NULL;
}

static size_t
count_kept(const char *kept, const char *name)
{
	size_t n = 0;

	while ((kept = next_kept(kept, name)) != NULL) {
		kept += ENTRY;
		n++;
	}
	return n;
}

static bool
is_kept(const char *kept, const char *name, const char *digest)
{
	while ((kept = next_kept(kept, name)) != NULL) {
		if (memcmp(kept + CONFLICT_DIGEST, digest, CONFLICT_DIGEST) == 0)
			return true;
		kept += ENTRY;
	}
	return false;
}

/* Is it one that we wrote? */
static bool
is_kept_value(const char *kept, const struct record_field *field, const json_t *value)
{
	char digest[CONFLICT_DIGEST + 1], before[CONFLICT_DIGEST + 1];

	conflict_digest(digest, field->type, value);
	digest_value(before, field->type, value, PLAIN_FOLDED);
	return is_kept(kept, field->name, digest) || is_kept(kept, field->name, before);
}

static void
add_kept(char *kept, const char *name, const char *digest)
{
	char *entry = kept + strlen(kept);

	digest_text(entry, name, strlen(name));
	memcpy(entry + CONFLICT_DIGEST, digest, CONFLICT_DIGEST);
	entry[ENTRY] = '\0';
}

/* More fields than fit: the rest is never taken for ours, so a person's value is safe. */
static void
keep(char *kept, size_t size, const char *name, const char *digest)
{
	const char *entry;

	while ((entry = next_kept(kept, name)) != NULL) {
		char *at = kept + (entry - kept);

		memmove(at, at + ENTRY, strlen(at + ENTRY) + 1);
	}
	if (strlen(kept) + ENTRY < size)
		add_kept(kept, name, digest);
}

/* What a push is about to write, beside what was there: nothing, where we wrote nothing before. */
static void
mean(char *meant, size_t size, const char *name, const char *digest, const char *nothing)
{
	size_t n = count_kept(meant, name), room = (size - 1 - strlen(meant)) / ENTRY;

	if (n == 0 && room >= 2) {
		add_kept(meant, name, nothing);
		add_kept(meant, name, digest);
	} else if (n > 0 && room >= 1 && !is_kept(meant, name, digest)) {
		add_kept(meant, name, digest);
	}
}

/* -- deciding -- */

static bool
is_shared(const struct record_field *field)
{
	return field->when == RECORD_IF_EMPTY || field->when == RECORD_IF_UNCHANGED;
}

static bool
is_there(const struct render_item *item)
{
	return item->record->remote_id != NULL && item->record->remote_id[0] != '\0';
}

/* Take a field out, and say why to whom it may interest. */
static void
leave(struct render_item *item, size_t index, enum conflict_left why)
{
	if (item->left != NULL)
		json_object_set_new(item->left, item->record->fields[index].name,
		    json_integer((json_int_t)why));
	record_drop_field(item->record, index);
}

/* Take out what needs no look: created once, or the same as last time. */
static size_t
drop_settled(struct render_item *item)
{
	struct record *record = item->record;
	size_t open = 0;

	for (size_t i = record->fields_n; i-- > 0;) {
		const struct record_field *field = &record->fields[i];

		if (field->when == RECORD_ON_CREATE) {
			leave(item, i, CONFLICT_CREATED);
		} else if (is_shared(field)) {
			if (count_kept(item->link.kept, field->name) == 1 &&
			    is_kept_value(item->link.kept, field, field->value))
				leave(item, i, CONFLICT_SAME);
			else
				open++;
		}
	}
	return open;
}

static bool
is_ours(const struct render_item *item, const struct record_field *field, const json_t *held)
{
	const char *kept = item->link.kept, *name = field->name;
	char digest[CONFLICT_DIGEST + 1], wanted[CONFLICT_DIGEST + 1], nothing[CONFLICT_DIGEST + 1];
	json_t *null = json_null();

	if (held == NULL)
		return false; /* it cannot be seen */
	conflict_digest(digest, field->type, held);
	conflict_digest(wanted, field->type, field->value);
	conflict_digest(nothing, field->type, null);
	if (strcmp(digest, nothing) == 0)
		return field->when == RECORD_IF_EMPTY || count_kept(kept, name) == 0 ||
		       is_kept(kept, name, nothing);
	return is_kept_value(kept, field, held) || strcmp(digest, wanted) == 0;
}

static void
judge_fields(struct render_item *item, const json_t *values)
{
	const struct record *record = item->record;

	for (size_t i = record->fields_n; i-- > 0;) {
		const struct record_field *field = &record->fields[i];
		const json_t *held = json_object_get(values, field->name);

		if (is_shared(field) && !is_ours(item, field, held))
			leave(item, i,
			    held == NULL                     ? CONFLICT_UNSEEN
			    : field->when == RECORD_IF_EMPTY ? CONFLICT_OCCUPIED
							     : CONFLICT_CHANGED);
	}
}

/* A field that the CRM might show, but did not. */
static void
note_unseen(struct render_item *item, const json_t *values)
{
	const struct record *record = item->record;

	for (size_t i = 0; i < record->fields_n; i++)
		if (is_shared(&record->fields[i]) &&
		    json_object_get(values, record->fields[i].name) == NULL)
			snprintf(item->unseen, sizeof(item->unseen), "%s", record->fields[i].name);
}

/* What is left will be written: it is ours from then on. */
static void
note_kept(struct render_item *item)
{
	char digest[CONFLICT_DIGEST + 1], nothing[CONFLICT_DIGEST + 1];

	digest_text(nothing, "", 0);
	snprintf(item->kept, sizeof(item->kept), "%s", item->link.kept);
	snprintf(item->meant, sizeof(item->meant), "%s", item->link.kept);
	for (size_t i = 0; i < item->record->fields_n; i++) {
		const struct record_field *field = &item->record->fields[i];

		if (!is_shared(field))
			continue;
		conflict_digest(digest, field->type, field->value);
		keep(item->kept, sizeof(item->kept), field->name, digest);
		mean(item->meant, sizeof(item->meant), field->name, digest, nothing);
	}
}

/* -- reading -- */

/* A field that the CRM does not have would fail the whole call. */
static bool
is_askable(const struct dest_object *described, const char *name)
{
	return described == NULL || dest_object_field(described, name) != NULL;
}

/* Of shared fields it must be known what they hold; of all, where what is written over is kept. */
static const char **
asked_names(struct lane *lane, const struct render_item *item, size_t *n_r)
{
	const struct record *record = item->record;
	const char **names = bh_xcalloc(record->fields_n + record->parents_n + 1, sizeof(names[0]));
	const struct dest_object *described = NULL;
	bool is_all = item->undo == RENDER_UNDO_OLD;

	*n_r = 0;
	if (is_all)
		lane_describe(lane, record->object, &described, NULL);
	for (size_t i = 0; i < record->fields_n; i++)
		if (is_shared(&record->fields[i]) ||
		    (is_all && is_askable(described, record->fields[i].name)))
			names[(*n_r)++] = record->fields[i].name;
	for (size_t i = 0; i < record->parents_n && is_all; i++) {
		const char *name = undo_lookup(lane, &record->parents[i]);

		if (name != NULL && is_askable(described, name))
			names[(*n_r)++] = name;
	}
	return names;
}

static int
call_read(struct lane *lane, struct dest_reading *readings, const char *const *keys, size_t n,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = held_read(lane, readings, keys, n, &why);

	if (rc < 0 && why.code == BH_INVALID) {
		/* Nothing is known of them: they are left alone, the rest is sent. */
		bh_log_err(BH_WARN, &why, "lane %s: what records hold cannot be read",
		    lane->connection->account.code);
		return 0;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* Of records that stay with us (a sandbox) every field is ours. */
static bool
is_judged(const struct lane *lane)
{
	return (lane->driver->caps & DEST_CAP_KEEP) == 0;
}

static int
read_and_judge(struct lane *lane, struct render_item **open, size_t n, struct bh_err *err)
{
	struct dest_reading *readings = bh_xcalloc(n, sizeof(readings[0]));
	const char **keys = bh_xcalloc(n, sizeof(keys[0]));
	int rc;

	for (size_t i = 0; i < n; i++) {
		readings[i].object = open[i]->record->object;
		readings[i].remote_id = open[i]->record->remote_id;
		readings[i].fields = asked_names(lane, open[i], &readings[i].fields_n);
		keys[i] = open[i]->record->key;
	}
	rc = call_read(lane, readings, keys, n, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && is_judged(lane)) {
			note_unseen(open[i], readings[i].values);
			judge_fields(open[i], readings[i].values);
		}
		open[i]->before = readings[i].values;
		free((void *)(uintptr_t)readings[i].fields);
	}
	free((void *)(uintptr_t)keys);
	free(readings);
	return rc;
}

/* Must it be known what the CRM holds of it?  Takes out what needs no look. */
static bool
is_to_be_read(const struct lane *lane, struct render_item *item)
{
	bool is_open;

	if (!is_render_sending(item) || !is_there(item))
		return false;
	is_open = is_judged(lane) && drop_settled(item) > 0;
	return is_open || item->undo == RENDER_UNDO_OLD;
}

int
conflict_resolve(struct lane *lane, struct render_item *items, size_t n, struct bh_err *err)
{
	struct render_item **open = bh_xcalloc(n, sizeof(open[0]));
	bool can_read = lane->driver->read != NULL || !is_judged(lane);
	size_t open_n = 0;
	int rc = undo_plan(lane, items, n, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		if (is_to_be_read(lane, &items[i]))
			open[open_n++] = &items[i];
	if (rc == 0 && open_n > 0 && can_read)
		rc = read_and_judge(lane, open, open_n, err);
	for (size_t i = 0; i < open_n && !can_read; i++)
		judge_fields(open[i], NULL);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (is_render_sending(&items[i]))
			note_kept(&items[i]);
	free(open);
	return rc;
}

int
conflict_mean(struct lane *lane, struct render_item *items, size_t n, const bool *is_sent,
    struct bh_err *err)
{
	struct link_dirty_entry *entries = bh_xcalloc(n, sizeof(entries[0]));
	const char **kept = bh_xcalloc(n, sizeof(kept[0]));
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < n && (lane->driver->caps & DEST_CAP_KEEP) == 0; i++) {
		struct render_item *item = &items[i];

		if (item->verdict != RENDER_SEND || (is_sent != NULL && !is_sent[i]) ||
		    strcmp(item->meant, item->link.kept) == 0)
			continue;
		snprintf(item->link.kept, sizeof(item->link.kept), "%s", item->meant);
		entries[count] = *item->entry;
		kept[count++] = item->meant;
	}
	rc = link_mean(lane->context->store, entries, kept, count, err);
	free(kept);
	free(entries);
	return rc;
}
