/* See crm_people.h. */
#include "base/base.h"

#include "web/crm_people.h"

#include "base/json.h"
#include "base/text.h"
#include "state/link.h"
#include "web/crm_sync.h"
#include "web/words.h"

#define MATCHES_SHOWN 10
#define MATCHES_PAGE 50    /* held links looked at in one go */
#define MATCHES_LOOKED 300 /* for one page: a read of the store each */
#define UNMATCHED_SHOWN 50 /* proposals of customers */
#define ROWS_SHOWN 200     /* of an import */

struct people {
	struct crm_facts *facts;
	struct store_txn *txn; /* borrowed */
	json_t *syncs;         /* {code: {"from", "mapping"}} of those to this CRM; owned */
	json_t *list;          /* of what is being walked; owned */
	size_t looked_at;
	bool is_full;
	const char *import_sync; /* whose list of accounts is shown; "" none; borrowed */
	json_t *behind;          /* identity of the last that was taken; owned; NULL */
};

static json_t *
identity(const struct link_id *id)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "sync", id->sync, "object", id->object, "account",
	    id->account, "id", id->id);
}

/* -- matches that wait -- */

static json_t *
candidates_view(const json_t *candidates)
{
	static const char *const names[] = {"remote_id", "name", "key", "why"};
	json_t *list = json_array(), *one;
	size_t i;

	if (!json_is_array(candidates))
		return list;
	json_array_foreach ((json_t *)(uintptr_t)candidates, i, one) {
		json_t *view = json_object();

		for (size_t n = 0; n < BH_LEN(names); n++) {
			const char *text = bh_json_str(one, names[n]);

			json_object_set_new(view, names[n], words_json(text != NULL ? text : ""));
		}
		json_array_append_new(list, view);
	}
	return list;
}

static int
add_match(struct people *people, const struct link_id *id, const struct link *link,
    struct bh_err *err)
{
	const json_t *sync = json_object_get(people->syncs, id->sync);
	enum object_kind kind = crm_object_kind(crm_sync_object(sync, id->object));
	json_t *title = crm_title(people->txn, people->syncs, id, err), *match;
	json_t *candidates = NULL;

	if (title == NULL)
		return -1;
	if (link_candidates_get(people->txn, id, &candidates, err) < 0) {
		json_decref(title);
		return -1;
	}
	match = identity(id);
	json_object_set_new(match, "title", title);
	json_object_set_new(match, "kind", json_string(object_kind_name(kind)));
	json_object_set_new(match, "cause", words_json(link->cause));
	json_object_set_new(match, "candidates", candidates_view(candidates));
	json_array_append_new(people->list, match);
	json_decref(candidates);
	return 0;
}

static int
look_at_held(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	struct people *people = arg;

	if (people->is_full)
		return 0;
	if (strcmp(link->code, LINK_AMBIGUOUS) == 0) {
		if (json_array_size(people->list) == MATCHES_SHOWN) {
			people->is_full = true;
			return 0;
		}
		if (add_match(people, id, link, err) < 0)
			return -1;
	}
	people->looked_at++;
	json_decref(people->behind);
	people->behind = identity(id);
	return 0;
}

/* Where the page begins; the link itself may be gone by now. */
static void
begin_behind(struct people *people, struct bh_buf *after)
{
	static const char *const names[] = {"sync", "object", "account", "id"};
	const char *parts[BH_LEN(names)];

	for (size_t i = 0; i < BH_LEN(names); i++) {
		parts[i] = request_query(people->facts->exchange->request, names[i]);
		if (parts[i] == NULL)
			return;
	}
	link_held_behind(after, &(struct link_id){.dest = people->facts->connection->code,
				    .sync = parts[0],
				    .object = parts[1],
				    .account = parts[2],
				    .id = parts[3]});
}

