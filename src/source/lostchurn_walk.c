/*
 * Walks over what LostChurn holds: customers, then payments (a payment there
 * is a failed one, which is a recovery), oldest first: rows that arrive
 * meanwhile stand at the end and shift no page.  Neither edition can be asked
 * for what has changed: a catch-up reads what is new, and whoever holds the
 * open recoveries has them looked up one by one.
 *
 * Cursor: {"v": 1, "walk", "since_ms", "edition", "phase", "page", "next"}.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/lostchurn.h"

#define CURSOR_VERSION 1
#define PER_PAGE 100
#define PAGE_MAX 1000000
#define NEXT_MAX 1024
#define OVERLAP_MS INT64_C(3600000) /* one hour: clocks, and rows that were not listed at once */

static const struct {
	const char *name, *type;
} phases[] = {{"customers", LOSTCHURN_CUSTOMER}, {"payments", LOSTCHURN_PAYMENT}};

struct walk {
	bool catchup;
	int64_t since_ms;
	char edition[2];
	size_t phase;
	int64_t page;
	const char *next; /* of a cursor list; NULL: pages are counted; borrowed */
};

static int
bad_cursor(struct bh_err *err)
{
	return bh_fail(err, BH_INVALID,
	    "the place where the walk stopped cannot be read; start again");
}

static int
resume(const json_t *cursor, struct walk *walk, struct bh_err *err)
{
	const char *phase = bh_json_str(cursor, "phase");
	const char *edition = bh_json_str(cursor, "edition");

	walk->next = bh_json_str(cursor, "next");
	walk->page = bh_json_int(cursor, "page", 0);
	if (bh_json_int(cursor, "v", 0) != CURSOR_VERSION || phase == NULL || edition == NULL ||
	    (strcmp(edition, "1") != 0 && strcmp(edition, "2") != 0) || walk->page < 1 ||
	    walk->page > PAGE_MAX || (walk->next != NULL && strlen(walk->next) > NEXT_MAX))
		return bad_cursor(err);
	snprintf(walk->edition, sizeof(walk->edition), "%s", edition);
	while (walk->phase < BH_LEN(phases) && strcmp(phases[walk->phase].name, phase) != 0)
		walk->phase++;
	return walk->phase < BH_LEN(phases) ? 0 : bad_cursor(err);
}

static int
open_walk(const struct source_api *api, const json_t *cursor, struct walk *walk, struct bh_err *err)
{
	const char *name = bh_json_str(cursor, "walk");

	*walk = (struct walk){.page = 1};
	if (name == NULL ||
	    (strcmp(name, SOURCE_WALK_BACKFILL) != 0 && strcmp(name, SOURCE_WALK_CATCHUP) != 0))
		return bad_cursor(err);
	walk->catchup = strcmp(name, SOURCE_WALK_CATCHUP) == 0;
	walk->since_ms = bh_json_int(cursor, "since_ms", 0);
	if (walk->since_ms < 0 || walk->since_ms > INT64_C(253402300799000))
		return bad_cursor(err);
	if (json_object_get(cursor, "phase") != NULL)
		return resume(cursor, walk, err);
	return lostchurn_edition(api, walk->edition, err);
}

static char *
path_of(const struct walk *walk)
{
	struct bh_buf path = BH_BUF_INIT(8192);
	char since[BH_CLOCK_TEXT];

	bh_buf_addf(&path, "/%s?sort=created_at&order=asc&per_page=%d", phases[walk->phase].name,
	    PER_PAGE);
	if (walk->catchup && walk->since_ms > OVERLAP_MS) {
		bh_rfc3339(since, (walk->since_ms - OVERLAP_MS) / 1000 * 1000);
		bh_buf_adds(&path, "&created_after=");
		bh_percent_add(&path, since, strlen(since));
	}
	if (walk->next != NULL) {
		bh_buf_adds(&path, "&cursor=");
		bh_percent_add(&path, walk->next, strlen(walk->next));
	} else {
		bh_buf_addf(&path, "&page=%lld", (long long)walk->page);
	}
	return bh_buf_steal(&path);
}

