/* See preview_facts.h. */
#include "base/base.h"

#include "web/preview_facts.h"

#include "base/json.h"
#include "base/text.h"
#include "map/shape.h"
#include "web/live.h"
#include "web/words.h"

/* -- verdicts, as people read them -- */

static const struct {
	const char *title, *sentence;
	bool is_always; /* a column of its own even where there is none */
	const char *state;
} verdicts[PREVIEW_VERDICT__MAX] = {
    [PREVIEW_CREATE] = {"Create", "would be made", true, ""},
    [PREVIEW_ADOPT] = {"Adopt", "are there already, and would be linked", true, ""},
    [PREVIEW_UPDATE] = {"Update", "would be changed", true, ""},
    [PREVIEW_UNCHANGED] = {"Unchanged", "stay as they are", true, ""},
    [PREVIEW_REFUSED] = {"Refused", "cannot be written as they are", true, "bad"},
    [PREVIEW_CHOICE] = {"Needs a choice", "match several records: a person chooses", false, "bad"},
    [PREVIEW_UNMATCHED] = {"No match", "match no record, and none would be made", false, ""},
    [PREVIEW_WAITING] = {"Waits", "wait for the record above them", false, ""},
    [PREVIEW_EXCLUDED] = {"Excluded", "are left out by the filter", false, ""},
};

json_t *
preview_kind_words(const char *kind)
{
	char words[64];

	snprintf(words, sizeof(words), "%s", kind != NULL ? kind : "");
	for (char *at = words; *at != '\0'; at++)
		if (*at == '_')
			*at = ' ';
	return words_json(words);
}

/* -- reading -- */

static int
read_mapping(struct preview_facts *facts, struct store_txn *txn, struct bh_err *err)
{
	const struct account_sync *sync = &facts->sync->sync;
	const struct dest_driver *driver = dest_driver(facts->sync->to.driver);
	const char *prefix = bh_json_str(facts->sync->to.settings, "prefix");
	json_t *draft, *mapping;
	int rc = draft_load(txn, sync->code, &draft, err);

	if (rc < 0)
		return -1;
	mapping = json_object_get(draft, "mapping");
	/* One that does not compile is told by the worker; here it is only without choices. */
	map_shape(mapping != NULL ? mapping : sync->mapping, sync->settings,
	    driver != NULL ? driver->prefix : NULL,
	    prefix != NULL && *prefix != '\0' ? prefix : NULL, &facts->mapping, NULL);
	json_object_set_new(facts->model, "has_draft", json_boolean(mapping != NULL));
	json_decref(draft);
	return 0;
}

static int
read_state(struct preview_facts *facts, struct store_txn *txn, struct bh_err *err)
{
	const char *code = facts->sync->sync.code;
	char digest[DRAFT_VERSION_LEN + 1];

	if (preview_load(txn, code, &facts->preview, err) < 0 ||
	    preview_digest_now(txn, code, digest, err) < 0 ||
	    preview_asked(txn, code, &facts->ask, err) < 0)
		return -1;
	facts->is_stale =
	    facts->preview.digest[0] != '\0' && strcmp(facts->preview.digest, digest) != 0;
	return read_mapping(facts, txn, err);
}

/* -- how far it is -- */

static void
add_progress(struct bh_buf *text, const struct preview *preview, int64_t now_ms)
{
	char done[WORDS_MAX], total[WORDS_MAX], left[WORDS_MAX];
	int64_t span_ms = now_ms - preview->turned_ms;
	int64_t rate = preview->state == PREVIEW_RUNNING && span_ms > 1000
			   ? (preview->done - preview->turned_done) * 1000 / span_ms
			   : 0;

	words_count(done, preview->done);
	words_count(total, preview->total);
	bh_buf_addf(text, "%s of %s looked at", done, total);
	if (rate > 0)
		bh_buf_addf(text, ", %lld a second", (long long)rate);
	if (rate > 0 && preview->total > preview->done) {
		words_age(left, (preview->total - preview->done) * 1000 / rate, 0);
		bh_buf_addf(text, ", over %s", left);
	}
	bh_buf_adds(text, ".");
}