/* The page behind the last match of this one. */
static json_t *
next_url(const struct people *people)
{
	struct bh_buf url = BH_BUF_INIT(16384);
	const char *name, *separator = "?";
	json_t *part, *json;

	bh_buf_addf(&url, "%s/connections/%s", people->facts->exchange->request->base,
	    people->facts->connection->code);
	json_object_foreach (people->behind, name, part) {
		bh_buf_addf(&url, "%s%s=", separator, name);
		bh_percent_add(&url, json_string_value(part), json_string_length(part));
		separator = "&";
	}
	bh_buf_adds(&url, "#waiting");
	json = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

static int
add_matches(struct people *people, struct bh_err *err)
{
	json_t *model = people->facts->model;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true, is_behind;
	int rc = 0;

	people->list = json_array();
	begin_behind(people, &after);
	is_behind = after.len != 0;
	while (rc == 0 && more && !people->is_full && people->looked_at < MATCHES_LOOKED)
		rc = link_held(people->txn, people->facts->connection->code, MATCHES_PAGE, &after,
		    look_at_held, people, &more, err);
	bh_buf_release(&after);
	json_object_set_new(model, "has_matches", json_boolean(json_array_size(people->list) > 0));
	json_object_set_new(model, "matches", people->list);
	json_object_set_new(model, "next_url",
	    people->is_full || more ? next_url(people) : json_string(""));
	json_object_set_new(model, "is_behind", json_boolean(is_behind));
	people->list = NULL;
	return rc;
}

/* -- CRM accounts without a customer -- */

const json_t *
crm_import_row(const struct errand *import, const char *remote_id)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(import->answer, "rows"), i, row) {
		const char *its = bh_json_str(row, "remote_id");

		if (its != NULL && strcmp(its, remote_id) == 0)
			return row;
	}
	return NULL;
}

static json_t *
import_text(const struct crm_facts *facts BH_UNUSED, const struct errand *errand)
{
	size_t n = json_array_size(json_object_get(errand->answer, "rows"));

	if (n == 0)
		return json_string("Each account there has a customer.");
	return json_sprintf("%zu %s no customer%s.", n, n == 1 ? "account has" : "accounts have",
	    bh_is_json_true(errand->answer, "more") ? ", and there are more" : "");
}

/* Only an address of the web becomes a link. */
static json_t *
web_address(const char *url)
{
	if (url == NULL || (!bh_has_prefix(url, "https://") && !bh_has_prefix(url, "http://")))
		url = "";
	return words_json(url);
}

static json_t *
rows_view(const json_t *rows)
{
	json_t *list = json_array(), *row;
	size_t i;

	if (!json_is_array(rows))
		return list;
	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *remote_id = bh_json_str(row, "remote_id");
		const char *name = bh_json_str(row, "name");

		if (remote_id != NULL && i < ROWS_SHOWN)
			json_array_append_new(list,
			    json_pack("{s:o, s:o, s:o}", "remote_id", words_json(remote_id), "name",
				words_json(name != NULL && *name != '\0' ? name : remote_id), "url",
				web_address(bh_json_str(row, "link"))));
	}
	return list;
}

/* The syncs whose customers accounts may be matched with. */
static json_t *
syncs_view(const struct people *people)
{
	json_t *list = json_array(), *sync, *object;
	const char *code;
	size_t i;

	json_object_foreach (people->syncs, code, sync)
		json_array_foreach (bh_json_at(sync, "mapping.objects"), i, object) {
			if (crm_object_kind(object) != OBJECT_CUSTOMER ||
			    json_object_get(object, "match") == NULL)
				continue;
			json_array_append_new(list, json_pack("{s:s, s:s}", "code", code, "from",
							bh_json_str(sync, "from")));
			break;
		}
	return list;
}

