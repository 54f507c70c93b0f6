/* See sync_undo_facts.h. */
#include "base/base.h"

#include "web/sync_undo_facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/undo.h"
#include "web/live.h"
#include "web/words.h"

#define ROWS_SHOWN 50
#define RUNS_SHOWN 25

static int64_t
number_asked(const struct sync_undo_facts *facts, const char *name)
{
	const char *text = request_query(facts->sync->exchange->request, name);
	uint64_t n;

	return text != NULL && bh_is_uint(text, strlen(text), INT64_MAX - 1, &n) ? (int64_t)n : 0;
}

/* -- what is meant -- */

static json_t *
time_text(int64_t at_ms)
{
	char at[BH_CLOCK_TEXT];

	bh_rfc3339(at, at_ms);
	return json_string(at);
}

static void
add_what(const struct sync_undo_facts *facts, json_t *view)
{
	const struct revert_what *what = &facts->revert.what;
	bool is_record = what->object[0] != '\0', is_run = what->run != 0;

	json_object_set_new(view, "is_record", json_boolean(is_record));
	json_object_set_new(view, "is_run", json_boolean(is_run && !is_record));
	json_object_set_new(view, "is_span", json_boolean(!is_run && !is_record));
	json_object_set_new(view, "run", words_count_json(what->run));
	json_object_set_new(view, "object", words_json(what->object));
	json_object_set_new(view, "id", words_json(what->id));
	json_object_set_new(view, "since", time_text(what->from_ms));
	json_object_set_new(view, "until", time_text(what->until_ms));
	json_object_set_new(view, "removes", json_boolean(what->removes));
}

/* -- counts -- */

static const struct {
	size_t offset;
	const char *state, *look, *done;
} counts[] = {
    {offsetof(struct revert_counts, back), "good", "records get values back",
	"records got values back"},
    {offsetof(struct revert_counts, fields), "good", "fields in them", "fields in them"},
    {offsetof(struct revert_counts, changed), "busy",
	"fields are left: somebody changed them since",
	"fields were left: somebody had changed them since"},
    {offsetof(struct revert_counts, unknown), "busy",
	"fields are left: what stood there before is not known",
	"fields were left: what stood there before is not known"},
    {offsetof(struct revert_counts, unseen), "busy", "fields are left: they cannot be read",
	"fields were left: they cannot be read"},
    {offsetof(struct revert_counts, same), "idle", "records are as they were already",
	"records were as before already"},
    {offsetof(struct revert_counts, left), "idle", "records are left as they are",
	"records were left as they are"},
    {offsetof(struct revert_counts, made), "idle", "records were made by Billhook; they stay",
	"records were made by Billhook; they stay"},
    {offsetof(struct revert_counts, removed), "bad",
	"records were made by Billhook; they are removed",
	"records were made by Billhook; they were removed"},
    {offsetof(struct revert_counts, gone), "idle", "records are not there any more",
	"records are not there any more"},
    {offsetof(struct revert_counts, refused), "bad", "records are refused by the CRM",
	"records were refused by the CRM"},
};

static void
add_counts(const struct sync_undo_facts *facts, json_t *view)
{
	const struct revert *revert = &facts->revert;
	const struct revert_counts *of = revert->is_doing ? &revert->done : &revert->look;
	json_t *list = json_array();

	for (size_t i = 0; i < BH_LEN(counts); i++) {
		int64_t n = *(const int64_t *)(const void *)((const char *)of + counts[i].offset);

		if (n > 0)
			json_array_append_new(list,
			    json_pack("{s:o, s:s, s:s}", "count", words_count_json(n), "state",
				counts[i].state, "text",
				revert->is_doing ? counts[i].done : counts[i].look));
	}
	json_object_set_new(view, "has_counts", json_boolean(json_array_size(list) > 0));
	json_object_set_new(view, "counts", list);
}

/* -- how far it is -- */

static const struct {
	const char *word, *state;
} states[REVERT__MAX] = {
    [REVERT_NONE] = {"Nothing begun", "idle"},
    [REVERT_LOOKING] = {"Looking", "busy"},
    [REVERT_LOOKED] = {"Ready: nothing is written yet", "good"},
    [REVERT_DOING] = {"Putting back", "busy"},
    [REVERT_DONE] = {"Done", "good"},
    [REVERT_STOPPED] = {"Stopped", "idle"},
    [REVERT_FAILED] = {"Failed", "bad"},
};

