/* See fate.h. */
#include "base/base.h"

#include "sync/fate.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/trail.h"

static bool
is_gone(const struct render_item *item, const struct dest_result *result)
{
	return item->verdict == RENDER_SEND && result->outcome == DEST_REJECTED &&
	       strcmp(result->code, FATE_GONE) == 0 && item->link.remote_id[0] != '\0';
}

/* A record that is new to us, refused because of one that we may not know. */
static bool
is_owned(const struct render_item *item, const struct dest_result *result)
{
	return item->verdict == RENDER_SEND && result->outcome == DEST_REJECTED &&
	       strcmp(result->code, FATE_OWNED) == 0 && result->remote_id[0] != '\0' &&
	       item->link.remote_id[0] == '\0';
}

struct told {
	const struct lane *lane;
	const char *text;
};

static int
add_trail(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct told *told = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "alarm",
	    .subject = told->lane->connection->account.code,
	    .text = told->text};

	trail_add(txn, 0, &entry);
	return 0;
}

static void
tell(const struct lane *lane, const struct render_item *item, const char *what)
{
	char text[400];
	struct told told = {lane, text};

	snprintf(text, sizeof(text), "%s %s (%s): %s", item->record->object, item->record->key,
	    item->link.remote_id, what);
	bh_log(BH_WARN, "lane %s: %s", lane->connection->account.code, text);
	store_run(lane->context->store, add_trail, &told, NULL, NULL);
}

static void
refuse(const struct lane *lane, const struct render_item *item, struct dest_result *result,
    const char *code, const char *cause, const char *remedy)
{
	dest_result_set(result, DEST_REJECTED, code, cause, remedy);
	if (strcmp(item->link.code, code) != 0)
		tell(lane, item, cause);
}

/* The key of a record, "" for none; false when it cannot be asked. */
static bool
has_key_of(struct lane *lane, const struct render_item *item, const char *remote_id, char *key,
    size_t size)
{
	struct dest_wanted wanted = {.object = item->record->object,
	    .key_field = item->record->key_field,
	    .fields = {"Id"},
	    .values = {remote_id},
	    .n = 1};
	struct dest_found found;

	memset(&found, 0, sizeof(found));
	if (lane->driver->find == NULL ||
	    lane->driver->find(&lane->config, &wanted, 1, &found, NULL) < 0 || found.n != 1)
		return false;
	snprintf(key, size, "%s", found.items[0].key);
	return true;
}

/* The CRM cannot be asked now, which says nothing against the record. */
static void
put_off(struct dest_result *result)
{
	dest_result_set(result, DEST_LATER, FATE_GONE,
	    "The record is not there any more, and what became of it cannot be asked now",
	    "Nothing is to be done: Billhook tries again.");
}

/* It is to be sent again, to another record. */
static void
move(struct render_item *item, const char *remote_id, const char *how)
{
	item->verdict = RENDER_MOVED;
	item->link.state = LINK_NEW;
	item->link.hash[0] = item->link.kept[0] = '\0';
	snprintf(item->link.remote_id, sizeof(item->link.remote_id), "%s", remote_id);
	snprintf(item->link.how, sizeof(item->link.how), "%s", how);
}

static void
settle_merged(struct lane *lane, struct render_item *item, const struct dest_end *end,
    struct dest_result *result)
{
	char key[256], cause[240];

	if (!has_key_of(lane, item, end->survivor_id, key, sizeof(key))) {
		dest_result_set(result, DEST_LATER, FATE_GONE,
		    "The record was merged into another one, which cannot be looked at now",
		    "Nothing is to be done: Billhook tries again.");
		return;
	}
	if (key[0] != '\0' && strcmp(key, item->record->key) != 0) {
		snprintf(cause, sizeof(cause),
		    "It was merged in the CRM into %s, which belongs to %.100s", end->survivor_id,
		    key);
		refuse(lane, item, result, "MERGED", cause,
		    "Merge the two customers at the billing system as well, or link this one to another record.");
		return;
	}
	tell(lane, item, "merged in the CRM; its survivor is kept in step from now on");
	move(item, end->survivor_id, "its record was merged into this one");
}

/*
 * A contact with the same e-mail address is the same person.  Of the owner's key: another
 * customer's means that a person must look.
 */
static void
settle_owned(struct lane *lane, struct render_item *item, struct dest_result *result)
{
	char owner[sizeof(result->remote_id)], key[256];

	snprintf(owner, sizeof(owner), "%s", result->remote_id);
	if (!has_key_of(lane, item, owner, key, sizeof(key))) {
		dest_result_set(result, DEST_LATER, FATE_OWNED,
		    "Another record holds a value that only one may have, and cannot be looked at now",
		    "Nothing is to be done: Billhook tries again.");
		result->doubtful = true;
		return;
	}
	if (key[0] != '\0' && strcmp(key, item->record->key) != 0)
		return;
	bh_log(BH_INFO, "%s %s is %s: it stood in the way", item->record->object, item->record->key,
	    owner);
	move(item, owner, "it holds a value that only one record may have");
}

static void
settle(struct lane *lane, struct render_item *item, const struct dest_end *end,
    struct dest_result *result)
{
	switch (end->fate) {
	case DEST_FATE_MERGED:
		settle_merged(lane, item, end, result);
		break;
	case DEST_FATE_DELETED:
		refuse(lane, item, result, "DELETED", "A person deleted the record in the CRM",
		    "Restore it from the CRM's recycle bin and retry, link another record, or let a new one be made.");
		break;
	case DEST_FATE_GONE:
		refuse(lane, item, result, "DELETED", "The record is in the CRM no more",
		    "Link another record, or let a new one be made.");
		break;
	case DEST_FATE_THERE:
	case DEST_FATE_UNKNOWN:
		result->outcome = DEST_LATER;
		result->doubtful = true;
		break;
	}
}

void
fate_resolve(struct lane *lane, struct render_item *items, struct dest_result *results, size_t n)
{
	struct dest_end *ends = bh_xcalloc(n, sizeof(ends[0]));
	size_t *places = bh_xcalloc(n, sizeof(places[0]));
	struct bh_err why = BH_ERR_INIT;
	size_t gone = 0;

	for (size_t i = 0; i < n && lane->driver->end != NULL; i++) {
		if (is_owned(&items[i], &results[i]))
			settle_owned(lane, &items[i], &results[i]);
		if (!is_gone(&items[i], &results[i]))
			continue;
		ends[gone].object = items[i].record->object;
		ends[gone].remote_id = items[i].link.remote_id;
		places[gone++] = i;
	}
	if (gone > 0 && lane->driver->end(&lane->config, ends, gone, &why) < 0) {
		bh_log_err(BH_WARN, &why, "lane %s", lane->connection->account.code);
		for (size_t k = 0; k < gone; k++)
			put_off(&results[places[k]]);
		gone = 0;
	}
	for (size_t k = 0; k < gone; k++)
		settle(lane, &items[places[k]], &ends[k], &results[places[k]]);
	free(places);
	free(ends);
}
