/*
 * Alguna: walks over its lists, one call a page.
 *
 * No list tells what changed since a time, and rows shift under the reader.
 * So pages of the second generation overlap by a few rows; those of the first,
 * which count in pages, go by time of making, where new rows come last.
 * A catch-up reads customers and subscriptions whole (what did not change is no
 * news), invoices that are open or were issued lately, the latest refunds, and
 * credit notes; the first one of a day (UTC) reads everything.
 *
 * A cursor: {"v":1, "walk", "since_ms", "daily", "phase", "at": offset or page,
 * "each": credit notes are asked for customer by customer}.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/alguna.h"

#define LIMIT 100
#define OVERLAP 5
#define CALL_MS 200 /* at most five calls a second: no limit is published */
#define DAY_MS INT64_C(86400000)
#define SLACK_MS (15 * INT64_C(60000)) /* between its clock and ours, and of what was under way */
#define RECENT_MS (35 * DAY_MS)
#define REFUND_MS (30 * DAY_MS)

enum walk {
	BACKFILL = 1,
	CATCHUP = 2,
	DAILY = 4 /* a catch-up that reads everything */
};

enum filter {
	ALL = 0,
	OPEN,
	RECENT,
	NEWEST /* newest first; a catch-up stops where they are old */
};

static const struct phase {
	const char *name;
	unsigned second, first; /* walks that it belongs to, by generation */
	const char *path_second, *path_first;
	enum filter filter;
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
	const char *detail; /* what is wanted of each row that changed */
} phases[] = {
    {"customers", BACKFILL | CATCHUP | DAILY, BACKFILL | CATCHUP | DAILY, "/customers", "/accounts",
	ALL, alguna_customer, "customer"},
    {"subscriptions", BACKFILL | CATCHUP | DAILY, BACKFILL | CATCHUP | DAILY, "/subscriptions",
	"/subscriptions", ALL, alguna_subscription, "subscription_version"},
    {"open invoices", CATCHUP, 0, "/invoices", NULL, OPEN, alguna_invoice, "invoice"},
    {"recent invoices", CATCHUP, 0, "/invoices", NULL, RECENT, alguna_invoice, "invoice"},
    {"invoices", BACKFILL | DAILY, BACKFILL | CATCHUP | DAILY, "/invoices", "/invoices", ALL,
	alguna_invoice, "invoice"},
    {"payments", BACKFILL | DAILY, BACKFILL | DAILY, "/payments", "/payments", ALL, alguna_payment,
	NULL},
    {"refunds", BACKFILL | CATCHUP | DAILY, BACKFILL | CATCHUP | DAILY, "/refunds", "/refunds",
	NEWEST, alguna_refund, NULL},
    {"credit notes", BACKFILL | CATCHUP | DAILY, BACKFILL | DAILY, "/credit-notes", "/accounts",
	ALL, alguna_credit_note, NULL},
};
#define PHASE_CREDIT_NOTES (BH_LEN(phases) - 1)

struct pull {
	const struct source_api *api;
	struct source_page *page;
	bool is_first; /* of the first API generation */
	enum walk walk;
	int64_t since_ms;
	size_t phase;
	int64_t at;
	bool each;
};

/* -- the cursor -- */

static bool
belongs(const struct pull *pull, size_t phase)
{
	return ((pull->is_first ? phases[phase].first : phases[phase].second) &
		   (unsigned)pull->walk) != 0;
}

/* To the first phase of this walk from here on. */
static void
settle_phase(struct pull *pull)
{
	while (pull->phase < BH_LEN(phases) && !belongs(pull, pull->phase))
		pull->phase++;
	if (pull->phase == PHASE_CREDIT_NOTES && pull->is_first)
		pull->each = true;
}

static int64_t
first_at(const struct pull *pull)
{
	return pull->is_first ? 1 : 0;
}

static int
read_cursor(struct pull *pull, const json_t *cursor, struct bh_err *err)
{
	const char *walk = bh_json_str(cursor, "walk");
	int64_t phase = bh_json_int(cursor, "phase", 0);
	bool daily = bh_is_json_true(cursor, "daily"), begun = json_object_get(cursor, "v") != NULL;

	pull->since_ms = bh_json_int(cursor, "since_ms", 0);
	pull->at = bh_json_int(cursor, "at", first_at(pull));
	pull->each = bh_is_json_true(cursor, "each");
	if (walk == NULL || (begun && bh_json_int(cursor, "v", 0) != 1) || phase < 0 ||
	    phase >= (int64_t)BH_LEN(phases) || pull->at < first_at(pull) || pull->at > INT32_MAX)
		return bh_fail(err, BH_INVALID,
		    "the place of the walk cannot be read: start it again");
	if (!begun)
		daily = pull->since_ms / DAY_MS != pull->api->now_ms / DAY_MS;
	if (strcmp(walk, SOURCE_WALK_BACKFILL) == 0)
		pull->walk = BACKFILL;
	else
		pull->walk = daily ? DAILY : CATCHUP;
	pull->phase = (size_t)phase;
	settle_phase(pull);
	if (pull->phase >= BH_LEN(phases))
		return bh_fail(err, BH_INVALID,
		    "the place of the walk cannot be read: start it again");
	return 0;
}

