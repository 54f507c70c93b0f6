/*
 * End: what became of records that are gone (deleted, merged into another
 * one, or away for good), and purge: deleting old records of our own.  Deleted rows
 * are seen by queryAll until the recycle bin is emptied, after 15 days at most.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/salesforce_look.h"

#define HOPS_MAX 20     /* merges of merges; a ring of them would have no end */
#define PURGE_PAGE 1000 /* rows that one call deletes */

/* --- what became of records --------------------------------------------- */

/* A record on its way from merge to merge. */
struct track {
	struct dest_end *end;
	char at[24]; /* the id that is looked at */
	int hops;
};

struct pursuit {
	struct dest_config *config;
	struct track *tracks;
	size_t n;
	/* By the first 15 characters of ids: */
	json_t *known; /* rows; null: there is none */
	json_t *asked; /* of this call */
};

/* Objects that people can merge; others have no MasterRecordId. */
static bool
is_mergeable(const char *object)
{
	static const char *const objects[] = {"Account", "Contact", "Lead", "Case", "Individual"};

	for (size_t i = 0; i < BH_LEN(objects); i++) {
		if (strcmp(objects[i], object) == 0)
			return true;
	}
	return false;
}

static const json_t *
known_row(const struct pursuit *pursuit, const char *id)
{
	char name[16];

	snprintf(name, sizeof(name), "%.15s", id);
	return json_object_get(pursuit->known, name);
}

static void
keep_row(void *arg, const json_t *row)
{
	struct pursuit *pursuit = arg;
	char name[16];

	snprintf(name, sizeof(name), "%.15s", dest_text(row, "Id", ""));
	json_object_set_new(pursuit->known, name, json_deep_copy(row));
}

static void
settle(struct track *track, enum dest_fate fate)
{
	track->end->fate = fate;
	if (fate == DEST_FATE_MERGED)
		snprintf(track->end->survivor_id, sizeof(track->end->survivor_id), "%s", track->at);
}

/* Go on as far as rows are known.  True when there is nothing more to ask. */
static bool
is_settled(const struct pursuit *pursuit, struct track *track)
{
	const json_t *row;

	while (track->end->fate == DEST_FATE_UNKNOWN &&
	       (row = known_row(pursuit, track->at)) != NULL) {
		const char *master = dest_text(row, "MasterRecordId", "");

		if (json_is_null(row))
			settle(track, DEST_FATE_GONE);
		else if (!bh_is_json_true(row, "IsDeleted"))
			settle(track, track->hops == 0 ? DEST_FATE_THERE : DEST_FATE_MERGED);
		else if (!salesforce_is_id(master) || track->hops == HOPS_MAX)
			settle(track, DEST_FATE_DELETED);
		else {
			snprintf(track->at, sizeof(track->at), "%s", master);
			track->hops++;
		}
	}
	return track->end->fate != DEST_FATE_UNKNOWN;
}

static void
begin_part(const struct pursuit *pursuit, struct salesforce_part *part, const char *object)
{
	salesforce_part_init(part, "GET", object);
	salesforce_soql_begin(pursuit->config, &part->path, "queryAll");
	salesforce_soql_add(&part->path, "SELECT Id,IsDeleted");
	salesforce_soql_add(&part->path, is_mergeable(object) ? ",MasterRecordId" : "");
	salesforce_soql_add(&part->path, " FROM ");
	salesforce_soql_add(&part->path, object);
	salesforce_soql_add(&part->path, " WHERE Id IN (");
}

/* The part of this object that has room for an id; begun when there is none; NULL: the call is full. */
static struct salesforce_part *
find_part(const struct pursuit *pursuit, struct salesforce_part *parts, size_t *n,
    const char *object)
{
	for (size_t i = 0; i < *n; i++) {
		if (strcmp(parts[i].object, object) == 0 &&
		    parts[i].path.len + 40 < SALESFORCE_QUERY_MAX)
			return &parts[i];
	}
	if (*n == SALESFORCE_COLLECTIONS)
		return NULL;
	begin_part(pursuit, &parts[*n], object);
	return &parts[(*n)++];
}

/* Put the id that a track has come to into a part; it stays for the next call where all are full. */
static void
add_track(struct pursuit *pursuit, const struct track *track, struct salesforce_part *parts,
    size_t *n)
{
	struct salesforce_part *part;
	char name[16];

	snprintf(name, sizeof(name), "%.15s", track->at);
	if (json_object_get(pursuit->asked, name) != NULL)
		return;
	part = find_part(pursuit, parts, n, track->end->object);
	if (part == NULL)
		return;
	if (!bh_has_suffix(bh_buf_str(&part->path), "%28"))
		salesforce_soql_add(&part->path, ",");
	salesforce_soql_quote(&part->path, track->at, false);
	json_object_set_new(pursuit->asked, name, json_null());
}

static size_t
make_parts(struct pursuit *pursuit, struct salesforce_part *parts)
{
	size_t n = 0;

	json_object_clear(pursuit->asked);
	for (size_t i = 0; i < pursuit->n; i++) {
		if (!is_settled(pursuit, &pursuit->tracks[i]))
			add_track(pursuit, &pursuit->tracks[i], parts, &n);
	}
	return n;
}

