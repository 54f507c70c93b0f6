/*
 * Stripe: reading everything, parents before children, and catching up.
 *
 * There is no "updated since" at Stripe: what changes while the lists are
 * read is told by events alone.  So the newest event is noted before the
 * first list, and the events behind it are read after the last one.  Lists
 * are newest first; the place in one is the id of the last row, and the two
 * before it, because a row can be deleted between two pages and Stripe then
 * refuses it as a place.
 */
#include "base/base.h"

#include <stdarg.h>

#include "base/text.h"
#include "source/stripe_walk.h"

#define CURSOR_VERSION 1 /* a change of meaning raises it: walks under way then start again */
#define OVERLAP_S 600    /* of a catch-up with the one before */
#define PACE_LIVE_MS 50  /* 20 requests a second of the account's 100 */
#define PACE_TEST_MS 100 /* 10 of 25 */

static const struct phase {
	const char *name, *path;
	const char *expand[4];
	bool needed; /* without it nothing else makes sense */
} phases[] = {
    {"products", "/v1/products", {NULL}, false},
    {"prices", "/v1/prices", {"data.tiers"}, true},
    {"coupons", "/v1/coupons", {"data.applies_to"}, false},
    {"customers", "/v1/customers", {"data.tax_ids", "data.discount.source.coupon"}, true},
    /* Until 2025-09-30 a discount has its coupon inside; the other two expansions are enough. */
    {"subscriptions", "/v1/subscriptions?status=all",
	{"data.discounts.source.coupon", "data.discounts", "data.items.data.discounts"}, true},
    {"schedules", "/v1/subscription_schedules", {NULL}, false},
    {"invoices", "/v1/invoices", {NULL}, true},
    {"credit_notes", "/v1/credit_notes", {NULL}, false},
    {"charges", "/v1/charges", {"data.payment_intent"}, false},
    {"invoice_payments", "/v1/invoice_payments", {NULL}, false},
    {"refunds", "/v1/refunds", {NULL}, false},
    {"disputes", "/v1/disputes", {NULL}, false},
};
#define PHASES ((int)BH_LEN(phases))

void
walk_note(struct walk *walk, const char *fmt, ...)
{
	char *note = walk->page->result.note;
	size_t len = strlen(note), size = sizeof(walk->page->result.note);
	va_list ap;

	if (len > 0 && len + 3 < size)
		len += (size_t)snprintf(note + len, size - len, "; ");
	va_start(ap, fmt);
	vsnprintf(note + len, size - len, fmt, ap);
	va_end(ap);
	bh_utf8_mend(note, true);
}

/* --- the cursor ------------------------------------------------------------ */

static const char *
phase_name(int phase)
{
	return phase == WALK_START ? "start" : phase == WALK_EVENTS ? "events" : phases[phase].name;
}

static bool
is_phase_read(const char *name, int *phase_r)
{
	for (int phase = WALK_START; name != NULL && phase < PHASES; phase++) {
		if (strcmp(phase_name(phase), name) == 0) {
			*phase_r = phase;
			return true;
		}
	}
	return false;
}

/* An optional text fit to be an id. */
static bool
is_id_read(const json_t *value, char *out, size_t size)
{
	const char *text = json_string_value(value);

	*out = '\0';
	if (value == NULL)
		return true;
	if (text == NULL || !is_source_word(text) || strlen(text) >= size)
		return false;
	snprintf(out, size, "%s", text);
	return true;
}

static bool
is_number_read(const json_t *cursor, const char *name, int64_t least, int64_t *value_r)
{
	*value_r = least;
	return json_object_get(cursor, name) == NULL ||
	       (bh_is_json_int(cursor, name, value_r) && *value_r >= least &&
		   *value_r <= INT64_C(1) << 40);
}