/* NULL behind the last phase. */
static json_t *
cursor_json(const struct pull *pull)
{
	json_t *cursor;

	if (pull->phase >= BH_LEN(phases))
		return NULL;
	cursor = json_pack("{s:i, s:s, s:I, s:b, s:I, s:I}", "v", 1, "walk",
	    pull->walk == BACKFILL ? SOURCE_WALK_BACKFILL : SOURCE_WALK_CATCHUP, "since_ms",
	    (json_int_t)pull->since_ms, "daily", pull->walk == DAILY, "phase",
	    (json_int_t)pull->phase, "at", (json_int_t)pull->at);
	if (pull->each)
		json_object_set_new(cursor, "each", json_true());
	return cursor;
}

static void
next_phase(struct pull *pull)
{
	pull->phase++;
	pull->at = first_at(pull);
	pull->each = false;
	settle_phase(pull);
}

static void
tell_progress(struct pull *pull)
{
	struct source_page *page = pull->page;

	snprintf(page->phase, sizeof(page->phase), "%s", phases[pull->phase].name);
	page->total = -1;
	page->wait_ms = CALL_MS;
	for (size_t i = 0; i < BH_LEN(phases); i++) {
		page->phases += belongs(pull, i);
		page->phase_number += i <= pull->phase && belongs(pull, i);
	}
}

/* -- the list -- */

static void
add_since(struct bh_buf *path, const char *name, int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	bh_rfc3339(text, (at_ms > 0 ? at_ms : 0) / 1000 * 1000);
	bh_buf_addf(path, "&%s=", name);
	bh_percent_add(path, text, strlen(text));
}

static void
add_path(const struct pull *pull, struct bh_buf *path)
{
	const struct phase *phase = &phases[pull->phase];
	bool newest = phase->filter == NEWEST;

	if (pull->is_first) {
		bh_buf_addf(path, "%s?page=%lld&limit=%d&sort=createdAt%s", phase->path_first,
		    (long long)pull->at, LIMIT, newest ? "%3Adesc" : "%3Aasc");
		return;
	}
	bh_buf_addf(path, "%s?limit=%d&offset=%lld", pull->each ? "/customers" : phase->path_second,
	    LIMIT, (long long)pull->at);
	if (newest)
		bh_buf_adds(path, "&sort=created_at%3Adesc");
	else if (phase->filter == OPEN)
		bh_buf_adds(path, "&status=issued%2Coverdue%2Cprocessing");
	else if (phase->filter == RECENT)
		add_since(path, "issue_date_gte", pull->since_ms - RECENT_MS);
}

static const json_t *
rows_of(const json_t *answer)
{
	const json_t *data = json_object_get(answer, "data");

	return json_is_array(data) ? data : json_object_get(answer, "items");
}

/* -- rows -- */

static bool
is_detail_wanted(const struct pull *pull, const struct object_change *change)
{
	const char *details = bh_json_str(pull->api->config->settings, "invoice_details");
	const char *status = bh_json_str(change->fields, "status");

	if (phases[pull->phase].detail == NULL ||
	    (pull->walk != BACKFILL && change->version.at_ms < pull->since_ms - SLACK_MS))
		return false;
	if (change->kind != OBJECT_INVOICE || details == NULL || strcmp(details, "open") != 0)
		return change->kind != OBJECT_INVOICE || details == NULL ||
		       strcmp(details, "none") != 0;
	return status != NULL && (strcmp(status, "open") == 0 || strcmp(status, "pending") == 0);
}

/* What the list leaves out of this row: tax of a customer, prices, an invoice's dates and amounts. */
static void
want_detail(struct source_news *news, const struct phase *phase, const json_t *row)
{
	const char *id = bh_json_str(row, "id"), *version = alguna_text(row, "current_version_id");

	if (strcmp(phase->detail, "subscription_version") != 0)
		source_want(news, phase->detail, id, NULL);
	else if (version != NULL && *version != '\0' && strlen(version) < 256)
		source_want(news, phase->detail, version,
		    json_pack("{s:s, s:b}", "subscription", id, "current", 1));
}

