/*
 * HubSpot: do associations hold?  They are read by the record that has them, in the
 * largest batches ("Associations"); a record without any is told as an error that is none.
 */
#include "base/base.h"

#include "dest/driver.h"
#include "dest/hubspot.h"
#include "dest/hubspot_look.h"

#define PAGES_MAX 20 /* of the associations of one record */
#define SHOWN 3      /* of those that a record has */

/* Some associations of one record. */
struct page {
	char id[32], after[32]; /* "": the first page */
	int number;
};

struct look {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	json_t *held;             /* "path id" -> array of ids; null: too many to be read */
	struct page *pages;
	size_t pages_n, pages_cap;
	struct bh_err err; /* the first failure */
};

static json_t *
page_input(struct hubspot_work *work, size_t at)
{
	const struct page *page = &((const struct look *)work)->pages[at];

	if (page->after[0] == '\0')
		return json_pack("{s:s}", "id", page->id);
	return json_pack("{s:s, s:s}", "id", page->id, "after", page->after);
}

static char *
name_of(const char *path, const char *id)
{
	return bh_xasprintf("%s %s", path, id);
}

static void
add_page(struct look *look, const char *path, const char *id, const char *after, int number)
{
	struct page *page;

	if (look->pages_n == look->pages_cap) {
		look->pages_cap = look->pages_cap != 0 ? look->pages_cap * 2 : 64;
		look->pages = bh_xrealloc(look->pages, look->pages_cap * sizeof(look->pages[0]));
	}
	page = &look->pages[look->pages_n];
	page->number = number;
	snprintf(page->id, sizeof(page->id), "%s", id);
	snprintf(page->after, sizeof(page->after), "%s", after);
	hubspot_work_add(&look->work, path, "", look->pages_n++);
}

static int
number_of(const struct look *look, const struct hubspot_batch *batch, const char *id)
{
	for (size_t i = 0; i < batch->n; i++)
		if (strcmp(look->pages[batch->at[i]].id, id) == 0)
			return look->pages[batch->at[i]].number;
	return PAGES_MAX;
}

static void
take_result(struct look *look, const struct hubspot_batch *batch, const json_t *result)
{
	const char *after = bh_json_str(result, "paging.next.after"), *id;
	json_t *to = json_object_get(result, "to"), *held;
	char from[32], number[32], *name;
	int page;

	id = hubspot_id_text(bh_json_at(result, "from.id"), from);
	if (id == NULL)
		return;
	name = name_of(batch->path, id);
	held = json_object_get(look->held, name);
	for (size_t i = 0; i < json_array_size(to) && json_is_array(held); i++) {
		const char *other =
		    hubspot_id_text(json_object_get(json_array_get(to, i), "toObjectId"), number);

		if (other != NULL)
			json_array_append_new(held, json_string(other));
	}
	page = number_of(look, batch, id) + 1;
	if (after != NULL && page <= PAGES_MAX && strlen(after) < sizeof(look->pages[0].after))
		add_page(look, batch->path, id, after, page);
	else if (after != NULL)
		json_object_set_new(look->held, name, json_null());
	free(name);
}

static void
take_errors(struct look *look, const json_t *errors)
{
	for (size_t i = 0; i < json_array_size(errors) && look->err.code == BH_OK; i++) {
		const json_t *error = json_array_get(errors, i);
		struct hubspot_fault fault;

		if (strcmp(dest_text(error, "category", ""), "OBJECT_NOT_FOUND") == 0)
			continue;
		hubspot_fault_item(&fault, error);
		dest_result_fail(&fault.result,
		    fault.result.outcome == DEST_LATER ? BH_UNAVAILABLE : BH_INVALID, &look->err);
		hubspot_fault_release(&fault);
	}
}

static void
settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct hubspot_answer *answer)
{
	struct look *look = (struct look *)work;
	const json_t *results = json_object_get(answer->body, "results");

	if (look->err.code != BH_OK)
		return;
	if (!hubspot_is_good(answer)) {
		hubspot_fail(answer, &look->err);
		return;
	}
	if (!json_is_array(results))
		bh_fail(&look->err, BH_UNAVAILABLE, "HubSpot's answer tells no associations");
	for (size_t i = 0; i < json_array_size(results); i++)
		take_result(look, batch, json_array_get(results, i));
	take_errors(look, json_object_get(answer->body, "errors"));
}

static char *
path_of(struct look *look, const struct dest_tie *tie)
{
	return hubspot_path(look->work.talk->config, "/crm/associations/{v}/{a}/{b}/batch/read",
	    tie->object, tie->to_object);
}

/* Each record is asked once for those to one object. */
static void
ask_for(struct look *look, const struct dest_tie *tie)
{
	char *path = path_of(look, tie), *name = name_of(path, tie->remote_id);

	if (hubspot_is_id(tie->remote_id) && strlen(tie->remote_id) < sizeof(look->pages[0].id) &&
	    json_object_get(look->held, name) == NULL) {
		json_object_set_new(look->held, name, json_array());
		add_page(look, path, tie->remote_id, "", 1);
	}
	free(name);
	free(path);
}

static void
fill(struct look *look, struct dest_tie *tie)
{
	char *path = path_of(look, tie), *name = name_of(path, tie->remote_id);
	const json_t *held = json_object_get(look->held, name);
	size_t len = 0;

	tie->state = json_is_array(held) ? DEST_TIE_OTHER : DEST_TIE_UNKNOWN;
	tie->has[0] = '\0';
	for (size_t i = 0; i < json_array_size(held); i++) {
		const char *id = json_string_value(json_array_get(held, i));

		if (strcmp(id, tie->to_id) == 0)
			tie->state = DEST_TIE_HOLDS;
		if (i < SHOWN && len < sizeof(tie->has))
			len += (size_t)snprintf(tie->has + len, sizeof(tie->has) - len, "%s%s",
			    i > 0 ? ", " : "", id);
	}
	free(name);
	free(path);
}

int
hubspot_ties(struct dest_config *config, struct dest_tie *ties, size_t n, struct bh_err *err)
{
	struct hubspot_talk talk = {.config = config};
	struct look look = {.work = {.talk = &talk,
				.limit = hubspot_count(config, "assoc_batch", HUBSPOT_LINKS,
				    HUBSPOT_LINKS),
				.input = page_input,
				.settle = settle},
	    .held = json_object()};
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		ask_for(&look, &ties[i]);
	hubspot_work_run(&look.work);
	if (look.err.code != BH_OK) {
		rc = -1;
		if (err != NULL)
			*err = look.err;
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		fill(&look, &ties[i]);
	json_decref(look.held);
	free(look.pages);
	return hubspot_repeatable(rc, err);
}