static bool
is_after_read(struct walk *walk, const json_t *after)
{
	size_t i;
	json_t *id;

	if (after != NULL && (!json_is_array(after) || json_array_size(after) > WALK_AFTER_MAX))
		return false;
	json_array_foreach (after, i, id)
		if (!is_id_read(id, walk->after[walk->after_n++], sizeof(walk->after[0])))
			return false;
	return true;
}

static bool
is_cursor_read(struct walk *walk, const json_t *cursor)
{
	int64_t dropped;

	if (bh_json_int(cursor, "v", 0) != CURSOR_VERSION ||
	    !is_phase_read(bh_json_str(cursor, "phase"), &walk->phase) ||
	    (walk->phase >= 0 && !walk->is_backfill) ||
	    (walk->phase != WALK_START && json_object_get(cursor, "from_s") == NULL))
		return false;
	if (!is_id_read(json_object_get(cursor, "account"), walk->account, sizeof(walk->account)) ||
	    !is_id_read(json_object_get(cursor, "event"), walk->event, sizeof(walk->event)) ||
	    !is_after_read(walk, json_object_get(cursor, "after")))
		return false;
	if (!is_number_read(cursor, "created_s", -1, &walk->created_s) ||
	    !is_number_read(cursor, "from_s", -1, &walk->from_s) ||
	    !is_number_read(cursor, "since_s", 0, &walk->since_s) ||
	    !is_number_read(cursor, "dropped", 0, &dropped) || dropped > 15)
		return false;
	walk->dropped = (unsigned)dropped;
	return true;
}

static int
cursor_read(struct walk *walk, const json_t *cursor, struct bh_err *err)
{
	const char *kind = bh_json_str(cursor, "walk");
	const json_t *settings = walk->session.api->config->settings;
	int64_t since_ms = bh_json_int(cursor, "since_ms", 0);

	if (kind == NULL ||
	    (strcmp(kind, SOURCE_WALK_BACKFILL) != 0 && strcmp(kind, SOURCE_WALK_CATCHUP) != 0))
		return bh_fail(err, BH_INVALID, "no such walk over Stripe: start again");
	walk->is_backfill = strcmp(kind, SOURCE_WALK_BACKFILL) == 0;
	walk->phase = WALK_START;
	walk->created_s = -1;
	if (json_object_get(cursor, "v") == NULL) {
		/* An overlap: an event's own time is earlier than its delivery. */
		walk->since_s = since_ms / 1000 > OVERLAP_S ? since_ms / 1000 - OVERLAP_S : 0;
		return 0;
	}
	if (!is_cursor_read(walk, cursor) ||
	    (*walk->account != '\0' && !bh_is_json_true(settings, "connect")))
		return bh_fail(err, BH_INVALID,
		    "the place of the walk over Stripe cannot be read: start again");
	return 0;
}

static void
put_text(json_t *cursor, const char *name, const char *text)
{
	if (*text != '\0')
		json_object_set_new(cursor, name, json_string(text));
}

static json_t *
cursor_json(const struct walk *walk)
{
	json_t *cursor = json_pack("{s:i, s:s, s:s}", "v", CURSOR_VERSION, "walk",
	    walk->is_backfill ? SOURCE_WALK_BACKFILL : SOURCE_WALK_CATCHUP, "phase",
	    phase_name(walk->phase));
	json_t *after = json_array();

	put_text(cursor, "account", walk->account);
	for (size_t i = 0; i < walk->after_n; i++)
		json_array_append_new(after, json_string(walk->after[i]));
	if (walk->after_n > 0)
		json_object_set(cursor, "after", after);
	json_decref(after);
	if (walk->created_s >= 0)
		json_object_set_new(cursor, "created_s", json_integer(walk->created_s));
	if (walk->dropped != 0)
		json_object_set_new(cursor, "dropped", json_integer(walk->dropped));
	if (walk->phase != WALK_START) {
		put_text(cursor, "event", walk->event);
		json_object_set_new(cursor, "from_s", json_integer(walk->from_s));
	}
	if (walk->since_s > 0)
		json_object_set_new(cursor, "since_s", json_integer(walk->since_s));
	return cursor;
}

