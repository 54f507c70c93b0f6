/*
 * Find: questions become SOQL queries.  Questions of the same form share one
 * query (an IN list), five queries share one call.  Salesforce decides which records
 * fit; which question a record answers is decided here, by comparing as Salesforce does:
 *
 *   texts, e-mail   without regard to case; a field may be case sensitive all the same,
 *                   so questions that differ by case alone never share a query
 *   ids             by their first 15 characters
 *   web addresses   LIKE finds too much ("notacme.com"): the host is compared here
 *
 * Many questions about an object of which there are few records (a new org)
 * are answered by one query for all of these.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/text.h"
#include "dest/compare.h"
#include "dest/salesforce_look.h"

#define VALUE_UNITS_MAX 255 /* no field that can be searched holds more */
#define ROWS_MAX 2000       /* of a query's first page */
#define WHOLE_LEAST 3 /* calls that asking would cost, from which on all records are asked for */

/* A question; n 0: nothing can fit. */
struct asked {
	const struct dest_wanted *wanted;
	char *texts[DEST_WANTED_MAX];  /* its values as Salesforce would keep them */
	char *folded[DEST_WANTED_MAX]; /* and as they are compared */
	size_t n;
};

/* A query: questions of one form. */
struct query {
	const struct dest_wanted *form; /* the first question */
	size_t *members;
	size_t members_n;
	struct bh_buf path; /* as far as it is: without what closes the list */
	json_t *terms;      /* values folded, to the values as they were asked for */
	bool is_answered;
};

struct search {
	struct dest_config *config;
	const struct dest_wanted *wanted;
	struct dest_found *found;
	struct asked *asked;
	size_t n;
	struct query *queries;
	size_t queries_n;
	const struct query *at; /* whose rows come in */
};

/* --- comparing ---------------------------------------------------------- */

/* Id, AccountId, OwnerId: standard fields that hold ids; others are known by nothing in their name. */
static bool
is_id_field(const char *name)
{
	size_t len = strlen(name);

	return strcmp(name, "Id") == 0 ||
	       (len > 2 && bh_has_suffix(name, "Id") && !isupper((unsigned char)name[len - 3]));
}

static bool
is_same(const struct asked *asked, size_t field, const char *have)
{
	const struct dest_wanted *wanted = asked->wanted;
	char *text;
	bool same;

	if (salesforce_is_same_id(asked->texts[field], have))
		return true;
	if (is_id_field(wanted->fields[field]))
		return false;
	text = wanted->compare == DEST_DOMAIN ? dest_host(have) : dest_fold(have);
	same = strcmp(text, asked->folded[field]) == 0;
	free(text);
	return same;
}

static bool
is_answered(const struct asked *asked, const json_t *row)
{
	for (size_t i = 0; i < asked->n; i++) {
		const char *have = bh_json_str(row, asked->wanted->fields[i]);

		if (have == NULL || !is_same(asked, i, have))
			return false;
	}
	return asked->n > 0;
}

/* --- questions ---------------------------------------------------------- */

static int
check_names(const struct dest_wanted *wanted, struct bh_err *err)
{
	if (!salesforce_is_name(wanted->object))
		return bh_fail(err, BH_INVALID, "%.100s is no name of an object", wanted->object);
	if (wanted->key_field != NULL && !salesforce_is_name(wanted->key_field))
		return bh_fail(err, BH_INVALID, "%.100s is no name of a field", wanted->key_field);
	for (size_t i = 0; i < wanted->n; i++) {
		if (!salesforce_is_name(wanted->fields[i]))
			return bh_fail(err, BH_INVALID, "%.100s is no name of a field",
			    wanted->fields[i]);
	}
	return 0;
}

/* May a field hold this value at all?  A host without a point would be found everywhere. */
static bool
can_fit(const struct dest_wanted *wanted, size_t field, const char *text)
{
	if (wanted->compare == DEST_DOMAIN)
		return strchr(text, '.') != NULL && strlen(text) <= VALUE_UNITS_MAX;
	if (is_id_field(wanted->fields[field]))
		return salesforce_is_id(text);
	return text[0] != '\0' && bh_utf8_units(text, strlen(text)) <= VALUE_UNITS_MAX;
}

static int
take_question(struct asked *asked, const struct dest_wanted *wanted, struct bh_err *err)
{
	bool fits = true;

	if (check_names(wanted, err) < 0)
		return -1;
	asked->wanted = wanted;
	for (size_t i = 0; i < wanted->n; i++) {
		const char *value = wanted->values[i];

		asked->texts[i] =
		    wanted->compare == DEST_DOMAIN ? dest_host(value) : dest_trim(value);
		asked->folded[i] = dest_fold(asked->texts[i]);
		fits = fits && can_fit(wanted, i, asked->texts[i]);
	}
	asked->n = fits ? wanted->n : 0;
	return 0;
}