static int
propose(void *arg, const struct link_id *id, const struct link *link BH_UNUSED, struct bh_err *err)
{
	struct people *people = arg;
	const json_t *sync = json_object_get(people->syncs, id->sync);
	enum object_kind kind = crm_object_kind(crm_sync_object(sync, id->object));
	json_t *title;

	if (kind != OBJECT_CUSTOMER || strcmp(id->sync, people->import_sync) != 0)
		return 0;
	title = crm_title(people->txn, people->syncs, id, err);
	if (title == NULL)
		return -1;
	json_array_append_new(people->list,
	    json_pack("{s:o, s:o}", "value",
		json_sprintf("%s%s%s", id->account, id->account[0] != '\0' ? "/" : "", id->id),
		"label", title));
	return 0;
}

static json_t *
answer_text(const json_t *answer, const char *name)
{
	const char *text = bh_json_str(answer, name);

	return words_json(text != NULL ? text : "");
}

/* Customers without an account, as proposals for who an account may be. */
static int
add_proposals(struct people *people, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more;
	int rc = 0;

	people->list = json_array();
	if (people->import_sync[0] != '\0')
		rc = link_unmatched(people->txn, people->facts->connection->code, UNMATCHED_SHOWN,
		    &after, propose, people, &more, err);
	json_object_set_new(people->facts->model, "proposals", people->list);
	people->list = NULL;
	bh_buf_release(&after);
	return rc;
}

static int
show_import(struct people *people, const json_t *answer, struct bh_err *err)
{
	json_t *model = people->facts->model, *rows = rows_view(json_object_get(answer, "rows"));
	json_t *syncs = syncs_view(people);
	const char *sync = bh_json_str(answer, "sync");

	people->import_sync = sync != NULL && json_array_size(rows) > 0 ? sync : "";
	json_object_set_new(model, "has_rows", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(model, "import_rows", rows);
	json_object_set_new(model, "import_sync", answer_text(answer, "sync"));
	json_object_set_new(model, "import_source", answer_text(answer, "source"));
	json_object_set_new(model, "import_after",
	    bh_is_json_true(answer, "more") ? answer_text(answer, "after") : json_string(""));
	json_object_set_new(model, "can_create",
	    json_boolean(bh_is_json_true(answer, "can_create")));
	json_object_set_new(model, "has_choice", json_boolean(json_array_size(syncs) > 1));
	json_object_set_new(model, "syncs", syncs);
	return add_proposals(people, err);
}

static int
add_import(struct people *people, struct bh_err *err)
{
	static const struct crm_saying says = {ERRAND_IMPORT, "Not looked at yet.", "Looking …",
	    import_text, NULL};
	struct errand import = {0};
	int rc = crm_facts_errand(people->facts, &says, &import, err);

	json_object_set_new(people->facts->model, "can_import",
	    json_boolean(dest_check_can(people->facts->driver, ERRAND_IMPORT, NULL) == 0));
	if (rc == 0 && !people->facts->is_live)
		rc = show_import(people, import.answer, err);
	errand_release(&import);
	return rc;
}

static json_t *
created_text(const struct crm_facts *facts BH_UNUSED, const struct errand *errand BH_UNUSED)
{
	return json_string("The customer is made.");
}

static int
add_creation(struct crm_facts *facts, struct bh_err *err)
{
	static const struct crm_saying says = {ERRAND_CREATE, "", "Making the customer …",
	    created_text, NULL};
	struct errand create = {0};
	int rc = crm_facts_errand(facts, &says, &create, err);

	errand_release(&create);
	return rc;
}

int
crm_add_people(struct crm_facts *facts, struct bh_err *err)
{
	struct people people = {.facts = facts, .txn = exchange_read(facts->exchange)};
	int rc = 0;

	if (!facts->is_live)
		rc = crm_syncs_load(people.txn, facts->connection->code, &people.syncs, err);
	if (rc == 0 && !facts->is_live)
		rc = add_matches(&people, err);
	if (rc == 0)
		rc = add_import(&people, err);
	if (rc == 0)
		rc = add_creation(facts, err);
	json_decref(people.syncs);
	json_decref(people.behind);
	return rc;
}
