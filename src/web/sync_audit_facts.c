/* See sync_audit_facts.h. */
#include "base/base.h"

#include "web/sync_audit_facts.h"

#include "base/json.h"
#include "base/text.h"
#include "model/money.h"
#include "web/live.h"
#include "web/words.h"

#define SHOWN 50 /* differences on a page */

/* -- how far it is -- */

static void
add_count(struct bh_buf *text, const char *before, int64_t n, const char *after)
{
	char count[WORDS_MAX];

	words_count(count, n);
	bh_buf_addf(text, "%s%s%s", before, count, after);
}

static void
add_progress(struct bh_buf *text, const struct audit *audit)
{
	add_count(text, "", audit->done, "");
	if (audit->total > 0 && audit->state != AUDIT_DONE)
		add_count(text, " of about ", audit->total, "");
	add_count(text, " looked at, ", audit->compared, " compared: ");
	add_count(text, "", audit->differing, audit->differing == 1 ? " differs" : " differ");
	add_count(text, ", ", audit->missing, audit->missing == 1 ? " is gone." : " are gone.");
	add_count(text, " ", audit->calls,
	    audit->calls == 1 ? " API call was made." : " API calls were made.");
}

static json_t *
state_text(const struct sync_audit_facts *facts)
{
	const struct audit *audit = &facts->audit;
	struct bh_buf text = BH_BUF_INIT(4096);
	char when[WORDS_MAX];
	json_t *json;

	if (audit->state == AUDIT_NONE)
		bh_buf_adds(&text, "Nothing has been compared yet.");
	else if (audit->state == AUDIT_RUNNING && audit->is_clearing)
		bh_buf_adds(&text, "It begins …");
	else
		add_progress(&text, audit);
	if (audit->state == AUDIT_RUNNING && audit->note[0] != '\0') {
		words_age(when, audit->waits_until_ms, facts->sync->now_ms);
		bh_buf_addf(&text, " It waits: %s. It goes on %s.", audit->note, when);
	} else if (audit->note[0] != '\0') {
		bh_buf_addf(&text, " %s", audit->note);
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static const struct {
	const char *word, *state;
} states[AUDIT__MAX] = {
    [AUDIT_NONE] = {"Not begun", "idle"},
    [AUDIT_RUNNING] = {"Running", "busy"},
    [AUDIT_STOPPED] = {"Stopped", "idle"},
    [AUDIT_FAILED] = {"Failed", "bad"},
    [AUDIT_DONE] = {"Done", "good"},
};

static int
percent_of(const struct audit *audit)
{
	if (audit->state == AUDIT_DONE)
		return 100;
	if (audit->total <= 0 || audit->done <= 0)
		return 0;
	return audit->done >= audit->total ? 99 : (int)(audit->done * 100 / audit->total);
}

static void
add_state(struct sync_audit_facts *facts)
{
	const struct audit *audit = &facts->audit;
	enum audit_state state = audit->state;
	json_t *view = json_object(), *live = facts->live;
	bool is_running = state == AUDIT_RUNNING, is_stopped = state == AUDIT_STOPPED;

	live_set(live, view, "audit", "word", json_string(states[state].word));
	live_set(live, view, "audit", "state", json_string(states[state].state));
	live_set(live, view, "audit", "text", state_text(facts));
	live_set(live, view, "audit", "percent", json_sprintf("%d", percent_of(audit)));
	live_set_shown(live, view, "audit", "has_bar", is_running || is_stopped);
	live_set_shown(live, view, "audit", "can_stop", is_running);
	live_set_shown(live, view, "audit", "can_go_on", is_stopped || state == AUDIT_FAILED);
	live_set_shown(live, view, "audit", "can_begin", !is_running);
	json_object_set_new(view, "is_again", json_boolean(state != AUDIT_NONE));
	json_object_set_new(view, "ended",
	    words_time_json(state == AUDIT_DONE ? audit->ended_ms : 0, facts->sync->now_ms));
	json_object_set_new(facts->model, "audit", view);
}

/* A page that shows another run, or what was not mended yet, is old. */
static void
add_newest(struct sync_audit_facts *facts)
{
	const struct audit *audit = &facts->audit;
	json_t *newest = json_sprintf("%d-%lld-%lld", (int)audit->state, (long long)audit->run,
	    (long long)audit->repaired);

	json_object_set(facts->live, "newest", newest);
	json_object_set_new(facts->model, "newest", newest);
}

int
sync_audit_facts_get(struct sync_audit_facts *facts, const struct sync_facts *sync, json_t *model,
    json_t *live, struct bh_err *err)
{
	*facts = (struct sync_audit_facts){.sync = sync,
	    .audit = AUDIT_INIT,
	    .model = model,
	    .live = live};
	if (audit_load(exchange_read(sync->exchange), sync->sync.code, &facts->audit, err) < 0)
		return -1;
	add_state(facts);
	add_newest(facts);
	return 0;
}

void
sync_audit_facts_release(struct sync_audit_facts *facts)
{
	audit_release(&facts->audit);
}

/* -- totals -- */

static json_t *
fields_view(const json_t *totals)
{
	json_t *list = json_array(), *n;
	const char *field;

	json_object_foreach (json_object_get(totals, "fields"), field, n)
		json_array_append_new(list, json_pack("{s:o, s:o}", "field", words_json(field),
						"count", words_count_json(json_integer_value(n))));
	json_object_foreach (json_object_get(totals, "links"), field, n)
		json_array_append_new(list,
		    json_pack("{s:o, s:o}", "field", json_sprintf("%s (link)", field), "count",
			words_count_json(json_integer_value(n))));
	return list;
}

/* A sum that does not fit stays the decimal that it is. */
static json_t *
money_view(const json_t *totals)
{
	json_t *list = json_array(), *sum;
	const char *currency;

	json_object_foreach (json_object_get(totals, "money"), currency, sum) {
		const char *text = json_is_string(sum) ? json_string_value(sum) : "";
		int64_t minor;
		json_t *amount = is_money_read(text, money_exponent(currency), &minor)
				     ? words_money_json(minor, currency)
				     : json_sprintf("%s %s", text, currency);

		json_array_append_new(list, json_pack("{s:o}", "amount", amount));
	}
	return list;
}

void
sync_audit_facts_totals(struct sync_audit_facts *facts)
{
	json_t *rows = json_array(), *totals;
	const char *name;

	json_object_foreach (facts->audit.objects, name, totals)
		json_array_append_new(rows,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", words_json(name), "to",
			words_json(bh_json_str(totals, "to")), "compared",
			words_count_json(bh_json_int(totals, "compared", 0)), "differing",
			words_count_json(bh_json_int(totals, "differing", 0)), "missing",
			words_count_json(bh_json_int(totals, "missing", 0)), "fields",
			fields_view(totals), "money", money_view(totals)));
	json_object_set_new(facts->model, "has_totals", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(facts->model, "totals", rows);
}

/* -- differences -- */

static json_t *
row_view(const struct sync_audit_facts *facts, const json_t *row)
{
	static const char *const names[] = {"object", "account", "id", "to", "remote_id", "field",
	    "want", "has", "currency", "fate"};
	int64_t repaired_ms = bh_json_int(row, "repaired", 0);
	json_t *view = json_object();

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(row, names[i]);

		json_object_set_new(view, names[i], words_json(text != NULL ? text : ""));
	}
	if (bh_json_str(row, "kind") != NULL)
		json_object_set_new(view, "field",
		    json_sprintf("%s (link)", bh_json_str(row, "field")));
	json_object_set_new(view, "repaired", words_time_json(repaired_ms, facts->sync->now_ms));
	json_object_set_new(view, "is_open", json_boolean(repaired_ms == 0));
	return view;
}

static int64_t
first_number(const struct sync_audit_facts *facts)
{
	const char *text = request_query(facts->sync->exchange->request, "from");
	uint64_t from;

	return text != NULL && bh_is_uint(text, strlen(text), INT64_MAX, &from) ? (int64_t)from : 0;
}

static void
show_rows(struct sync_audit_facts *facts, int64_t from, const json_t *rows)
{
	const struct audit *audit = &facts->audit;
	const char *code = facts->sync->sync.code, *base = facts->sync->exchange->request->base;
	json_t *list = json_array(), *model = facts->model, *row;
	json_t *next = json_array_get(rows, SHOWN);
	size_t i;

	json_array_foreach (rows, i, row)
		if (i < SHOWN)
			json_array_append_new(list, row_view(facts, row));
	json_object_set_new(model, "has_rows", json_boolean(json_array_size(list) > 0));
	json_object_set_new(model, "rows", list);
	json_object_set_new(model, "is_part", json_boolean(audit->kept < audit->differences));
	json_object_set_new(model, "differences", words_count_json(audit->differences));
	json_object_set_new(model, "kept", words_count_json(audit->kept));
	json_object_set_new(model, "repaired", words_count_json(audit->repaired));
	json_object_set_new(model, "has_repaired", json_boolean(audit->repaired > 0));
	json_object_set_new(model, "can_repair", json_boolean(audit->repaired < audit->kept));
	json_object_set_new(model, "next_url",
	    next == NULL ? json_string("")
			 : json_sprintf("%s/syncs/%s/audit?from=%lld#rows", base, code,
			       (long long)bh_json_int(next, "number", 0)));
	json_object_set_new(model, "first_url",
	    from == 0 ? json_string("") : json_sprintf("%s/syncs/%s/audit#rows", base, code));
}

int
sync_audit_facts_rows(struct sync_audit_facts *facts, struct bh_err *err)
{
	int64_t from = first_number(facts);
	json_t *rows = NULL;
	int rc = 0;

	/* Those of an older run are on their way out. */
	if (!facts->audit.is_clearing)
		rc = audit_rows(exchange_read(facts->sync->exchange), facts->sync->sync.code, from,
		    SHOWN + 1, &rows, err);
	if (rc == 0)
		show_rows(facts, from, rows);
	json_decref(rows);
	return rc;
}
