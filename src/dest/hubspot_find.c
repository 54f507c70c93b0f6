/*
 * Find: ids and unique properties by batch read, which is current; everything
 * else by search, whose index lags a little and which is asked only where no unique
 * property decides.  Which question a row answers is decided here, by comparing:
 *
 *   ids, unique properties   as they stand; contacts' e-mail without regard to case,
 *                            further addresses of a contact count
 *   other texts              without regard to case
 *   web addresses            by their hosts: the search finds too much ("notacme.com")
 *
 * Whether a property is unique is not known here: a batch read by it is tried,
 * and a refusal means a search.  The key is never searched for.
 *
 * Many questions about an object of which there are few records (a new portal)
 * are answered by reading all of these: a list of 100 is a call, and current.
 */
#include "base/base.h"

#include "dest/compare.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"

#define VALUE_MAX 500 /* bytes of a value that can be searched for */
#define PAGES_MAX 10
#define LIST_SHARE                                                                                 \
	4 /* reading all may cost this part of what asking would cost: often it is in vain */

/* A question; is_there false: nothing can fit. */
struct asked {
	const struct dest_wanted *wanted;
	char *texts[DEST_WANTED_MAX];  /* as HubSpot would keep them */
	char *folded[DEST_WANTED_MAX]; /* and as they are compared */
	bool is_there;
	bool is_taken; /* among the questions of a form that was asked */
};

/* Questions of one form. */
struct form {
	struct dest_config *config;
	struct dest_found *found;
	const struct asked *asked;
	const struct dest_wanted *first;
	size_t *members;
	size_t n;
	size_t from, to; /* the members whose rows come in */
	bool is_exact;   /* by id or unique property */
};

/* --- questions ---------------------------------------------------------- */

static bool
is_id_field(const char *name)
{
	return strcmp(name, "Id") == 0 || strcmp(name, "id") == 0 ||
	       strcmp(name, "hs_object_id") == 0;
}

static bool
is_by_id(const struct dest_wanted *wanted)
{
	return wanted->n == 1 && wanted->compare == DEST_EQUAL && is_id_field(wanted->fields[0]);
}

static bool
is_by_email(const struct dest_wanted *wanted)
{
	return wanted->n == 1 && wanted->compare == DEST_EQUAL &&
	       strcmp(wanted->fields[0], "email") == 0 &&
	       hubspot_is_type(wanted->object, "contact");
}

static bool
is_by_key(const struct dest_wanted *wanted)
{
	return wanted->n == 1 && wanted->compare == DEST_EQUAL && wanted->key_field != NULL &&
	       strcmp(wanted->fields[0], wanted->key_field) == 0;
}

/* By the key in a task's body nothing can be found: push looks where the task stands. */
static bool
is_by_body(const struct dest_wanted *wanted)
{
	return is_by_key(wanted) && hubspot_is_in_body(wanted->object, wanted->key_field);
}

/* Worth a batch read: HubSpot's own properties are not unique but a contact's e-mail. */
static bool
is_perhaps_unique(const struct dest_wanted *wanted)
{
	static const char *const known[] = {"name", "domain", "website", "phone", "city", "zip",
	    "country", "company", "firstname", "lastname", "dealname", "email"};

	if (wanted->n != 1 || wanted->compare != DEST_EQUAL)
		return false;
	if (is_by_email(wanted) || is_by_key(wanted))
		return true;
	for (size_t i = 0; i < BH_LEN(known); i++)
		if (strcmp(known[i], wanted->fields[0]) == 0)
			return false;
	return true;
}

static bool
can_fit(const struct dest_wanted *wanted, size_t field, const char *text)
{
	if (wanted->compare == DEST_DOMAIN)
		return strchr(text, '.') != NULL && strlen(text) <= VALUE_MAX;
	if (is_id_field(wanted->fields[field]))
		return hubspot_is_id(text);
	return text[0] != '\0' && strlen(text) <= VALUE_MAX;
}