static json_t *
state_text(const struct sync_undo_facts *facts)
{
	const struct revert *revert = &facts->revert;
	const struct revert_counts *of = revert->is_doing ? &revert->done : &revert->look;
	struct bh_buf text = BH_BUF_INIT(4096);
	char n[WORDS_MAX];
	json_t *json;

	words_count(n, of->records);
	bh_buf_addf(&text, "%s %s looked at", n, of->records == 1 ? "record" : "records");
	words_count(n, revert->calls);
	bh_buf_addf(&text, ", %s API %s made.", n, revert->calls == 1 ? "call" : "calls");
	if (revert->note[0] != '\0') {
		bh_buf_addf(&text, " %s", revert->note);
		if (revert->waits_until_ms > 0) {
			words_age(n, revert->waits_until_ms, facts->sync->now_ms);
			bh_buf_addf(&text, ". It goes on %s.", n);
		}
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static int
percent_of(const struct revert *revert)
{
	if (revert->state == REVERT_LOOKED || revert->state == REVERT_DONE)
		return 100;
	if (revert->total <= 0 || revert->seen <= 0)
		return 0;
	return revert->seen >= revert->total ? 99 : (int)(revert->seen * 100 / revert->total);
}

static void
add_state(struct sync_undo_facts *facts)
{
	const struct revert *revert = &facts->revert;
	json_t *view = json_object(), *live = facts->live;
	bool is_running = revert->state == REVERT_LOOKING || revert->state == REVERT_DOING;
	bool is_held = revert->state == REVERT_STOPPED || revert->state == REVERT_FAILED;

	live_set(live, view, "undo", "word", json_string(states[revert->state].word));
	live_set(live, view, "undo", "state", json_string(states[revert->state].state));
	live_set(live, view, "undo", "text", state_text(facts));
	live_set(live, view, "undo", "percent", json_sprintf("%d", percent_of(revert)));
	live_set_shown(live, view, "undo", "has_bar", is_running);
	live_set_shown(live, view, "undo", "can_stop", is_running);
	live_set_shown(live, view, "undo", "can_go_on", is_held);
	json_object_set_new(view, "can_do", json_boolean(revert->state == REVERT_LOOKED));
	json_object_set_new(view, "is_done", json_boolean(revert->state == REVERT_DONE));
	json_object_set_new(view, "turn", json_sprintf("%lld", (long long)revert->turn));
	json_object_set_new(view, "own_run", json_sprintf("%lld", (long long)revert->run));
	json_object_set_new(view, "back", words_count_json(revert->look.back));
	json_object_set_new(view, "removed", words_count_json(revert->look.removed));
	json_object_set_new(view, "has_removed", json_boolean(revert->look.removed > 0));
	add_what(facts, view);
	add_counts(facts, view);
	json_object_set_new(facts->model, "has_undo", json_boolean(revert->state != REVERT_NONE));
	json_object_set_new(facts->model, "is_free", json_boolean(!is_running));
	json_object_set_new(facts->model, "undo", view);
}

int
sync_undo_facts_get(struct sync_undo_facts *facts, const struct sync_facts *sync, json_t *model,
    json_t *live, struct bh_err *err)
{
	json_t *newest;

	*facts = (struct sync_undo_facts){.sync = sync,
	    .revert = REVERT_INIT,
	    .model = model,
	    .live = live};
	if (revert_load(exchange_read(sync->exchange), sync->sync.code, &facts->revert, err) < 0)
		return -1;
	add_state(facts);
	newest = json_sprintf("%d-%lld", (int)facts->revert.state, (long long)facts->revert.turn);
	json_object_set(facts->live, "newest", newest);
	json_object_set_new(facts->model, "newest", newest);
	return 0;
}

void
sync_undo_facts_release(struct sync_undo_facts *facts)
{
	revert_release(&facts->revert);
}

/* -- records -- */

static json_t *
field_view(const json_t *field)
{
	static const struct {
		const char *verdict, *state, *text;
	} verdicts[] = {{"back", "good", "put back"}, {"same", "idle", "as before already"},
	    {"changed", "busy", "changed since by somebody: left"},
	    {"unknown", "busy", "what stood there is not known: left"},
	    {"unseen", "busy", "cannot be read: left"}};
	const char *verdict = bh_json_str(field, "verdict");
	json_t *view = json_object();

	for (size_t i = 0; i < BH_LEN(verdicts); i++) {
		if (verdict == NULL || strcmp(verdicts[i].verdict, verdict) != 0)
			continue;
		json_object_set_new(view, "state", json_string(verdicts[i].state));
		json_object_set_new(view, "text", json_string(verdicts[i].text));
	}
	json_object_set_new(view, "name", words_json(bh_json_str(field, "name")));
	json_object_set_new(view, "now", words_json(bh_json_str(field, "now")));
	json_object_set_new(view, "back", words_json(bh_json_str(field, "back")));
	return view;
}

static const char *
verdict_text(const char *verdict)
{
	static const struct {
		const char *verdict, *text;
	} verdicts[] = {{"back", "gets values back"}, {"same", "is as before already"},
	    {"left", "is left as it is"}, {"gone", "is not there any more"},
	    {"made", "was made by Billhook; it stays"},
	    {"removed", "was made by Billhook; it is removed"}, {"refused", "the CRM refuses it"}};

	for (size_t i = 0; i < BH_LEN(verdicts); i++)
		if (strcmp(verdicts[i].verdict, verdict) == 0)
			return verdicts[i].text;
	return "";
}

static json_t *
row_view(const json_t *row)
{
	static const char *const names[] = {"object", "account", "id", "to", "remote_id", "cause"};
	const char *verdict = bh_json_str(row, "verdict");
	json_t *view = json_object(), *fields = json_array(), *field;
	size_t i;

	for (i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(row, names[i]);

		json_object_set_new(view, names[i], words_json(text != NULL ? text : ""));
	}
	json_array_foreach (json_object_get(row, "fields"), i, field)
		json_array_append_new(fields, field_view(field));
	json_object_set_new(view, "fields", fields);
	json_object_set_new(view, "verdict",
	    json_string(verdict_text(verdict != NULL ? verdict : "")));
	return view;
}

int
sync_undo_facts_rows(struct sync_undo_facts *facts, struct bh_err *err)
{
	const char *code = facts->sync->sync.code, *base = facts->sync->exchange->request->base;
	json_t *rows = NULL, *list = json_array(), *row, *next;
	int64_t from = number_asked(facts, "from");
	size_t i;
	int rc = 0;

	/* Those of an older one are on their way out. */
	if (!facts->revert.is_clearing)
		rc = revert_rows(exchange_read(facts->sync->exchange), code, from, ROWS_SHOWN + 1,
		    &rows, err);
	next = json_array_get(rows, ROWS_SHOWN);
	json_array_foreach (rows, i, row)
		if (i < ROWS_SHOWN)
			json_array_append_new(list, row_view(row));
	json_object_set_new(facts->model, "has_rows", json_boolean(json_array_size(list) > 0));
	json_object_set_new(facts->model, "rows", list);
	json_object_set_new(facts->model, "next_url",
	    next == NULL ? json_string("")
			 : json_sprintf("%s/syncs/%s/undo?from=%lld#rows", base, code,
			       (long long)bh_json_int(next, "number", 0)));
	json_decref(rows);
	return rc;
}

/* -- runs -- */

static const char *
cause_text(enum undo_cause cause)
{
	switch (cause) {
	case UNDO_FIRST:
		return "first push";
	case UNDO_RESYNC:
		return "re-sync";
	case UNDO_REPAIR:
		return "differences of an audit mended";
	case UNDO_UNDONE:
		return "put back";
	case UNDO_CHANGES:
	case UNDO__MAX:
		break;
	}
	return "changes";
}

static json_t *
run_view(const struct sync_undo_facts *facts, const struct undo_run *run)
{
	bool is_undone = run->cause == UNDO_UNDONE;

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o}", "number",
	    json_sprintf("%lld", (long long)run->number), "began",
	    words_time_json(run->began_ms, facts->sync->now_ms), "ended",
	    words_time_json(run->last_ms, facts->sync->now_ms), "cause", cause_text(run->cause),
	    "by", words_json(run->by), "records", words_count_json(run->records), "created",
	    words_count_json(run->created), "fields", words_count_json(run->fields), "can_let_go",
	    is_undone && !run->is_let_go, "of",
	    run->of > 0 ? json_sprintf("%lld", (long long)run->of) : json_string(""));
}

int
sync_undo_facts_runs(struct sync_undo_facts *facts, struct bh_err *err)
{
	const char *code = facts->sync->sync.code, *base = facts->sync->exchange->request->base;
	struct undo_run *runs = bh_xcalloc(RUNS_SHOWN + 1, sizeof(runs[0]));
	json_t *list = json_array();
	size_t n = 0;
	int rc = undo_runs(exchange_read(facts->sync->exchange), code,
	    number_asked(facts, "before"), RUNS_SHOWN + 1, runs, &n, err);

	for (size_t i = 0; i < n && i < RUNS_SHOWN; i++)
		json_array_append_new(list, run_view(facts, &runs[i]));
	json_object_set_new(facts->model, "has_runs", json_boolean(n > 0));
	json_object_set_new(facts->model, "runs", list);
	json_object_set_new(facts->model, "older_url",
	    n <= RUNS_SHOWN ? json_string("")
			    : json_sprintf("%s/syncs/%s/undo?before=%lld#runs", base, code,
				  (long long)runs[RUNS_SHOWN - 1].number));
	free(runs);
	return rc;
}