/* Ask for the parts' rows, a call and the pages behind it. */
static int
ask_parts(struct pursuit *pursuit, struct salesforce_part *parts, size_t n, struct bh_err *err)
{
	bool is_whole;
	int rc;

	for (size_t i = 0; i < n; i++)
		salesforce_soql_add(&parts[i].path, ")");
	rc = salesforce_call_parts(pursuit->config, parts, n, false, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = salesforce_rows(pursuit->config, &parts[i], keep_row, pursuit,
			    &is_whole, err);
		salesforce_part_release(&parts[i]);
	}
	/* What has no row is not there. */
	json_object_update_missing(pursuit->known, pursuit->asked);
	return rc;
}

static int
begin_tracks(struct pursuit *pursuit, struct dest_end *ends, struct bh_err *err)
{
	for (size_t i = 0; i < pursuit->n; i++) {
		struct track *track = &pursuit->tracks[i];

		if (!salesforce_is_name(ends[i].object))
			return bh_fail(err, BH_INVALID, "%.100s is no name of an object",
			    ends[i].object);
		track->end = &ends[i];
		snprintf(track->at, sizeof(track->at), "%s", ends[i].remote_id);
		ends[i].survivor_id[0] = '\0';
		/* What is no id was never a record. */
		ends[i].fate =
		    salesforce_is_id(ends[i].remote_id) ? DEST_FATE_UNKNOWN : DEST_FATE_GONE;
	}
	return 0;
}

int
salesforce_end(struct dest_config *config, struct dest_end *ends, size_t n, struct bh_err *err)
{
	struct pursuit pursuit = {.config = config, .n = n};
	struct salesforce_part parts[SALESFORCE_COLLECTIONS];
	size_t parts_n = 0;
	int rc;

	pursuit.tracks = bh_xcalloc(n + 1, sizeof(pursuit.tracks[0]));
	pursuit.known = json_object();
	pursuit.asked = json_object();
	rc = begin_tracks(&pursuit, ends, err);
	while (rc == 0 && (parts_n = make_parts(&pursuit, parts)) > 0)
		rc = ask_parts(&pursuit, parts, parts_n, err);
	json_decref(pursuit.known);
	json_decref(pursuit.asked);
	free(pursuit.tracks);
	return salesforce_repeatable(rc, err);
}

/* --- purge -------------------------------------------------------------- */

struct purge {
	char (*ids)[24];
	size_t ids_n;
	size_t gone;
	json_t *refusal; /* why the first row that stayed did */
};

static void
take_id(void *arg, const json_t *row)
{
	struct purge *purge = arg;
	const char *id = dest_text(row, "Id", "");

	if (salesforce_is_id(id) && purge->ids_n < PURGE_PAGE)
		snprintf(purge->ids[purge->ids_n++], sizeof(purge->ids[0]), "%s", id);
}

/* The oldest first: a row that cannot be deleted is met again, but does not hide others for long. */
static int
find_old(struct dest_config *config, struct purge *purge, const char *object, const char *field,
    int64_t before_ms, struct bh_err *err)
{
	struct salesforce_part part;
	char before[BH_CLOCK_TEXT], *soql;
	bool is_whole;
	int rc;

	bh_rfc3339(before, before_ms);
	soql = bh_xasprintf("SELECT Id FROM %s WHERE %s < %s ORDER BY %s LIMIT %d", object, field,
	    before, field, PURGE_PAGE);
	salesforce_part_init(&part, "GET", object);
	salesforce_soql_begin(config, &part.path, "query");
	salesforce_soql_add(&part.path, soql);
	rc = salesforce_call_parts(config, &part, 1, false, err);
	if (rc == 0)
		rc = salesforce_rows(config, &part, take_id, purge, &is_whole, err);
	salesforce_part_release(&part);
	free(soql);
	return salesforce_repeatable(rc, err);
}

static void
begin_deletion(const struct dest_config *config, struct salesforce_part *part)
{
	bh_buf_addf(&part->path,
	    "/services/data/v%s/composite/sobjects?ids=", salesforce_version(config));
}

static void
make_deletion(const struct dest_config *config, const struct purge *purge, size_t first,
    struct salesforce_part *part)
{
	begin_deletion(config, part);
	for (size_t i = first; i < purge->ids_n && i < first + SALESFORCE_ROWS_MAX; i++)
		bh_buf_addf(&part->path, "%s%s", i > first ? "," : "", purge->ids[i]);
	bh_buf_adds(&part->path, "&allOrNone=false");
}

/* Somebody else was faster: what was wanted is so. */
static bool
is_gone(const json_t *row)
{
	const char *code = bh_json_str(row, "errors.0.statusCode");

	if (bh_is_json_true(row, "success"))
		return true;
	return code != NULL &&
	       (strcmp(code, "ENTITY_IS_DELETED") == 0 || strcmp(code, "NOT_FOUND") == 0);
}