static bool
is_text_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_form_same(const struct dest_wanted *a, const struct dest_wanted *b)
{
	if (strcmp(a->object, b->object) != 0 || !is_text_same(a->key_field, b->key_field) ||
	    a->compare != b->compare || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	}
	return true;
}

/* --- queries ------------------------------------------------------------ */

/* A field that is selected twice fails the query. */
static void
add_column(struct bh_buf *path, json_t *columns, const char *name)
{
	char *folded = dest_fold(name);

	if (json_object_get(columns, folded) == NULL) {
		salesforce_soql_add(path, json_object_size(columns) > 0 ? "," : "SELECT ");
		salesforce_soql_add(path, name);
		json_object_set_new(columns, folded, json_true());
	}
	free(folded);
}

static bool
is_list(const struct dest_wanted *form)
{
	return form->n == 1 && form->compare == DEST_EQUAL;
}

static void
begin_query(const struct search *search, struct query *query, const struct dest_wanted *form)
{
	json_t *columns = json_object();

	*query = (struct query){.form = form, .terms = json_object()};
	bh_buf_init(&query->path, (size_t)2 * SALESFORCE_QUERY_MAX);
	salesforce_soql_begin(search->config, &query->path, "query");
	add_column(&query->path, columns, "Id");
	add_column(&query->path, columns, salesforce_name_field(form->object));
	if (form->key_field != NULL)
		add_column(&query->path, columns, form->key_field);
	for (size_t i = 0; i < form->n; i++)
		add_column(&query->path, columns, form->fields[i]);
	salesforce_soql_add(&query->path, " FROM ");
	salesforce_soql_add(&query->path, form->object);
	salesforce_soql_add(&query->path, " WHERE ");
	if (is_list(form)) {
		salesforce_soql_add(&query->path, form->fields[0]);
		salesforce_soql_add(&query->path, " IN (");
	}
	json_decref(columns);
}

/* The condition of one question: a value of the list, or all fields side by side. */
static void
add_condition(struct bh_buf *out, const struct asked *asked)
{
	const struct dest_wanted *wanted = asked->wanted;
	bool is_like = wanted->compare == DEST_DOMAIN;

	if (is_list(wanted)) {
		salesforce_soql_quote(out, asked->texts[0], false);
		return;
	}
	salesforce_soql_add(out, "(");
	for (size_t i = 0; i < wanted->n; i++) {
		salesforce_soql_add(out, i > 0 ? " AND " : "");
		salesforce_soql_add(out, wanted->fields[i]);
		salesforce_soql_add(out, is_like ? " LIKE " : " = ");
		salesforce_soql_quote(out, asked->texts[i], is_like);
	}
	salesforce_soql_add(out, ")");
}

/* All values as one name; is_folded: as they are compared. */
static char *
term_of(const struct asked *asked, bool is_folded)
{
	struct bh_buf out = BH_BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < asked->n; i++)
		bh_buf_addf(&out, "%s\n", is_folded ? asked->folded[i] : asked->texts[i]);
	return bh_buf_steal(&out);
}

/*
 * Add a question to a query.  False when it must go into another: the address
 * is full, or a question that differs by case alone is there.
 */
static bool
has_taken(struct query *query, const struct asked *asked, size_t index)
{
	struct bh_buf condition = BH_BUF_INIT((size_t)2 * SALESFORCE_QUERY_MAX);
	char *folded = term_of(asked, true), *exact = term_of(asked, false);
	const char *there = json_string_value(json_object_get(query->terms, folded));
	bool fits = there != NULL && strcmp(there, exact) == 0;

	if (there == NULL) {
		if (json_object_size(query->terms) > 0)
			salesforce_soql_add(&condition, is_list(query->form) ? "," : " OR ");
		add_condition(&condition, asked);
		fits = json_object_size(query->terms) == 0 ||
		       query->path.len + condition.len + 3 <= SALESFORCE_QUERY_MAX;
	}
	if (fits && there == NULL) {
		bh_buf_add(&query->path, condition.data, condition.len);
		json_object_set_new(query->terms, folded, json_string(exact));
	}
	if (fits) {
		query->members =
		    bh_xrealloc(query->members, (query->members_n + 1) * sizeof(query->members[0]));
		query->members[query->members_n++] = index;
	}
	bh_buf_release(&condition);
	free(folded);
	free(exact);
	return fits;
}

