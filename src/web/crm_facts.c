/* See crm_facts.h. */
#include "base/base.h"

#include "web/crm_facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/bulk.h"
#include "state/link.h"
#include "web/crm_people.h"
#include "web/crm_schema.h"
#include "web/crm_usage.h"
#include "web/live.h"
#include "web/words.h"

#define LIMITS_MAX 100

/* -- errands -- */

static void
set_live(struct crm_facts *facts, json_t *object, const char *scope, const char *name, json_t *text)
{
	live_set(facts->live, object, scope, name, text);
}

static json_t *
progress_text(const json_t *progress, const char *busy)
{
	char done[WORDS_MAX], of[WORDS_MAX];
	const char *at = bh_json_str(progress, "at");
	char *text;
	json_t *json;

	if (progress == NULL)
		return json_string(busy);
	words_count(done, bh_json_int(progress, "done", 0));
	words_count(of, bh_json_int(progress, "of", 0));
	text = bh_xasprintf("%s %s of %s%s%s", busy, done, of, at != NULL ? ": " : "",
	    at != NULL ? at : "");
	json = words_json(text);
	free(text);
	return json;
}

static int
percent_of(const json_t *progress)
{
	int64_t done = bh_json_int(progress, "done", 0), of = bh_json_int(progress, "of", 0);

	if (of <= 0 || done <= 0)
		return 0;
	return done >= of ? 100 : (int)((double)done * 100 / (double)of);
}

int
crm_facts_errand(struct crm_facts *facts, const struct crm_saying *saying, struct errand *errand,
    struct bh_err *err)
{
	int found = errand_load(exchange_read(facts->exchange), facts->connection->code,
	    saying->name, errand, err);
	const json_t *progress = json_object_get(errand->answer, "progress");
	json_t *object = json_object(), *text;
	const char *state;

	if (found < 0) {
		json_decref(object);
		return -1;
	}
	if (found == 0)
		text = json_string(saying->never);
	else if (errand->is_open)
		text = progress_text(progress, saying->busy);
	else if (errand->error[0] != '\0')
		text = words_json(errand->error);
	else
		text = saying->answered(facts, errand);
	set_live(facts, object, saying->name, "text", text);
	state = live_errand_state(errand, found);
	if (strcmp(state, "good") == 0 && saying->is_good != NULL && !saying->is_good(errand))
		state = "bad";
	set_live(facts, object, saying->name, "state", json_string(state));
	set_live(facts, object, saying->name, "done",
	    live_errand_done(errand, found, facts->now_ms));
	set_live(facts, object, saying->name, "percent", json_sprintf("%d", percent_of(progress)));
	live_set_shown(facts->live, object, saying->name, "has_bar",
	    errand->is_open && progress != NULL);
	json_object_set_new(facts->model, saying->name, object);
	bh_buf_addf(&facts->newest, "%lld-", (long long)errand->done_ms);
	return 0;
}

/* -- who answers -- */

static json_t *
who_text(const struct crm_facts *facts, const struct errand *errand)
{
	static const char *const more[] = {"kind", "detail"};
	const char *name = bh_json_str(errand->answer, "name");
	const char *id = bh_json_str(errand->answer, "id");
	struct bh_buf text = BH_BUF_INIT(4096);
	json_t *json;

	bh_buf_adds(&text, name != NULL && *name != '\0' ? name : facts->driver->title);
	if (id != NULL && *id != '\0')
		bh_buf_addf(&text, " (%s)", id);
	for (size_t i = 0; i < BH_LEN(more); i++) {
		const char *part = bh_json_str(errand->answer, more[i]);

		if (part != NULL && *part != '\0')
			bh_buf_addf(&text, ", %s", part);
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static json_t *
limits_view(const json_t *limits)
{
	json_t *list = json_array(), *one;
	size_t i;

	if (!json_is_array(limits))
		return list;
	json_array_foreach ((json_t *)(uintptr_t)limits, i, one) {
		const char *name = bh_json_str(one, "name");

		if (name != NULL && i < LIMITS_MAX)
			json_array_append_new(list,
			    json_pack("{s:o, s:o, s:o}", "name", words_json(name), "used",
				words_count_json(bh_json_int(one, "used", 0)), "limit",
				words_count_json(bh_json_int(one, "limit", 0))));
	}
	return list;
}

/* Rights that the connection was not given; texts are the driver's. */
static json_t *
missing_view(const json_t *missing)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)missing, i, one)
		if (json_is_string(one))
			json_array_append_new(list,
			    json_pack("{s:o}", "text", words_json(json_string_value(one))));
	return list;
}