static void
take_question(struct asked *asked, const struct dest_wanted *wanted)
{
	asked->wanted = wanted;
	asked->is_there = wanted->n > 0 && !is_by_body(wanted);
	for (size_t i = 0; i < wanted->n; i++) {
		const char *value = wanted->values[i];

		asked->texts[i] =
		    wanted->compare == DEST_DOMAIN ? dest_host(value) : dest_trim(value);
		asked->folded[i] = dest_fold(asked->texts[i]);
		asked->is_there = asked->is_there && can_fit(wanted, i, asked->texts[i]);
	}
}

static void
release_question(struct asked *asked)
{
	for (size_t i = 0; i < DEST_WANTED_MAX; i++) {
		free(asked->texts[i]);
		free(asked->folded[i]);
	}
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
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	return true;
}

/* --- rows --------------------------------------------------------------- */

static bool
has_host(const char *have, const char *host)
{
	char *own = dest_host(have);
	bool same = strcmp(own, host) == 0;

	free(own);
	return same;
}

static bool
has_text(const char *have, const char *folded)
{
	char *trimmed = dest_trim(have), *own = dest_fold(trimmed);
	bool same = strcmp(own, folded) == 0;

	free(own);
	free(trimmed);
	return same;
}

/* One of the addresses in a list separated by semicolons? */
static bool
has_address(const char *list, const char *folded)
{
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ";");
		char *one = bh_xstrndup(list, len);
		bool same = has_text(one, folded);

		free(one);
		if (same)
			return true;
		list += len + (list[len] != '\0');
	}
	return false;
}

static bool
is_value_same(const struct asked *asked, size_t field, const json_t *row, bool is_exact)
{
	const struct dest_wanted *wanted = asked->wanted;
	const char *have = hubspot_value_of(row, wanted->fields[field]);

	if (is_id_field(wanted->fields[field]))
		return strcmp(dest_text(row, "id", ""), asked->texts[field]) == 0;
	if (is_by_email(wanted))
		return has_address(have, asked->folded[field]) ||
		       has_address(hubspot_value_of(row, "hs_additional_emails"),
			   asked->folded[field]);
	if (have == NULL)
		return false;
	if (wanted->compare == DEST_DOMAIN)
		return has_host(have, asked->folded[field]);
	return is_exact ? strcmp(have, asked->texts[field]) == 0
			: has_text(have, asked->folded[field]);
}

static bool
is_answered(const struct asked *asked, const json_t *row, bool is_exact)
{
	for (size_t i = 0; i < asked->wanted->n; i++)
		if (!is_value_same(asked, i, row, is_exact))
			return false;
	return true;
}

/* Pages of a search may overlap. */
static bool
is_known(const struct dest_found *found, const char *id)
{
	for (size_t i = 0; i < found->n; i++)
		if (strcmp(found->items[i].remote_id, id) == 0)
			return true;
	return false;
}

static void
add_candidate(struct dest_found *found, const struct dest_wanted *wanted, const json_t *row)
{
	const char *id = dest_text(row, "id", "");
	struct dest_candidate *candidate;

	if (!hubspot_is_id(id) || is_known(found, id))
		return;
	if (found->n == DEST_CANDIDATES_MAX) {
		found->more = true;
		return;
	}
	candidate = &found->items[found->n++];
	dest_copy(candidate->remote_id, sizeof(candidate->remote_id), id);
	hubspot_name_of(wanted->object, row, candidate->name, sizeof(candidate->name));
	if (hubspot_is_in_body(wanted->object, wanted->key_field))
		hubspot_key_in_body(hubspot_value_of(row, "hs_task_body"), candidate->key,
		    sizeof(candidate->key));
	else if (wanted->key_field != NULL)
		dest_copy(candidate->key, sizeof(candidate->key),
		    hubspot_value_of(row, wanted->key_field));
}