/* A row that cannot be read is left out and told; the others count. */
static void
read_rows(const struct source_api *api, const struct walk *walk, const struct source_answer *answer,
    struct source_page *page)
{
	const json_t *rows = json_object_get(answer->json, "data");
	int64_t now_ms = source_answer_ms(api, answer);
	struct bh_err why = BH_ERR_INIT;
	size_t i, refused = 0;
	json_t *row;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row)
		refused += lostchurn_row(api->config, phases[walk->phase].type, row, NULL, now_ms,
			       &page->result, &why) < 0;
	page->read = (int64_t)i;
	page->result.outcome = page->result.changes.n > 0 ? SOURCE_APPLIED : SOURCE_IGNORED;
	if (refused > 0)
		snprintf(page->result.note, sizeof(page->result.note),
		    "%zu of %zu rows left out: %.100s", refused, i, why.text);
}

/* Whether this list goes on, and where. */
static int
is_list_more(const struct walk *walk, const json_t *answer, char **next_r, struct bh_err *err)
{
	const json_t *cursor = json_object_get(answer, "cursor");
	const char *next = bh_json_str(cursor, "next");
	const json_t *pages = json_object_get(answer, "pagination");
	size_t rows = json_array_size(json_object_get(answer, "data"));
	int64_t total = bh_json_int(pages, "total", -1), size = bh_json_int(pages, "per_page", 0);
	int64_t last = bh_json_int(pages, "total_pages", -1);

	*next_r = NULL;
	if (cursor != NULL) {
		if (next == NULL || *next == '\0')
			return 0;
		if (strlen(next) > NEXT_MAX ||
		    (walk->next != NULL && strcmp(next, walk->next) == 0))
			return bh_fail(err, BH_INVALID, "LostChurn's list of %s does not go on",
			    phases[walk->phase].name);
		*next_r = bh_xstrdup(next);
		return 1;
	}
	if (rows == 0 || walk->page >= PAGE_MAX)
		return 0;
	if (last >= 0)
		return walk->page < last;
	if (total >= 0 && size > 0)
		return walk->page < (total + size - 1) / size;
	return rows >= PER_PAGE;
}

/* The cursor of the next page, or NULL at the end of the last phase. */
static json_t *
next_cursor(const struct walk *walk, bool more, const char *next)
{
	size_t phase = more ? walk->phase : walk->phase + 1;
	json_t *cursor;

	if (phase == BH_LEN(phases))
		return NULL;
	cursor = json_pack("{s:i, s:s, s:I, s:s, s:s, s:I}", "v", CURSOR_VERSION, "walk",
	    walk->catchup ? SOURCE_WALK_CATCHUP : SOURCE_WALK_BACKFILL, "since_ms",
	    (json_int_t)walk->since_ms, "edition", walk->edition, "phase", phases[phase].name,
	    "page", (json_int_t)(more ? walk->page + 1 : 1));
	if (next != NULL)
		json_object_set_new(cursor, "next", json_string(next));
	return cursor;
}

int
lostchurn_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err)
{
	struct source_answer answer;
	struct walk walk;
	char *path, *next = NULL;
	int more, rc;

	if (open_walk(api, cursor, &walk, err) < 0)
		return -1;
	path = path_of(&walk);
	rc = lostchurn_get(api, walk.edition, path, &answer, NULL, err);
	if (rc == 0 && !json_is_array(json_object_get(answer.json, "data")))
		rc = bh_fail(err, BH_INVALID, "LostChurn's list of %s has no rows (data)",
		    phases[walk.phase].name);
	more = rc == 0 ? is_list_more(&walk, answer.json, &next, err) : -1;
	if (more >= 0) {
		read_rows(api, &walk, &answer, page);
		page->cursor = next_cursor(&walk, more == 1, next);
		snprintf(page->phase, sizeof(page->phase), "%s", phases[walk.phase].name);
		page->total = bh_json_int(answer.json, "pagination.total", -1);
		page->phase_number = (int)walk.phase + 1;
		page->phases = (int)BH_LEN(phases);
		page->wait_ms = lostchurn_pause_ms(api, &answer);
	}
	source_answer_release(&answer);
	free(next);
	free(path);
	return more < 0 ? -1 : 0;
}