static const struct crm_saying probe_says = {ERRAND_PROBE, "Not asked yet.", "Asking …", who_text,
    NULL};
static const struct crm_saying login_says = {ERRAND_LOGIN, "", "Logging in …", who_text, NULL};

/* The login's words stand while it is the newer of both. */
static void
choose_who(struct crm_facts *facts, const struct errand *probe, const struct errand *login)
{
	static const char *const names[] = {"text", "state", "done"};
	const char *from = login->asked_ms > probe->asked_ms ? ERRAND_LOGIN : ERRAND_PROBE;
	const json_t *chosen = json_object_get(facts->model, from);
	json_t *who = json_object();

	for (size_t i = 0; i < BH_LEN(names); i++)
		live_set(facts->live, who, "who", names[i],
		    json_incref(json_object_get(chosen, names[i])));
	json_object_set_new(facts->model, "who", who);
}

static int
add_who(struct crm_facts *facts, struct bh_err *err)
{
	const struct account_connection *connection = facts->connection;
	const struct site *site = facts->exchange->site;
	bool is_by_login = crm_is_by_login(facts->driver, connection), is_let_in = false;
	struct errand probe = {0}, login = {0};
	const json_t *newest;
	json_t *limits, *missing;
	int rc = crm_facts_errand(facts, &probe_says, &probe, err);

	if (rc == 0)
		rc = crm_facts_errand(facts, &login_says, &login, err);
	if (rc == 0 && is_by_login && site->has_key)
		rc = crm_has_tokens(exchange_read(facts->exchange), &site->key, connection->code,
		    &is_let_in, err);
	if (rc == 0) {
		choose_who(facts, &probe, &login);
		newest = login.done_ms > probe.done_ms && login.answer != NULL ? login.answer
									       : probe.answer;
		limits = limits_view(json_object_get(newest, "limits"));
		missing = missing_view(json_object_get(newest, "missing"));
		json_object_set_new(facts->model, "has_missing",
		    json_boolean(json_array_size(missing) > 0));
		json_object_set_new(facts->model, "missing", missing);
		json_object_set_new(facts->model, "has_limits",
		    json_boolean(json_array_size(limits) > 0));
		json_object_set_new(facts->model, "limits", limits);
		json_object_set_new(facts->model, "badge",
		    words_json(crm_badge(connection, &probe, &login)));
		json_object_set_new(facts->model, "is_by_login", json_boolean(is_by_login));
		json_object_set_new(facts->model, "is_let_in", json_boolean(is_let_in));
		json_object_set_new(facts->model, "needs_login",
		    json_boolean(is_by_login && !is_let_in && !login.is_open));
		json_object_set_new(facts->model, "can_probe",
		    json_boolean(!is_by_login || is_let_in));
	}
	errand_release(&probe);
	errand_release(&login);
	return rc;
}

/* -- API use -- */

/* A bulk job on its way, and why the lane holds back. */
static int
add_traffic(struct crm_facts *facts, const struct link_lane *lane, struct bh_err *err)
{
	json_t *traffic = json_object();
	struct bulk_job job;
	bool is_busy;

	json_object_set_new(facts->model, "traffic", traffic);
	if (bulk_load(exchange_read(facts->exchange), facts->connection->code, &job, err) < 0)
		return -1;
	is_busy = job.phase != BULK_NONE && job.rows > 0;
	live_set_shown(facts->live, traffic, "traffic", "is_bulk", is_busy);
	set_live(facts, traffic, "traffic", "bulk",
	    is_busy ? json_sprintf("Bulk job: %lld of %lld records of %s%s",
			  (long long)job.processed, (long long)job.rows, job.crm_object,
			  job.phase == BULK_SETTLING ? ", results are coming in" : "")
		    : json_string(""));
	set_live(facts, traffic, "traffic", "percent",
	    json_sprintf("%lld", is_busy ? (long long)(100 * job.processed / job.rows) : 0LL));
	set_live(facts, traffic, "traffic", "reason", words_json(lane->reason));
	return 0;
}

static int
add_usage(struct crm_facts *facts, struct bh_err *err)
{
	struct link_lane lane;

	if (link_lane_get(exchange_read(facts->exchange), facts->connection->code, &lane, err) < 0)
		return -1;
	json_object_set_new(facts->model, "usage",
	    crm_usage_view(facts->connection, facts->driver, &lane, "usage", facts->live));
	/* More to decide, or less: the page shows it. */
	bh_buf_addf(&facts->newest, "%lld-", (long long)lane.held);
	return add_traffic(facts, &lane, err);
}