/* A lone question is answered by every row of its search: then only HubSpot compares. */
static void
take_row(void *arg, const json_t *row)
{
	struct form *form = arg;
	bool is_lone =
	    !form->is_exact && form->to - form->from == 1 && form->first->compare == DEST_EQUAL;

	for (size_t i = form->from; i < form->to; i++) {
		size_t at = form->members[i];

		if (is_lone || is_answered(&form->asked[at], row, form->is_exact))
			add_candidate(&form->found[at], form->first, row);
	}
}

static void
add_property(json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
			return;
	json_array_append_new(names, json_string(name));
}

static void
add_properties(json_t *names, const struct dest_wanted *wanted)
{
	if (wanted->key_field != NULL)
		add_property(names, hubspot_is_in_body(wanted->object, wanted->key_field)
					? "hs_task_body"
					: wanted->key_field);
	for (size_t i = 0; i < wanted->n; i++)
		if (!is_id_field(wanted->fields[i]))
			add_property(names, wanted->fields[i]);
	if (is_by_email(wanted))
		add_property(names, "hs_additional_emails");
}

static json_t *
properties_of(const struct dest_wanted *wanted)
{
	json_t *names = json_array();

	hubspot_add_name_properties(names, wanted->object);
	add_properties(names, wanted);
	return names;
}

/* --- by batch read ------------------------------------------------------ */

