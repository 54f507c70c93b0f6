/*
 * Stripe: walking over the events of the last thirty days, oldest first.
 *
 * GET /v1/events answers newest first; only ending_before=ID walks the other
 * way: it gives the page that lies just above ID (Stripe: API reference,
 * Pagination; List all events).  So an event older than all that are wanted
 * is found first, and then each page's newest event is the next place: a
 * page is never more than a hundred events, and what happens meanwhile is
 * met at the end.  Where no older event is left, pages are turned downwards
 * once, without keeping their events, until the oldest is found.
 *
 * All types are asked for, and those that no handler takes are dropped here:
 * types[] takes no more than twenty, and walks by group would mix up the order.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_walk.h"

#define MARGIN_S 60 /* events may be listed a little later than they happen */

static int
get(struct walk *walk, const struct bh_buf *path, struct source_answer *answer, struct bh_err *err)
{
	unsigned dropped = 0;

	return stripe_get(&walk->session, bh_buf_str(path), NULL, &dropped, answer, err);
}

/* Take the newest row's id as the place, and its time. */
static void
keep_event(struct walk *walk, const json_t *row)
{
	const char *id = bh_json_str(row, "id");

	if (id == NULL || !is_source_word(id) || strlen(id) >= sizeof(walk->event))
		return;
	snprintf(walk->event, sizeof(walk->event), "%s", id);
	walk->from_s = bh_json_int(row, "created", walk->from_s);
}

int
walk_find_event(struct walk *walk, int64_t before_s, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	int rc;

	bh_buf_adds(&path, "/v1/events?limit=1");
	if (before_s > 0)
		stripe_param_int(&path, "created[lt]", before_s);
	rc = get(walk, &path, &answer, err);
	*walk->event = '\0';
	walk->from_s = before_s > 0
			   ? before_s
			   : source_answer_ms(walk->session.api, &answer) / 1000 - MARGIN_S;
	if (rc == 0)
		keep_event(walk, bh_json_at(answer.json, "data.0"));
	else if (answer.status == 403 && walk->is_backfill) {
		/* The objects themselves can be read: only what changes meanwhile may be missed. */
		walk_note(walk, "events cannot be read: %s", err != NULL ? err->text : "");
		walk->from_s = -1;
		rc = 0;
	}
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* A type that would be delivered, and that is of use. */
static bool
is_wanted(const char *name)
{
	for (const struct source_type *type = source_stripe.types; type->type != NULL; type++)
		if (strcmp(type->type, name) == 0)
			return type->choice != SOURCE_NOT_WANTED && type->handle != NULL;
	return false;
}

static void
add_event(struct walk *walk, const json_t *row)
{
	const char *id = bh_json_str(row, "id"), *type = bh_json_str(row, "type");
	json_t *body;

	if (id == NULL || type == NULL || !is_source_word(id) || !is_source_word(type)) {
		walk->flaws++;
		return;
	}
	if (!is_wanted(type))
		return;
	body = json_copy((json_t *)(uintptr_t)row);
	/* Read with Stripe-Account, an event does not say whose it is; a delivered one does. */
	if (*walk->account != '\0' && json_object_get(body, "account") == NULL)
		json_object_set_new(body, "account", json_string(walk->account));
	json_array_append_new(walk->page->events,
	    json_pack("{s:s, s:s, s:o}", "id", id, "type", type, "body", body));
}

/* A page's rows, the oldest first; its newest is the next place. */
static void
add_events(struct walk *walk, const json_t *rows)
{
	walk->page->events = json_array();
	for (size_t i = json_array_size(rows); i-- > 0;)
		add_event(walk, json_array_get(rows, i));
	walk->page->read = (int64_t)json_array_size(rows);
	keep_event(walk, json_array_get(rows, 0));
}

/* Downwards, until the oldest event since from_s is met. */
static int
seek(struct walk *walk, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	const json_t *rows;
	int rc;

	bh_buf_addf(&path, "/v1/events?limit=%d", WALK_PAGE);
	stripe_param_int(&path, "created[gte]", walk->from_s);
	if (walk->after_n > 0)
		stripe_param(&path, "starting_after", walk->after[0]);
	rc = get(walk, &path, &answer, err);
	rows = json_object_get(answer.json, "data");
	if (walk->after_n > 0 &&
	    (rc < 0 ? is_stripe_missing(&answer) : json_array_size(rows) == 0)) {
		/* It expired, and so did everything older: once more from its time on. */
		walk->after_n = 0;
		walk->from_s = walk->created_s > walk->from_s ? walk->created_s : walk->from_s + 1;
		rc = 0;
	} else if (rc == 0 && bh_is_json_true(answer.json, "has_more") &&
		   json_array_size(rows) > 0) {
		walk_keep_place(walk, rows);
		walk_note(walk, "looking for the oldest event");
	} else if (rc == 0) {
		bool is_all = walk->after_n == 0;

		add_events(walk, rows);
		walk->after_n = 0;
		if (is_all || *walk->event == '\0')
			rc = walk_account_done(walk, err);
	}
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

int
walk_events(struct walk *walk, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	int rc;

	if (walk->from_s < 0)
		return walk_account_done(walk, err);
	if (*walk->event == '\0')
		return seek(walk, err);
	bh_buf_addf(&path, "/v1/events?limit=%d", WALK_PAGE);
	stripe_param(&path, "ending_before", walk->event);
	rc = get(walk, &path, &answer, err);
	if (rc == 0) {
		const json_t *rows = json_object_get(answer.json, "data");

		add_events(walk, rows);
		if (json_array_size(rows) == 0 || !bh_is_json_true(answer.json, "has_more"))
			rc = walk_account_done(walk, err);
	} else if (is_stripe_missing(&answer)) {
		/* Older than thirty days by now: from its time on, everything is still there that ever will be. */
		*walk->event = '\0';
		walk->after_n = 0;
		rc = 0;
	}
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}