/* --- places ---------------------------------------------------------------- */

static void
phase_start(struct walk *walk, int phase)
{
	walk->phase = phase;
	walk->after_n = 0;
	walk->created_s = -1;
	walk->dropped = 0;
}

static void
phase_done(struct walk *walk)
{
	phase_start(walk, walk->phase + 1 < PHASES ? walk->phase + 1 : WALK_EVENTS);
}

void
walk_keep_place(struct walk *walk, const json_t *rows)
{
	size_t n = json_array_size(rows);

	walk->after_n = 0;
	while (n-- > 0 && walk->after_n < WALK_AFTER_MAX) {
		const json_t *row = json_array_get(rows, n);
		const char *id = bh_json_str(row, "id");

		if (id == NULL || !is_source_word(id))
			continue;
		snprintf(walk->after[walk->after_n++], sizeof(walk->after[0]), "%s", id);
		if (walk->after_n == 1)
			walk->created_s = bh_json_int(row, "created", -1);
	}
}

/*
 * The row at the place was deleted: back to the one before, and when all
 * that are known are gone, to everything that is not newer than the last.
 */
static bool
is_stepped_back(struct walk *walk)
{
	if (walk->after_n == 0)
		return false;
	walk->after_n--;
	memmove(walk->after[0], walk->after[1], walk->after_n * sizeof(walk->after[0]));
	return walk->after_n > 0 || walk->created_s >= 0;
}

/* --- lists ----------------------------------------------------------------- */

static int
list_get(struct walk *walk, const struct phase *phase, struct source_answer *answer,
    struct bh_err *err)
{
	for (;;) {
		struct bh_buf path = BH_BUF_INIT(4096);
		int rc;

		bh_buf_adds(&path, phase->path);
		stripe_param_int(&path, "limit", WALK_PAGE);
		if (walk->after_n > 0)
			stripe_param(&path, "starting_after", walk->after[0]);
		else if (walk->created_s >= 0)
			stripe_param_int(&path, "created[lte]", walk->created_s);
		rc = stripe_get(&walk->session, bh_buf_str(&path), phase->expand, &walk->dropped,
		    answer, err);
		bh_buf_release(&path);
		if (rc == 0 || !is_stripe_missing(answer) || !is_stepped_back(walk))
			return rc;
		source_answer_release(answer);
	}
}

static void
list_read(struct walk *walk, const struct source_answer *answer, const json_t *rows)
{
	struct bh_err err = BH_ERR_INIT;
	struct stripe_reading reading;
	size_t i;
	json_t *row;

	stripe_reading_start(&reading, &walk->session, answer, &walk->page->result);
	reading.is_list = true;
	json_array_foreach (rows, i, row) {
		if (stripe_read(&reading, row, &err) < 0 && walk->flaws++ == 0)
			walk_note(walk, "%s", err.text);
	}
	walk->page->read = (int64_t)json_array_size(rows);
}

/* A list that this key or this version does not have is left out, unless all others need it. */
static bool
is_left_out(struct walk *walk, const struct phase *phase, const struct source_answer *answer,
    struct bh_err *err)
{
	if (phase->needed || (answer->status != 403 && !is_stripe_unknown_call(answer)))
		return false;
	walk_note(walk, "%s left out: %s", phase->name, err != NULL ? err->text : "");
	return true;
}

static int
list_page(struct walk *walk, struct bh_err *err)
{
	const struct phase *phase = &phases[walk->phase];
	struct source_answer answer;
	int rc = list_get(walk, phase, &answer, err);

	if (rc == 0) {
		const json_t *rows = json_object_get(answer.json, "data");

		list_read(walk, &answer, rows);
		walk_keep_place(walk, rows);
		if (json_array_size(rows) == 0 || !bh_is_json_true(answer.json, "has_more"))
			phase_done(walk);
	} else if (is_left_out(walk, phase, &answer, err)) {
		phase_done(walk);
		rc = 0;
	} else {
		bh_during(err, "%s", phase->name);
	}
	source_answer_release(&answer);
	return rc;
}