static void
add_calls(struct bh_buf *text, const struct preview *preview)
{
	char calls[WORDS_MAX];

	words_count(calls, preview->calls);
	bh_buf_addf(text, " %s API %s made.", calls,
	    preview->calls == 1 ? "call was" : "calls were");
}

static json_t *
state_text(const struct preview_facts *facts)
{
	const struct preview *preview = &facts->preview;
	int64_t now_ms = facts->sync->now_ms;
	struct bh_buf text = BH_BUF_INIT(4096);
	char when[WORDS_MAX];
	json_t *json;

	if (preview->state == PREVIEW_NONE) {
		bh_buf_adds(&text, "Nothing has been looked at yet.");
	} else if (preview->state == PREVIEW_RUNNING && preview->is_clearing) {
		bh_buf_adds(&text, "It begins …");
	} else {
		add_progress(&text, preview, now_ms);
		add_calls(&text, preview);
	}
	if (preview->state == PREVIEW_RUNNING && preview->note[0] != '\0') {
		words_age(when, preview->waits_until_ms, now_ms);
		bh_buf_addf(&text, " It waits: %s. It goes on %s.", preview->note, when);
	} else if (preview->note[0] != '\0') {
		bh_buf_addf(&text, " %s", preview->note);
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static const struct {
	const char *word, *state;
} states[PREVIEW__MAX] = {
    [PREVIEW_NONE] = {"Not begun", "idle"},
    [PREVIEW_RUNNING] = {"Running", "busy"},
    [PREVIEW_STOPPED] = {"Stopped", "idle"},
    [PREVIEW_FAILED] = {"Failed", "bad"},
    [PREVIEW_DONE] = {"Done", "good"},
};

static int
percent_of(const struct preview *preview)
{
	if (preview->state == PREVIEW_DONE)
		return 100;
	if (preview->total <= 0 || preview->done <= 0)
		return 0;
	return preview->done >= preview->total ? 99 : (int)(preview->done * 100 / preview->total);
}

static void
add_state(struct preview_facts *facts)
{
	const struct preview *preview = &facts->preview;
	enum preview_state state = preview->state;
	json_t *view = json_object(), *live = facts->live;
	bool is_running = state == PREVIEW_RUNNING;

	live_set(live, view, "preview", "word", json_string(states[state].word));
	live_set(live, view, "preview", "state", json_string(states[state].state));
	live_set(live, view, "preview", "text", state_text(facts));
	live_set(live, view, "preview", "percent", json_sprintf("%d", percent_of(preview)));
	live_set_shown(live, view, "preview", "has_bar", is_running || state == PREVIEW_STOPPED);
	live_set_shown(live, view, "preview", "can_stop", is_running);
	live_set_shown(live, view, "preview", "can_go_on",
	    !facts->is_stale && (state == PREVIEW_STOPPED || state == PREVIEW_FAILED) &&
		preview->digest[0] != '\0');
	live_set_shown(live, view, "preview", "can_begin", !is_running);
	json_object_set_new(view, "is_again", json_boolean(state != PREVIEW_NONE));
	json_object_set_new(view, "is_done", json_boolean(state == PREVIEW_DONE));
	json_object_set_new(view, "is_stale", json_boolean(facts->is_stale && !is_running));
	json_object_set_new(view, "is_draft", json_boolean(preview->is_draft));
	json_object_set_new(view, "ended",
	    words_time_json(state == PREVIEW_DONE ? preview->ended_ms : 0, facts->sync->now_ms));
	json_object_set_new(facts->model, "preview", view);
}

/* What was asked for, and whether the whole runs: a page that shows something else is old. */
static void
add_newest(struct preview_facts *facts)
{
	snprintf(facts->newest, sizeof(facts->newest), "%d-%lld-%lld-%lld",
	    (int)facts->preview.state, (long long)facts->preview.run,
	    (long long)facts->preview.ended_ms, (long long)bh_json_int(facts->ask, "done", 0));
	json_object_set_new(facts->live, "newest", json_string(facts->newest));
	json_object_set_new(facts->model, "newest", json_string(facts->newest));
}

int
preview_facts_get(struct preview_facts *facts, const struct sync_facts *sync, json_t *model,
    json_t *live, struct bh_err *err)
{
	*facts = (struct preview_facts){.sync = sync,
	    .preview = PREVIEW_INIT,
	    .model = model,
	    .live = live};
	if (read_state(facts, exchange_read(sync->exchange), err) < 0)
		return -1;
	add_state(facts);
	add_newest(facts);
	return 0;
}

void
preview_facts_release(struct preview_facts *facts)
{
	json_decref(facts->mapping);
	json_decref(facts->ask);
	preview_release(&facts->preview);
}

/* -- totals -- */

/* A link to this page with a query. */
static json_t *
group_url(const struct preview_facts *facts, const char *object, const char *verdict)
{
	struct bh_buf url = BH_BUF_INIT(4096);
	json_t *json;

	bh_buf_addf(&url, "%s/syncs/%s/preview?object=", facts->sync->exchange->request->base,
	    facts->sync->sync.code);
	bh_percent_add(&url, object, strlen(object));
	bh_buf_addf(&url, "&verdict=%s#samples", verdict);
	json = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

static void
sum_up(const struct preview *preview, int64_t sums[PREVIEW_VERDICT__MAX])
{
	json_t *object;
	size_t i;

	memset(sums, 0, PREVIEW_VERDICT__MAX * sizeof(sums[0]));
	json_array_foreach (preview->objects, i, object)
		for (int v = 0; v < PREVIEW_VERDICT__MAX; v++)
			sums[v] += bh_json_int(json_object_get(object, "counts"),
			    preview_verdict_name((enum preview_verdict)v), 0);
}

static json_t *
cell(const struct preview_facts *facts, const char *object, int v, int64_t n)
{
	return json_pack("{s:o, s:o, s:b, s:s, s:s}", "count", words_count_json(n), "url",
	    n > 0 && object != NULL
		? group_url(facts, object, preview_verdict_name((enum preview_verdict)v))
		: json_string(""),
	    "is_none", n == 0, "state", n > 0 ? verdicts[v].state : "", "title", verdicts[v].title);
}

static json_t *
cells(const struct preview_facts *facts, const json_t *object, const int64_t *sums)
{
	const char *name = bh_json_str(object, "name");
	json_t *list = json_array();

	for (int v = 0; v < PREVIEW_VERDICT__MAX; v++) {
		int64_t n = object != NULL ? bh_json_int(json_object_get(object, "counts"),
						 preview_verdict_name((enum preview_verdict)v), 0)
					   : sums[v];

		if (sums[v] > 0 || verdicts[v].is_always)
			json_array_append_new(list, cell(facts, name, v, n));
	}
	return list;
}

/* "by Email: 12", of all that would be adopted. */
static json_t *
rules_view(const struct preview *preview)
{
	json_t *list = json_array(), *object, *n;
	const char *rule;
	size_t i;

	json_array_foreach (preview->objects, i, object)
		json_object_foreach (json_object_get(object, "rules"), rule, n)
			json_array_append_new(list,
			    json_pack("{s:o, s:o, s:o}", "name",
				words_json(bh_json_str(object, "name")), "rule",
				words_json(*rule != '\0' ? rule : "its key"), "count",
				words_count_json(json_integer_value(n))));
	return list;
}

void
preview_facts_totals(struct preview_facts *facts)
{
	int64_t sums[PREVIEW_VERDICT__MAX];
	json_t *heads = json_array(), *rows = json_array(), *rules = rules_view(&facts->preview);
	json_t *object;
	size_t i;

	sum_up(&facts->preview, sums);
	for (int v = 0; v < PREVIEW_VERDICT__MAX; v++)
		if (sums[v] > 0 || verdicts[v].is_always)
			json_array_append_new(heads,
			    json_pack("{s:s, s:s}", "title", verdicts[v].title, "sentence",
				verdicts[v].sentence));
	json_array_foreach (facts->preview.objects, i, object)
		json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:o}", "name",
						words_json(bh_json_str(object, "name")), "kind",
						preview_kind_words(bh_json_str(object, "from")),
						"to", words_json(bh_json_str(object, "to")),
						"cells", cells(facts, object, sums)));
	json_object_set_new(facts->model, "has_totals", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(facts->model, "heads", heads);
	json_object_set_new(facts->model, "rows", rows);
	json_object_set_new(facts->model, "sums", cells(facts, NULL, sums));
	json_object_set_new(facts->model, "has_rules", json_boolean(json_array_size(rules) > 0));
	json_object_set_new(facts->model, "rules", rules);
}

/* -- samples -- */

static int
verdict_of(const char *name)
{
	for (int v = 0; v < PREVIEW_VERDICT__MAX; v++)
		if (name != NULL &&
		    strcmp(name, preview_verdict_name((enum preview_verdict)v)) == 0)
			return v;
	return -1;
}

static const json_t *
object_of(const struct preview *preview, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach (preview->objects, i, object)
		if (name != NULL && strcmp(bh_json_str(object, "name"), name) == 0)
			return object;
	return NULL;
}

static void
add_part(struct bh_buf *url, const char *name, const char *value)
{
	bh_buf_addf(url, "&%s=", name);
	bh_percent_add(url, value, strlen(value));
}

static json_t *
sample_view(const struct preview_facts *facts, const json_t *object, const char *verdict,
    const json_t *sample)
{
	const char *account = bh_json_str(sample, "account"), *id = bh_json_str(sample, "id");
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *view;

	bh_buf_addf(&url, "%s/syncs/%s/preview?verdict=%s", facts->sync->exchange->request->base,
	    facts->sync->sync.code, verdict);
	add_part(&url, "object", bh_json_str(object, "name"));
	add_part(&url, "kind", bh_json_str(object, "from"));
	add_part(&url, "account", account);
	add_part(&url, "id", id);
	bh_buf_adds(&url, "#record");
	view = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "url", words_json(bh_buf_str(&url)),
	    "id", words_json(id), "account", words_json(account), "title",
	    words_json(bh_json_str(sample, "title")), "remote_id",
	    words_json(bh_json_str(sample, "remote_id")), "why",
	    words_json(bh_json_str(sample, "why")));
	bh_buf_release(&url);
	return view;
}

