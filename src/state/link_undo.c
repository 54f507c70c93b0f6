/* Links whose values were put back (state/undo.h): left alone until a person lets them be written. */
#include "base/base.h"

#include "base/clock.h"
#include "state/link_internal.h"

/* 1, 0 there is none, -1.  Checked. */
static int
load(struct store_txn *txn, const struct key *key, struct link *link, struct bh_err *err)
{
	struct store_item item = {.key = key->data, .key_len = key->len, .checked = true};

	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (item.found)
		link_decode(item.value, item.value_len, item.version, link);
	return item.found;
}

/* Store it in another state; counts and lists follow. */
static int
turn(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *link, struct bh_err *err)
{
	struct key key;

	if (link_count_one(txn, id, was, link, err) < 0)
		return -1;
	link_key(&key, "Lk", id);
	link_put(txn, &key, link);
	return link_unlist(txn, id, was, link, err);
}

bool
is_link_undone(const struct link *link)
{
	return link->state == LINK_EXCLUDED && strcmp(link->code, LINK_UNDONE) == 0;
}

/* What it was pushed with is of no use any more: released, it is sent whole. */
int
link_undo(struct store_txn *txn, const struct link_id *id, const char *who, int64_t run,
    bool is_removed, struct bh_err *err)
{
	char day[BH_CLOCK_TEXT];
	struct link was, link;
	struct key key;
	int rc;

	link_key(&key, "Lk", id);
	rc = load(txn, &key, &was, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	link = was;
	bh_date(day, bh_now_ms());
	link.state = LINK_EXCLUDED;
	link.undone = run;
	link.attempts = 0;
	link.not_before_ms = 0;
	link.hash[0] = link.parents[0] = link.said[0] = '\0';
	if (is_removed)
		link.remote_id[0] = link.how[0] = link.kept[0] = link.tied[0] = '\0';
	snprintf(link.code, sizeof(link.code), LINK_UNDONE);
	snprintf(link.cause, sizeof(link.cause),
	    "%s by %.72s on %s; left alone until someone lets it be written again",
	    is_removed ? "Removed" : "Put back", who, day);
	snprintf(link.remedy, sizeof(link.remedy), "Let it be written again on its page.");
	if (!is_link_undone(&was) || was.undone != run)
		link_note(&link, LINK_PUT_BACK, bh_now_ms());
	return turn(txn, id, &was, &link, err);
}

int
link_redo(struct store_txn *txn, const struct link_id *id, struct bh_err *err)
{
	struct link was, link;
	struct key key;
	int rc;

	link_key(&key, "Lk", id);
	rc = load(txn, &key, &was, err);
	if (rc <= 0 || !is_link_undone(&was))
		return rc < 0 ? -1 : 1;
	link = was;
	link.state = link.remote_id[0] != '\0' ? LINK_CLEAN : LINK_NEW;
	link.undone = 0;
	link.code[0] = link.cause[0] = link.remedy[0] = '\0';
	link_note(&link, LINK_LET_GO, bh_now_ms());
	link_mark(txn, id);
	return turn(txn, id, &was, &link, err);
}