/* 1: the property is not unique, so that it has to be searched for. */
static int
read_form(struct form *form, struct bh_err *err)
{
	const struct dest_wanted *first = form->first;
	bool is_email = is_by_email(first);
	char code[64] = "";
	struct hubspot_rows rows = {.object = first->object,
	    .id_property = is_by_id(first) ? NULL : first->fields[0],
	    .properties = properties_of(first),
	    .ids = json_object()};
	struct bh_err why = BH_ERR_INIT;
	int rc;

	form->is_exact = true;
	form->from = 0;
	form->to = form->n;
	for (size_t i = 0; i < form->n; i++) {
		const struct asked *asked = &form->asked[form->members[i]];

		json_object_set_new(rows.ids, is_email ? asked->folded[0] : asked->texts[0],
		    json_true());
	}
	rc = hubspot_read_rows(form->config, &rows, take_row, form, code, &why);
	json_decref((json_t *)(uintptr_t)rows.properties);
	json_decref(rows.ids);
	if (rc < 0 && strcmp(code, "KEY_NOT_UNIQUE") == 0 && !is_by_key(first))
		return 1;
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* --- by search ---------------------------------------------------------- */

/* All values of one filter? */
static bool
is_list(const struct dest_wanted *first)
{
	return first->n == 1 &&
	       (first->compare == DEST_EQUAL || strcmp(first->fields[0], "domain") == 0);
}

/* The values of one question for such a list, which have to be in lower case. */
static json_t *
values_of(const struct asked *asked)
{
	json_t *values = json_array();

	json_array_append_new(values, json_string(asked->folded[0]));
	if (asked->wanted->compare == DEST_DOMAIN)
		json_array_append_new(values, json_sprintf("www.%s", asked->folded[0]));
	return values;
}

/* The filters of one question: all of them must hold. */
static json_t *
filters_of(const struct asked *asked)
{
	const struct dest_wanted *wanted = asked->wanted;
	json_t *filters = json_array();

	for (size_t i = 0; i < wanted->n; i++) {
		bool is_host = wanted->compare == DEST_DOMAIN;

		json_array_append_new(filters,
		    json_pack("{s:s, s:s, s:o}", "propertyName",
			is_id_field(wanted->fields[i]) ? "hs_object_id" : wanted->fields[i],
			"operator", is_host ? "CONTAINS_TOKEN" : "EQ", "value",
			is_host ? json_sprintf("*%s*", asked->texts[i])
				: json_string(asked->texts[i])));
	}
	return filters;
}

static size_t
size_of(const json_t *json)
{
	char *text = bh_json_text(json);
	size_t len = strlen(text);

	free(text);
	return len;
}

/* Values or groups of as many members from form->from on as fit into one search; form->to is set. */
static json_t *
next_parts(struct form *form)
{
	json_t *parts = json_array();
	bool list = is_list(form->first);
	size_t most = list ? HUBSPOT_SEARCH_VALUES / 2 : HUBSPOT_SEARCH_GROUPS;

	for (form->to = form->from; form->to < form->n && form->to - form->from < most;
	     form->to++) {
		const struct asked *asked = &form->asked[form->members[form->to]];
		json_t *more =
		    list ? values_of(asked) : json_pack("[{s:o}]", "filters", filters_of(asked));
		bool fits = form->to == form->from ||
			    size_of(parts) + size_of(more) <= HUBSPOT_SEARCH_BYTES;

		if (fits)
			json_array_extend(parts, more);
		json_decref(more);
		if (!fits)
			break;
	}
	return parts;
}

static json_t *
next_groups(struct form *form)
{
	json_t *parts = next_parts(form);

	if (!is_list(form->first))
		return parts;
	return json_pack("[{s:[{s:s, s:s, s:o}]}]", "filters", "propertyName",
	    form->first->fields[0], "operator", "IN", "values", parts);
}

/* One page; after: where it begins ("" the first), then where the next one does. */
static int
search_page(struct form *form, json_t *body, char after[32], struct bh_err *err)
{
	const json_t *results;
	const char *next;
	json_t *answer;

	if (hubspot_search(form->config, form->first->object, body, HUBSPOT_SEARCH_PAGE,
		after[0] != '\0' ? after : NULL, &answer, err) < 0)
		return -1;
	results = json_object_get(answer, "results");
	for (size_t i = 0; i < json_array_size(results); i++)
		take_row(form, json_array_get(results, i));
	next = bh_json_str(answer, "paging.next.after");
	snprintf(after, 32, "%s", next != NULL && strlen(next) < 32 ? next : "");
	json_decref(answer);
	return 0;
}

static int
search_pages(struct form *form, json_t *body, struct bh_err *err)
{
	char after[32] = "";
	int pages = 0;

	do {
		if (search_page(form, body, after, err) < 0)
			return -1;
	} while (after[0] != '\0' && ++pages < PAGES_MAX);
	for (size_t i = form->from; i < form->to && after[0] != '\0'; i++)
		form->found[form->members[i]].more = true;
	return 0;
}

static int
search_form(struct form *form, struct bh_err *err)
{
	int rc = 0;

	form->is_exact = false;
	for (form->from = 0; form->from < form->n && rc == 0; form->from = form->to) {
		json_t *body = json_pack("{s:o, s:o}", "filterGroups", next_groups(form),
		    "properties", properties_of(form->first));

		rc = search_pages(form, body, err);
		json_decref(body);
	}
	return rc;
}

/* --- by reading all ----------------------------------------------------- */

/* All questions about one object. */
struct whole {
	struct asked *asked;
	struct dest_found *found;
	size_t first, n;
	json_t *rows;
};

static bool
is_of_whole(const struct whole *whole, size_t at)
{
	const struct asked *asked = &whole->asked[at];

	return asked->is_there && !asked->is_taken &&
	       strcmp(asked->wanted->object, whole->asked[whole->first].wanted->object) == 0;
}

/* How many calls asking would take, at least. */
static size_t
calls_of(const struct whole *whole)
{
	size_t reads = 0, bytes = 0;

	for (size_t i = whole->first; i < whole->n; i++) {
		const struct asked *asked = &whole->asked[i];

		if (!is_of_whole(whole, i))
			continue;
		if (is_by_id(asked->wanted) || is_perhaps_unique(asked->wanted))
			reads++;
		else
			bytes += strlen(asked->texts[0]);
	}
	return reads / HUBSPOT_INPUTS + bytes / HUBSPOT_SEARCH_BYTES;
}

static json_t *
whole_properties(const struct whole *whole)
{
	json_t *names = json_array();

	hubspot_add_name_properties(names, whole->asked[whole->first].wanted->object);
	for (size_t i = whole->first; i < whole->n; i++)
		if (is_of_whole(whole, i))
			add_properties(names, whole->asked[i].wanted);
	return names;
}

static void
keep_row(void *arg, const json_t *row)
{
	json_array_append(((struct whole *)arg)->rows, (json_t *)(uintptr_t)row);
}

/* A property that is not there is left out of the rows, and asking says so; one without a value is null. */
static bool
has_all(const json_t *rows, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *have = json_object_get(json_array_get(rows, i), "properties");

		for (size_t k = 0; k < json_array_size(names); k++)
			if (json_object_get(have, json_string_value(json_array_get(names, k))) ==
			    NULL)
				return false;
	}
	return true;
}

