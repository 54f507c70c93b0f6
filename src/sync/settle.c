/* See settle.h. */
#include "base/base.h"

#include "sync/settle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "sync/kin.h"
#include "sync/tie.h"
#include "sync/writeback.h"

#define ATTEMPTS_MAX 40 /* about a day and a half of pauses */
#define WAIT_FIRST_MS 1000
#define WAIT_LONGEST_MS (3600 * (int64_t)1000)
#define PARENT_TRIES 5
#define DOUBTFUL_TRIES 3

static int64_t
backoff_ms(int attempts)
{
	int64_t wait = WAIT_FIRST_MS;

	for (int i = 1; i < attempts && wait < WAIT_LONGEST_MS; i++)
		wait *= 2;
	return wait < WAIT_LONGEST_MS ? wait : WAIT_LONGEST_MS;
}

static void
set_reason(struct link *link, const struct dest_result *result)
{
	snprintf(link->code, sizeof(link->code), "%s", result->code);
	snprintf(link->cause, sizeof(link->cause), "%s", result->cause);
	snprintf(link->remedy, sizeof(link->remedy), "%s", result->remedy);
	snprintf(link->said, sizeof(link->said), "%s", result->said);
}

bool
is_lane_waiting(const struct push_run *run)
{
	return run->is_stopped || run->lane->config.usage.pause_s > 0;
}

static void
postpone(struct push_run *run, struct link *link, const struct dest_result *result)
{
	int64_t wait;

	run->later++;
	if (is_lane_waiting(run))
		return;
	link->attempts++;
	wait = result->retry_after_s > 0 ? result->retry_after_s * (int64_t)1000
					 : backoff_ms(link->attempts);
	link->not_before_ms = bh_now_ms() + wait;
	set_reason(link, result);
	if (link->not_before_ms < run->again_ms)
		run->again_ms = link->not_before_ms;
}

/* When a person or a change frees it, it has all its tries again. */
static void
park(struct push_run *run, struct link *link)
{
	link->state = LINK_HELD;
	link->attempts = 0;
	link->not_before_ms = 0;
	run->refused++;
}

static void
hold(struct push_run *run, struct link *link, const struct dest_result *result)
{
	park(run, link);
	set_reason(link, result);
}

/* What people may have entered in it cannot be known, so it was not overwritten. */
static void
say_unseen(struct link *link, const char *field)
{
	snprintf(link->code, sizeof(link->code), "HIDDEN_FIELD");
	snprintf(link->cause, sizeof(link->cause),
	    "Written, but %s was left out: the connection's user may not read it", field);
	snprintf(link->remedy, sizeof(link->remedy),
	    "Grant the field to the connection's user in the CRM, then resync.");
}

static void
accept(struct push_run *run, struct render_item *item, const struct dest_result *result)
{
	struct link *link = &item->link;
	bool is_whole;

	if (result->created && link->remote_id[0] != '\0' &&
	    strcmp(link->remote_id, result->remote_id) != 0)
		bh_log(BH_WARN, "lane %s: %s %s was deleted in the CRM (%s) and made anew (%s)",
		    run->lane->connection->account.code, item->record->object, item->record->key,
		    link->remote_id, result->remote_id);
	item->is_replaced =
	    link->is_replaced || (link->remote_id[0] != '\0' && result->remote_id[0] != '\0' &&
				     strcmp(link->remote_id, result->remote_id) != 0);
	link->is_replaced = false;
	if (result->remote_id[0] != '\0')
		snprintf(link->remote_id, sizeof(link->remote_id), "%s", result->remote_id);
	is_whole = result->code[0] == '\0' && item->unseen[0] == '\0';
	/* Written, but not all of it: looked at again it is sent again. */
	snprintf(link->hash, sizeof(link->hash), "%s", is_whole ? item->hash : "");
	snprintf(link->parents, sizeof(link->parents), "%s", item->parents);
	snprintf(link->tied, sizeof(link->tied), "%s", item->tied);
	/* Which field the CRM left out it does not say: of none is it sure that it was written. */
	snprintf(link->kept, sizeof(link->kept), "%s",
	    result->code[0] == '\0' ? item->kept : item->meant);
	link->state = LINK_CLEAN;
	link->attempts = 0;
	link->not_before_ms = 0;
	link->pushed_ms = bh_now_ms();
	set_reason(link, result); /* what was left out of it; else nothing */
	if (item->unseen[0] != '\0' && link->code[0] == '\0')
		say_unseen(link, item->unseen);
	run->applied++;
	run->created += result->created;
}