/* -- disconnecting -- */

static json_t *
count_text(const struct crm_facts *facts BH_UNUSED, const struct errand *errand)
{
	int64_t n = 0;
	json_t *object;
	size_t i;
	char count[WORDS_MAX];

	json_array_foreach (json_object_get(errand->answer, "objects"), i, object)
		n += bh_json_int(object, "records", 0);
	words_count(count, n);
	return json_sprintf("%s %s there that Billhook's objects and fields hold.", count,
	    n == 1 ? "record is" : "records are");
}

static json_t *
counts_view(const json_t *answer)
{
	static const char *const lists[] = {"objects", "fields"};
	json_t *view = json_array(), *one;
	size_t i;

	for (size_t n = 0; n < BH_LEN(lists); n++) {
		json_t *list = json_object_get(answer, lists[n]);

		if (!json_is_array(list))
			continue;
		json_array_foreach (list, i, one) {
			const char *label = bh_json_str(one, "label");
			const char *name = bh_json_str(one, "name");

			json_array_append_new(view,
			    json_pack("{s:s, s:o, s:o, s:o}", "kind", n == 0 ? "object" : "field",
				"label", words_json(label != NULL ? label : ""), "name",
				words_json(name != NULL ? name : ""), "records",
				words_count_json(bh_json_int(one, "records", 0))));
		}
	}
	return view;
}

static int
add_disconnect(struct crm_facts *facts, struct bh_err *err)
{
	static const struct crm_saying count_says = {ERRAND_COUNT, "Not counted yet.", "Counting …",
	    count_text, NULL};
	static const struct crm_saying gone_says = {ERRAND_DISCONNECT, "",
	    "Disconnecting:", crm_report_text, crm_is_complete};
	struct errand count = {0}, gone = {0};
	bool is_counted = false;
	json_t *counts, *failed;
	int rc = crm_facts_errand(facts, &count_says, &count, err);

	if (rc == 0)
		rc = crm_facts_errand(facts, &gone_says, &gone, err);
	if (rc == 0)
		rc = crm_is_counted(exchange_read(facts->exchange), facts->connection->code,
		    facts->now_ms, &is_counted, err);
	counts = counts_view(count.answer);
	json_object_set_new(facts->model, "has_counts", json_boolean(json_array_size(counts) > 0));
	json_object_set_new(facts->model, "counts", counts);
	failed = crm_failed_view(gone.is_open ? NULL : gone.answer);
	json_object_set_new(facts->model, "has_unremoved",
	    json_boolean(json_array_size(failed) > 0));
	json_object_set_new(facts->model, "unremoved", failed);
	json_object_set_new(facts->model, "can_count",
	    json_boolean(dest_check_can(facts->driver, ERRAND_COUNT, NULL) == 0));
	json_object_set_new(facts->model, "can_remove",
	    json_boolean(facts->driver->uninstall != NULL && is_counted));
	json_object_set_new(facts->model, "could_remove",
	    json_boolean(facts->driver->uninstall != NULL && !is_counted));
	json_object_set_new(facts->model, "is_going", json_boolean(gone.is_open));
	errand_release(&count);
	errand_release(&gone);
	return rc;
}

/* -- all of it -- */

int
crm_facts_get(struct crm_facts *facts, struct exchange *exchange,
    const struct account_connection *connection, const struct dest_driver *driver, bool is_live,
    struct bh_err *err)
{
	*facts = (struct crm_facts){exchange, connection, driver, is_live, bh_now_ms(),
	    json_object(), json_object(), BH_BUF_INIT(1000)};
	if (add_who(facts, err) < 0 || crm_add_schema(facts, err) < 0 ||
	    add_usage(facts, err) < 0 || crm_add_people(facts, err) < 0 ||
	    add_disconnect(facts, err) < 0)
		return -1;
	json_object_set_new(facts->model, "newest", json_string(bh_buf_str(&facts->newest)));
	json_object_set_new(facts->live, "newest", json_string(bh_buf_str(&facts->newest)));
	return 0;
}

void
crm_facts_release(struct crm_facts *facts)
{
	json_decref(facts->model);
	json_decref(facts->live);
	bh_buf_release(&facts->newest);
}