static void
answer_whole(const struct whole *whole, size_t at)
{
	struct asked *asked = &whole->asked[at];

	asked->is_taken = true;
	for (size_t i = 0; i < json_array_size(whole->rows); i++) {
		const json_t *row = json_array_get(whole->rows, i);

		if (is_answered(asked, row, is_by_key(asked->wanted)))
			add_candidate(&whole->found[at], asked->wanted, row);
	}
}

/* Answer all questions about the object of the first, where it has few records.  What fails here is asked. */
static void
ask_whole(struct dest_config *config, struct whole *whole)
{
	const char *object = whole->asked[whole->first].wanted->object;
	size_t pages = calls_of(whole) / LIST_SHARE;
	json_t *names;

	if (pages == 0)
		return;
	names = whole_properties(whole);
	whole->rows = json_array();
	if (hubspot_list_rows(config, object, names, pages, keep_row, whole, NULL) > 0 &&
	    has_all(whole->rows, names)) {
		for (size_t i = whole->first; i < whole->n; i++)
			if (is_of_whole(whole, i))
				answer_whole(whole, i);
	}
	json_decref(whole->rows);
	json_decref(names);
}

/* Is it the first question about its object? */
static bool
is_first(const struct asked *asked, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (asked[i].is_there &&
		    strcmp(asked[i].wanted->object, asked[at].wanted->object) == 0)
			return false;
	return true;
}

static void
ask_wholes(struct dest_config *config, struct asked *asked, struct dest_found *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct whole whole = {.asked = asked, .found = found, .first = i, .n = n};

		if (asked[i].is_there && is_first(asked, i))
			ask_whole(config, &whole);
	}
}

/* --- all forms ---------------------------------------------------------- */

static int
ask_form(struct form *form, struct bh_err *err)
{
	const struct dest_wanted *first = form->first;
	int rc = 1;

	if (is_by_id(first) || is_perhaps_unique(first))
		rc = read_form(form, err);
	if (rc > 0)
		rc = search_form(form, err);
	return rc < 0
		   ? bh_during(err, "looking for %.60s by %.60s", first->object, first->fields[0])
		   : 0;
}

/* The questions from first on that have its form. */
static void
collect(struct form *form, struct asked *asked, size_t first, size_t n)
{
	form->first = asked[first].wanted;
	form->n = 0;
	for (size_t i = first; i < n; i++) {
		if (!asked[i].is_there || asked[i].is_taken ||
		    !is_form_same(form->first, asked[i].wanted))
			continue;
		asked[i].is_taken = true;
		form->members[form->n++] = i;
	}
}

int
hubspot_find(struct dest_config *config, const struct dest_wanted *wanted, size_t n,
    struct dest_found *found, struct bh_err *err)
{
	struct asked *asked = bh_xcalloc(n + 1, sizeof(asked[0]));
	struct form form = {.config = config,
	    .found = found,
	    .asked = asked,
	    .members = bh_xcalloc(n + 1, sizeof(form.members[0]))};
	int rc = 0;

	memset(found, 0, n * sizeof(found[0]));
	for (size_t i = 0; i < n; i++)
		take_question(&asked[i], &wanted[i]);
	ask_wholes(config, asked, found, n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!asked[i].is_there || asked[i].is_taken)
			continue;
		collect(&form, asked, i, n);
		rc = ask_form(&form, err);
	}
	for (size_t i = 0; i < n; i++)
		release_question(&asked[i]);
	free(form.members);
	free(asked);
	return hubspot_repeatable(rc, err);
}