/* What a result makes of the link; true when its mark may be cleared. */
static bool
is_settled(struct push_run *run, struct render_item *item, const struct dest_result *result)
{
	struct link *link = &item->link;

	/* Left out or refused: what we know of the object is old. */
	if (strcmp(result->code, "INVALID_FIELD") == 0 ||
	    strcmp(result->code, "PROPERTY_DOESNT_EXIST") == 0)
		lane_forget(run->lane, item->record->object);
	if (result->outcome == DEST_APPLIED || result->outcome == DEST_UNCHANGED) {
		accept(run, item, result);
		return true;
	}
	tie_doubt(item);
	switch (result->outcome) {
	case DEST_REJECTED:
		hold(run, link, result);
		return true;
	case DEST_WAITING:
		/* We hold the parent's id, the CRM does not find it: deleted there, or a moment late. */
		if (link->attempts >= PARENT_TRIES) {
			hold(run, link, result);
			return true;
		}
		postpone(run, link, result);
		return false;
	case DEST_UNCERTAIN:
		link->state = LINK_UNCERTAIN;
		postpone(run, link, result);
		return false;
	case DEST_APPLIED:
	case DEST_UNCHANGED:
	case DEST_LATER:
	case DEST_AUTH:
	case DEST_UNKNOWN:
	case DEST__MAX:
		break;
	}
	if (result->remote_id[0] != '\0') {
		/* Written, but not yet linked to its parents: what we pushed before is overwritten. */
		snprintf(link->remote_id, sizeof(link->remote_id), "%s", result->remote_id);
		link->state = LINK_UNCERTAIN;
	}
	if (!is_lane_waiting(run) &&
	    link->attempts >= (result->doubtful ? DOUBTFUL_TRIES : ATTEMPTS_MAX)) {
		hold(run, link, result);
		return true;
	}
	postpone(run, link, result);
	return false;
}

/* Ids and codes; never the CRM's own words, in which values may stand. */
static void
log_results(const struct push_run *run, const struct render_item *items,
    const struct dest_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_refused = results[i].outcome == DEST_REJECTED;

		if (items[i].record == NULL)
			continue;
		bh_log(is_refused ? BH_WARN : BH_DEBUG,
		    "record %s lane=%s batch=%s sync=%s object=%s id=%s to=%s outcome=%s code=%s",
		    is_refused ? "refused" : "pushed", run->lane->connection->account.code,
		    run->batch, items[i].entry->id.sync, items[i].entry->id.object,
		    items[i].entry->id.id, items[i].record->object,
		    dest_outcome_name(results[i].outcome), results[i].code);
	}
}

/* -- all of a batch -- */

/* Nobody would wake it: it keeps its mark, and is looked at again. */
static void
postpone_wait(struct push_run *run, const struct bh_err *why)
{
	int64_t at_ms = bh_now_ms() + WAIT_FIRST_MS;

	bh_log_err(BH_WARN, why, "lane %s", run->lane->connection->account.code);
	if (at_ms < run->again_ms)
		run->again_ms = at_ms;
}

/* For its parent, which wakes it. */
static bool
is_waiting(struct push_run *run, struct render_item *item)
{
	struct link *link = &item->link;
	struct bh_err why = BH_ERR_INIT;
	int rc = link_wait_for(run->context->store, &item->parent, &item->entry->id, &why);

	if (rc == 1)
		run->again_ms = bh_now_ms(); /* the parent has come meanwhile */
	if (rc < 0)
		postpone_wait(run, &why);
	if (rc != 0)
		return false;
	link->state = LINK_WAITING;
	snprintf(link->code, sizeof(link->code), "PARENT");
	snprintf(link->cause, sizeof(link->cause), "waits for %s %.150s, which is not in the CRM",
	    item->parent.object, item->parent.id);
	link->remedy[0] = link->said[0] = '\0';
	run->waiting++;
	return true;
}

static bool
is_item_settled(struct push_run *run, struct render_item *item, const struct dest_result *result,
    struct bh_err *err)
{
	struct link *link = &item->link;