static int
take_deletion(struct dest_config *config, struct purge *purge, const struct salesforce_part *part,
    struct bh_err *err)
{
	const json_t *rows = part->answer.json;

	if (part->answer.response.status != 200)
		return salesforce_fail(config, &part->answer, part->object, err);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (is_gone(row))
			purge->gone++;
		else if (purge->refusal == NULL)
			purge->refusal = json_incref(json_object_get(row, "errors"));
	}
	return 0;
}

/* A page is at most five deletions of 200: one call. */
static int
delete_old(struct dest_config *config, struct purge *purge, const char *object, struct bh_err *err)
{
	struct salesforce_part parts[SALESFORCE_COLLECTIONS];
	size_t n = 0;
	int rc;

	for (size_t first = 0; first < purge->ids_n; first += SALESFORCE_ROWS_MAX) {
		salesforce_part_init(&parts[n], "DELETE", object);
		make_deletion(config, purge, first, &parts[n++]);
	}
	if (n == 0)
		return 0;
	rc = salesforce_call_parts(config, parts, n, false, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_deletion(config, purge, &parts[i], err);
		salesforce_part_release(&parts[i]);
	}
	return rc;
}

/* Nothing could be deleted: the first row's refusal says why. */
static int
check_progress(struct dest_config *config, const struct purge *purge, const char *object,
    struct bh_err *err)
{
	struct salesforce_answer answer = {.json = purge->refusal};

	if (purge->gone > 0 || purge->ids_n == 0)
		return 0;
	if (purge->refusal == NULL)
		return bh_fail(err, BH_UNCERTAIN, "Salesforce's answer has no results of deleting");
	answer.response.status = 200;
	return salesforce_fail(config, &answer, object, err);
}

int
salesforce_purge(struct dest_config *config, const char *object, const char *field,
    int64_t before_ms, size_t *n_r, bool *more_r, struct bh_err *err)
{
	struct purge purge = {.ids = NULL};
	int rc;

	*n_r = 0;
	*more_r = false;
	if (!salesforce_is_name(object) || !salesforce_is_name(field))
		return bh_fail(err, BH_INVALID, "%.100s.%.100s is no name of a field", object,
		    field);
	purge.ids = bh_xcalloc(PURGE_PAGE, sizeof(purge.ids[0]));
	rc = find_old(config, &purge, object, field, before_ms, err);
	if (rc == 0)
		rc = delete_old(config, &purge, object, err);
	if (rc == 0)
		rc = check_progress(config, &purge, object, err);
	*n_r = purge.gone;
	*more_r = rc == 0 && purge.ids_n == PURGE_PAGE;
	json_decref(purge.refusal);
	free(purge.ids);
	return rc;
}

/* --- single records ------------------------------------------------------ */

/* Answers come in the order of the ids. */
static int
take_removals(struct dest_config *config, struct dest_removal *const *removals, size_t n,
    const struct salesforce_part *part, struct bh_err *err)
{
	if (part->answer.response.status != 200)
		return salesforce_fail(config, &part->answer, part->object, err);
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(part->answer.json, i);
		const char *why = bh_json_str(row, "errors.0.message");

		removals[i]->is_gone = is_gone(row);
		if (!removals[i]->is_gone)
			dest_copy(removals[i]->cause, sizeof(removals[i]->cause),
			    why != NULL ? why
					: "Salesforce's answer does not say what became of it");
	}
	return 0;
}

/* At most 200 of one object: a collection may change its object only so often. */
static int
remove_some(struct dest_config *config, struct dest_removal *const *removals, size_t n,
    struct bh_err *err)
{
	struct salesforce_part part;
	int rc;

	salesforce_part_init(&part, "DELETE", removals[0]->object);
	begin_deletion(config, &part);
	for (size_t i = 0; i < n; i++)
		bh_buf_addf(&part.path, "%s%s", i > 0 ? "," : "", removals[i]->remote_id);
	bh_buf_adds(&part.path, "&allOrNone=false");
	rc = salesforce_call_parts(config, &part, 1, false, err);
	if (rc == 0)
		rc = take_removals(config, removals, n, &part, err);
	salesforce_part_release(&part);
	return rc;
}

int
salesforce_remove(struct dest_config *config, struct dest_removal *removals, size_t n,
    struct bh_err *err)
{
	struct dest_removal *some[SALESFORCE_ROWS_MAX];
	bool *is_taken = bh_xcalloc(n + 1, sizeof(is_taken[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		removals[i].is_gone = is_taken[i] = !salesforce_is_id(removals[i].remote_id);
		removals[i].cause[0] = '\0';
	}
	for (size_t i = 0; i < n && rc == 0;) {
		size_t count = 0;

		for (size_t k = i; k < n && count < SALESFORCE_ROWS_MAX; k++) {
			if (is_taken[k] || strcmp(removals[k].object, removals[i].object) != 0)
				continue;
			is_taken[k] = true;
			some[count++] = &removals[k];
		}
		if (count > 0)
			rc = remove_some(config, some, count, err);
		else
			i++;
	}
	free(is_taken);
	return salesforce_repeatable(rc, err);
}