static void
place_question(struct search *search, size_t index)
{
	const struct asked *asked = &search->asked[index];
	struct query *query;

	for (size_t i = search->queries_n; i-- > 0;) {
		query = &search->queries[i];
		if (is_form_same(query->form, asked->wanted) && has_taken(query, asked, index))
			return;
	}
	search->queries =
	    bh_xrealloc(search->queries, (search->queries_n + 1) * sizeof(search->queries[0]));
	query = &search->queries[search->queries_n++];
	begin_query(search, query, asked->wanted);
	has_taken(query, asked, index);
}

static int
plan_search(struct search *search, struct bh_err *err)
{
	search->asked = bh_xcalloc(search->n + 1, sizeof(search->asked[0]));
	for (size_t i = 0; i < search->n; i++) {
		if (take_question(&search->asked[i], &search->wanted[i], err) < 0)
			return -1;
		if (search->asked[i].n > 0)
			place_question(search, i);
	}
	return 0;
}

static void
search_release(struct search *search)
{
	for (size_t i = 0; i < search->n; i++) {
		for (size_t k = 0; k < DEST_WANTED_MAX; k++) {
			free(search->asked[i].texts[k]);
			free(search->asked[i].folded[k]);
		}
	}
	for (size_t i = 0; i < search->queries_n; i++) {
		free(search->queries[i].members);
		bh_buf_release(&search->queries[i].path);
		json_decref(search->queries[i].terms);
	}
	free(search->asked);
	free(search->queries);
}

/* --- answers ------------------------------------------------------------ */

static void
add_candidate(struct dest_found *found, const struct dest_wanted *wanted, const json_t *row)
{
	const char *id = dest_text(row, "Id", "");
	struct dest_candidate *candidate;

	if (found->n == DEST_CANDIDATES_MAX) {
		found->more = true;
		return;
	}
	candidate = &found->items[found->n];
	if (id[0] == '\0' || strlen(id) >= sizeof(candidate->remote_id))
		return;
	found->n++;
	dest_copy(candidate->remote_id, sizeof(candidate->remote_id), id);
	dest_copy(candidate->name, sizeof(candidate->name),
	    bh_json_str(row, salesforce_name_field(wanted->object)));
	if (wanted->key_field != NULL)
		dest_copy(candidate->key, sizeof(candidate->key),
		    bh_json_str(row, wanted->key_field));
}

/* A lone question is answered by every row: then only Salesforce compares. */
static void
take_row(void *arg, const json_t *row)
{
	struct search *search = arg;
	const struct query *query = search->at;
	bool is_lone = query->form->compare == DEST_EQUAL && json_object_size(query->terms) == 1;

	for (size_t i = 0; i < query->members_n; i++) {
		size_t index = query->members[i];

		if (is_lone || is_answered(&search->asked[index], row))
			add_candidate(&search->found[index], query->form, row);
	}
}

static int
take_rows(struct search *search, struct salesforce_part *part, struct bh_err *err)
{
	bool is_whole;

	if (salesforce_rows(search->config, part, take_row, search, &is_whole, err) < 0)
		return -1;
	for (size_t i = 0; i < search->at->members_n && !is_whole; i++)
		search->found[search->at->members[i]].more = true;
	return 0;
}

/* Ask count queries in one call. */
static int
ask_queries(struct search *search, struct query *const *queries, size_t count, struct bh_err *err)
{
	struct salesforce_part parts[SALESFORCE_COLLECTIONS];
	int rc;

	for (size_t i = 0; i < count; i++) {
		const struct query *query = queries[i];

		salesforce_part_init(&parts[i], "GET", query->form->object);
		bh_buf_add(&parts[i].path, query->path.data, query->path.len);
		salesforce_soql_add(&parts[i].path, is_list(query->form) ? ")" : "");
	}
	rc = salesforce_call_parts(search->config, parts, count, false, err);
	for (size_t i = 0; i < count; i++) {
		search->at = queries[i];
		if (rc == 0)
			rc = take_rows(search, &parts[i], err);
		salesforce_part_release(&parts[i]);
	}
	return rc;
}

/* --- all records -------------------------------------------------------- */

/* All queries on one object, and its records. */
struct whole {
	struct search *search;
	const char *object;
	json_t *rows;
	bool is_doubtful; /* a value is another than the one asked for but for case */
};

static bool
is_of_whole(const struct whole *whole, const struct query *query)
{
	return !query->is_answered && strcmp(query->form->object, whole->object) == 0;
}