/* --- accounts ---------------------------------------------------------------- */

/*
 * The connected account behind the one that is done.  Whoever may not list
 * them has their webhooks all the same: then the walk ends with a note.
 */
int
walk_account_done(struct walk *walk, struct bh_err *err)
{
	struct stripe_session own = {.api = walk->session.api, .account = ""};
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	unsigned dropped = 0;
	const char *next;
	int rc;

	phase_start(walk, WALK_START);
	if (!bh_is_json_true(walk->session.api->config->settings, "connect")) {
		walk->is_over = true;
		return 0;
	}
	bh_buf_adds(&path, "/v1/accounts?limit=1");
	if (*walk->account != '\0')
		stripe_param(&path, "starting_after", walk->account);
	rc = stripe_get(&own, bh_buf_str(&path), NULL, &dropped, &answer, err);
	walk->session.calls += own.calls;
	next = bh_json_str(answer.json, "data.0.id");
	if (rc < 0 && answer.status >= 400 && answer.status <= 404 && answer.status != 401) {
		walk_note(walk, "other connected accounts left out: %s",
		    err != NULL ? err->text : "");
		rc = 0;
	}
	if (next != NULL && is_source_word(next) && strlen(next) < sizeof(walk->account))
		snprintf(walk->account, sizeof(walk->account), "%s", next);
	else
		walk->is_over = true;
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* --- the walk ---------------------------------------------------------------- */

static int
start(struct walk *walk, struct bh_err *err)
{
	const struct source_api *api = walk->session.api;
	int64_t oldest_s = api->now_ms / 1000 - INT64_C(86400) * WALK_EVENT_DAYS;

	if (!walk->is_backfill && walk->since_s <= oldest_s) {
		walk_note(walk, "Stripe tells the events of %d days only: everything is read again",
		    WALK_EVENT_DAYS);
		walk->is_backfill = true;
		walk->since_s = 0;
		return 0;
	}
	if (walk_find_event(walk, walk->is_backfill ? 0 : walk->since_s, err) < 0)
		return -1;
	phase_start(walk, walk->is_backfill ? 0 : WALK_EVENTS);
	return 0;
}

static void
page_end(struct walk *walk)
{
	struct source_page *page = walk->page;
	int pace_ms = is_stripe_live(walk->session.api->config) ? PACE_LIVE_MS : PACE_TEST_MS;

	page->wait_ms = (int64_t)walk->session.calls * pace_ms;
	if (walk->flaws > 0)
		walk_note(walk, "%u left out", walk->flaws);
	if (!walk->is_over)
		page->cursor = cursor_json(walk);
	stripe_reading_end(&page->result);
}

int
stripe_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err)
{
	struct walk walk = {.session = {.api = api, .account = ""}, .page = page};
	int rc = cursor_read(&walk, cursor, err);

	walk.session.account = walk.account;
	if (*walk.account != '\0')
		walk_note(&walk, "account %.64s", walk.account);
	if (rc == 0 && walk.phase == WALK_START)
		rc = start(&walk, err);
	page->total = -1;
	page->phases = walk.is_backfill ? PHASES + 1 : 1;
	page->phase_number = walk.phase >= 0            ? walk.phase + 1
			     : walk.phase == WALK_START ? 1
							: page->phases;
	snprintf(page->phase, sizeof(page->phase), "%s", phase_name(walk.phase));
	if (rc == 0 && walk.phase == WALK_EVENTS)
		rc = walk_events(&walk, err);
	else if (rc == 0 && walk.phase >= 0)
		rc = list_page(&walk, err);
	if (rc < 0)
		source_page_release(page);
	else
		page_end(&walk);
	return rc;
}