/* A row that breaks is left out, and the walk goes on. */
static void
read_row(struct pull *pull, struct source_news *news, const json_t *row)
{
	const struct phase *phase = &phases[pull->phase];
	struct object_changes *changes = &news->result->changes;
	const char *id = bh_json_str(row, "id");
	struct bh_err why = BH_ERR_INIT;
	size_t before = changes->n;

	if (pull->each) {
		if (id != NULL && *id != '\0' && strlen(id) < 256)
			source_want(news, "credit_notes", id, NULL);
		return;
	}
	if (phase->handle(news, row, &why) < 0) {
		while (changes->n > before)
			json_decref(changes->items[--changes->n].fields);
		snprintf(news->result->note, sizeof(news->result->note),
		    "a row was left out: %.100s", why.text);
		return;
	}
	if (changes->n > before && is_detail_wanted(pull, &changes->items[before]))
		want_detail(news, phase, row);
}

/* The latest first: the rest is older than what a catch-up looks at. */
static bool
is_old(const struct pull *pull, const json_t *rows)
{
	const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
	const char *created = alguna_text(last, "created_at");
	int64_t at_ms;

	return phases[pull->phase].filter == NEWEST && pull->walk == CATCHUP && created != NULL &&
	       bh_is_time(created, &at_ms) && at_ms < pull->since_ms - REFUND_MS;
}

/* On to the next page, or phase.  Pages that the source cuts to a few rows do not overlap. */
static void
advance(struct pull *pull, const json_t *answer, const json_t *rows)
{
	int64_t n = (int64_t)json_array_size(rows), pages, per_page = LIMIT, overlap = 0;
	bool more;

	if (pull->is_first) {
		pages = bh_json_int(answer, "pageCount", -1);
		more = pages >= 0 ? pull->at < pages : n >= LIMIT;
	} else {
		pages = bh_json_int(answer, "pagination.total_pages", -1);
		per_page = bh_json_int(answer, "pagination.per_page", LIMIT);
		if (per_page <= 0 || per_page > LIMIT)
			per_page = LIMIT;
		overlap = per_page > 2 * OVERLAP ? OVERLAP : 0;
		more = n >= per_page;
	}
	pull->page->read = pull->at > 0 && n >= overlap ? n - overlap : n;
	if (pages >= 0 && pages <= INT32_MAX)
		pull->page->total = pages * per_page;
	if (n == 0 || !more || is_old(pull, rows))
		next_phase(pull);
	else
		pull->at += pull->is_first ? 1 : n - overlap;
}

/* A list that this generation, or this key, does not have is passed over; 1 as if it were read. */
static int
pass_over(struct pull *pull, struct bh_err *err)
{
	if (pull->phase == PHASE_CREDIT_NOTES && !pull->each && !pull->is_first) {
		/* Alguna: List credit notes; one edition of the page asks for a customer. */
		pull->each = true;
		pull->at = first_at(pull);
		return 0;
	}
	if (phases[pull->phase].detail != NULL)
		return bh_fail(err, BH_INVALID,
		    "Alguna has no list of %s at this address: are api_url and generation right?",
		    phases[pull->phase].name);
	snprintf(pull->page->result.note, sizeof(pull->page->result.note),
	    "Alguna has no list of %s", phases[pull->phase].name);
	next_phase(pull);
	return 0;
}

/*
 * Refused for good: credit notes of everybody, and lists that the first
 * generation may not have (it is then called without a version, which is what it complains of).
 */
static bool
is_lacking(const struct pull *pull, const struct source_answer *answer, const struct bh_err *why)
{
	if (why->code != BH_INVALID || answer->status == 0)
		return false;
	return (pull->phase == PHASE_CREDIT_NOTES && !pull->each) ||
	       (pull->is_first && phases[pull->phase].detail == NULL && !pull->each);
}

static int
read_page(struct pull *pull, struct bh_err *err)
{
	struct source_news news = alguna_rest(pull->api->config, &pull->page->result);
	struct bh_buf path = BH_BUF_INIT(1024);
	struct bh_err why = BH_ERR_INIT;
	struct source_answer answer;
	const json_t *rows;
	json_t *row;
	size_t i;
	int rc;

	add_path(pull, &path);
	rc = alguna_get(pull->api, bh_buf_str(&path), &answer, &why);
	rows = rows_of(answer.json);
	if (rc == 0 || (rc < 0 && is_lacking(pull, &answer, &why))) {
		rc = pass_over(pull, err);
	} else if (rc > 0 && !json_is_array(rows)) {
		rc = bh_fail(err, BH_UNAVAILABLE, "Alguna's answer is no list");
	} else if (rc > 0) {
		json_array_foreach (rows, i, row)
			read_row(pull, &news, row);
		advance(pull, answer.json, rows);
		rc = 0;
	} else if (err != NULL) {
		*err = why;
	}
	source_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

int
alguna_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err)
{
	struct pull pull = {.api = api, .page = page, .is_first = is_alguna_first(api->config)};

	if (read_cursor(&pull, cursor, err) < 0)
		return -1;
	tell_progress(&pull);
	if (read_page(&pull, err) < 0)
		return -1;
	page->cursor = cursor_json(&pull);
	return 0;
}