/* "SELECT ... FROM object LIMIT n", with what any question asks for. */
static void
add_whole_query(const struct whole *whole, struct bh_buf *path)
{
	const struct search *search = whole->search;
	json_t *columns = json_object();
	char limit[32];

	salesforce_soql_begin(search->config, path, "query");
	add_column(path, columns, "Id");
	add_column(path, columns, salesforce_name_field(whole->object));
	for (size_t i = 0; i < search->queries_n; i++) {
		const struct dest_wanted *form = search->queries[i].form;

		if (!is_of_whole(whole, &search->queries[i]))
			continue;
		if (form->key_field != NULL)
			add_column(path, columns, form->key_field);
		for (size_t k = 0; k < form->n; k++)
			add_column(path, columns, form->fields[k]);
	}
	snprintf(limit, sizeof(limit), " LIMIT %d", ROWS_MAX);
	salesforce_soql_add(path, " FROM ");
	salesforce_soql_add(path, whole->object);
	salesforce_soql_add(path, limit);
	json_decref(columns);
}

/* Only Salesforce knows which of its own custom fields heed case. */
static bool
is_case_doubtful(const struct asked *asked, const json_t *row)
{
	for (size_t i = 0; i < asked->n; i++) {
		const char *name = asked->wanted->fields[i], *have = bh_json_str(row, name);

		if (asked->wanted->compare == DEST_EQUAL && bh_has_suffix(name, "__c") &&
		    have != NULL && strcmp(have, asked->texts[i]) != 0)
			return true;
	}
	return false;
}

static void
answer_query(struct whole *whole, const struct query *query, bool is_sure)
{
	struct search *search = whole->search;

	for (size_t i = 0; i < query->members_n; i++) {
		size_t index = query->members[i];

		for (size_t k = 0; k < json_array_size(whole->rows); k++) {
			const json_t *row = json_array_get(whole->rows, k);

			if (!is_answered(&search->asked[index], row))
				continue;
			if (is_sure)
				add_candidate(&search->found[index], query->form, row);
			else if (is_case_doubtful(&search->asked[index], row))
				whole->is_doubtful = true;
		}
	}
}

static void
answer_all(struct whole *whole, bool is_sure)
{
	for (size_t i = 0; i < whole->search->queries_n; i++) {
		struct query *query = &whole->search->queries[i];

		if (!is_of_whole(whole, query))
			continue;
		answer_query(whole, query, is_sure);
		query->is_answered = is_sure;
	}
}

/* What fails here, or is too much, is asked. */
static void
ask_whole(struct whole *whole)
{
	struct salesforce_part part;
	const json_t *json;

	salesforce_part_init(&part, "GET", whole->object);
	add_whole_query(whole, &part.path);
	if (salesforce_call_parts(whole->search->config, &part, 1, false, NULL) == 0 &&
	    part.answer.response.status == 200) {
		json = part.answer.json;
		whole->rows = json_object_get(json, "records");
		if (json_is_true(json_object_get(json, "done")) && json_is_array(whole->rows) &&
		    json_array_size(whole->rows) < ROWS_MAX) {
			answer_all(whole, false);
			if (!whole->is_doubtful)
				answer_all(whole, true);
		}
	}
	salesforce_part_release(&part);
}

static void
ask_wholes(struct search *search)
{
	for (size_t i = 0; i < search->queries_n; i++) {
		struct whole whole = {.search = search, .object = search->queries[i].form->object};
		size_t n = 0;

		for (size_t k = 0; k < search->queries_n; k++) {
			if (!is_of_whole(&whole, &search->queries[k]))
				continue;
			if (k < i)
				break; /* it was looked at before */
			n++;
		}
		if (n > (size_t)SALESFORCE_COLLECTIONS * (WHOLE_LEAST - 1))
			ask_whole(&whole);
	}
}

/* --- all questions ------------------------------------------------------ */

/* Some queries that have no answer yet, from *next on. */
static size_t
open_queries(struct search *search, size_t *next, struct query *queries[SALESFORCE_COLLECTIONS])
{
	size_t n = 0;

	for (; *next < search->queries_n && n < SALESFORCE_COLLECTIONS; (*next)++)
		if (!search->queries[*next].is_answered)
			queries[n++] = &search->queries[*next];
	return n;
}

int
salesforce_find(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
    struct dest_found *found, struct bh_err *err)
{
	struct search search = {.config = config, .wanted = wanted, .n = n, .found = found};
	int rc;

	memset(found, 0, n * sizeof(found[0]));
	rc = plan_search(&search, err);
	if (rc == 0)
		ask_wholes(&search);
	for (size_t next = 0; rc == 0 && next < search.queries_n;) {
		struct query *queries[SALESFORCE_COLLECTIONS];
		size_t count = open_queries(&search, &next, queries);

		if (count > 0)
			rc = ask_queries(&search, queries, count, err);
	}
	search_release(&search);
	return salesforce_repeatable(rc, err);
}