	switch (item->verdict) {
	case RENDER_SEND:
		if (result->outcome == DEST_WAITING && kin_look(run->lane, item, err) > 0)
			return is_waiting(run, item);
		return is_settled(run, item, result);
	case RENDER_SAME:
		run->same++;
		return true;
	case RENDER_EXCLUDED:
		link->state = LINK_EXCLUDED;
		link->code[0] = link->cause[0] = link->remedy[0] = link->said[0] = '\0';
		return true;
	case RENDER_GONE:
	case RENDER_UNDONE:
		return true;
	case RENDER_PAUSED:
		return false;
	case RENDER_LATER:
		if (link->not_before_ms < run->again_ms)
			run->again_ms = link->not_before_ms;
		return false;
	case RENDER_BROKEN:
		link->said[0] = '\0';
		park(run, link);
		return true;
	case RENDER_UNMATCHED:
		link->said[0] = '\0';
		link->state = LINK_EXCLUDED;
		return true;
	case RENDER_MOVED:
		run->again_ms = bh_now_ms();
		return false;
	case RENDER_WAITING:
		return is_waiting(run, item);
	}
	return false;
}

/* What a call made of it; is_done: it is not to be tried again by itself. */
static enum link_what
step_sent(const struct push_run *run, const struct link *link, const struct dest_result *result,
    bool is_done)
{
	if (result->outcome == DEST_APPLIED || result->outcome == DEST_UNCHANGED)
		return result->created ? LINK_CREATED : LINK_WRITTEN;
	if (is_done)
		return link->state == LINK_WAITING ? LINK_WAITED : LINK_REFUSED;
	if (is_lane_waiting(run))
		return LINK_NOTHING;
	return result->outcome == DEST_UNCERTAIN ? LINK_UNANSWERED : LINK_LATER;
}

/* What the link remembers of this run. */
static void
note_step(const struct push_run *run, struct render_item *item, const struct dest_result *result,
    bool is_done)
{
	enum link_what what = LINK_NOTHING;

	switch (item->verdict) {
	case RENDER_SEND:
		what = step_sent(run, &item->link, result, is_done);
		break;
	case RENDER_EXCLUDED:
	case RENDER_UNMATCHED:
		what = LINK_LEFT_OUT;
		break;
	case RENDER_BROKEN:
		what = LINK_REFUSED;
		break;
	case RENDER_WAITING:
		what = is_done ? LINK_WAITED : LINK_NOTHING;
		break;
	case RENDER_SAME:
	case RENDER_GONE:
	case RENDER_PAUSED:
	case RENDER_LATER:
	case RENDER_MOVED:
	case RENDER_UNDONE:
		break;
	}
	if (what != LINK_NOTHING)
		link_note(&item->link, what, bh_now_ms());
}

/*
 * Found, but not written: until the record carries our key another object may
 * be found to be it, so it is looked for again.
 */
static void
let_go(struct link *link)
{
	link->remote_id[0] = link->how[0] = '\0';
}

/* An equal hash changes nothing but the mark: its link need not be written. */
int
settle_items(struct push_run *run, struct render_item *items, size_t n,
    const struct dest_result *results, struct bh_err *err)
{
	struct link_dirty_entry *entries = bh_xcalloc(n, sizeof(entries[0]));
	struct link *links = bh_xcalloc(n, sizeof(links[0]));
	bool *clear = bh_xcalloc(n, sizeof(clear[0]));
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		clear[count] = is_item_settled(run, &items[i], &results[i], err);
		note_step(run, &items[i], &results[i], clear[count]);
		if (items[i].is_adopted && results[i].remote_id[0] == '\0')
			let_go(&items[i].link);
		if (items[i].is_replaced)
			rc = kin_renew_below(run->lane, &items[i].entry->id, err);
		if (items[i].verdict == RENDER_LATER || items[i].verdict == RENDER_PAUSED)
			continue;
		entries[count] = *items[i].entry;
		links[count++] = items[i].link;
	}
	log_results(run, items, results, n);
	if (rc == 0)
		rc = link_settle(run->context->store, entries, links, clear, count, err);
	bh_fault("push-settled");
	if (rc == 0)
		rc = writeback_note(run->lane, entries, links, count, err);
	free(clear);
	free(links);
	free(entries);
	return rc;
}