static void
show_samples(struct preview_facts *facts, const json_t *object, int verdict, const json_t *list)
{
	const char *name = preview_verdict_name((enum preview_verdict)verdict);
	int64_t all = bh_json_int(json_object_get(object, "counts"), name, 0);
	json_t *rows = json_array(), *sample;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, sample)
		json_array_append_new(rows, sample_view(facts, object, name, sample));
	json_object_set_new(facts->model, "samples",
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:o}", "title",
		verdicts[verdict].title, "sentence", verdicts[verdict].sentence, "name",
		words_json(bh_json_str(object, "name")), "to",
		words_json(bh_json_str(object, "to")), "shown",
		words_count_json((int64_t)json_array_size(rows)), "all", words_count_json(all),
		"is_part", (int64_t)json_array_size(rows) < all, "has_rows",
		json_array_size(rows) > 0, "rows", rows));
}

int
preview_facts_samples(struct preview_facts *facts, struct bh_err *err)
{
	const struct request *request = facts->sync->exchange->request;
	const json_t *object = object_of(&facts->preview, request_query(request, "object"));
	int verdict = verdict_of(request_query(request, "verdict")), rc;
	json_t *list = NULL;

	json_object_set_new(facts->model, "samples", json_false());
	if (object == NULL || verdict < 0)
		return 0;
	rc = preview_samples(exchange_read(facts->sync->exchange), facts->sync->sync.code,
	    bh_json_str(object, "name"), preview_verdict_name((enum preview_verdict)verdict), &list,
	    err);
	if (rc >= 0)
		show_samples(facts, object, verdict, list);
	json_decref(list);
	return rc < 0 ? -1 : 0;
}
