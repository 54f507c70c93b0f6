/* See mapping_sample.h: which record, and what rows make of it. */
#include "base/base.h"

#include "web/mapping_sample.h"

#include "base/text.h"
#include "map/filter.h"
#include "map/fit.h"
#include "map/row.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/target.h"
#include "sync/event.h"
#include "sync/line.h"
#include "sync/part.h"
#include "web/mapping_form.h"
#include "web/words.h"

#define TRIED_SHOWN 300 /* characters of a value beside a form */
#define EVENTS_LOOKED 50
#define OBJECTS_LOOKED 25

/* -- which record -- */

struct search {
	struct exchange *exchange;
	const struct mapping *m;
	struct mapping_sample *sample;
	int64_t newest_ms; /* of the walk */
};

/* Take the object of this identity as the sample: 1, 0 there is none, -1. */
static int
take(struct search *search, const char *account, const char *id, struct bh_err *err)
{
	struct mapping_sample *sample = search->sample;
	struct mirror_id held = {search->m->sync.from, account, sample->kind, id};
	struct object_state state = {0};
	struct setup *setup = NULL;
	int rc = 0;

	if (strlen(id) >= sizeof(sample->id) || strlen(account) >= sizeof(sample->account))
		return 0;
	/* Only events are read by their source's driver. */
	if (sample->kind == OBJECT_EVENT)
		rc = setup_load(search->exchange->site->store, &search->exchange->site->key, &setup,
		    err);
	if (rc == 0)
		rc = part_view_many(exchange_read(search->exchange), setup, &held, 1, &state, err);
	if (rc == 0 && state.fields != NULL && !is_mirror_erased(&state)) {
		snprintf(sample->account, sizeof(sample->account), "%s", account);
		snprintf(sample->id, sizeof(sample->id), "%s", id);
		snprintf(sample->key_id, sizeof(sample->key_id), "%s",
		    part_key_id(sample->kind, id, state.fields));
		sample->fields = json_incref(state.fields);
		rc = 1;
	}
	mirror_object_release(&state);
	setup_free(&setup);
	return rc;
}

/* As it was typed: an id, or an account, a slash and an id. */
static int
take_asked(struct search *search, const char *asked, struct bh_err *err)
{
	const char *slash = strchr(asked, '/');
	char account[sizeof(search->sample->account)];
	int rc = take(search, "", asked, err);

	if (rc != 0 || slash == NULL || (size_t)(slash - asked) >= sizeof(account))
		return rc;
	memcpy(account, asked, (size_t)(slash - asked));
	account[slash - asked] = '\0';
	return take(search, account, slash + 1, err);
}

/* Its first line. */
static int
take_line(struct search *search, const char *account, const char *invoice, struct bh_err *err)
{
	struct mirror_id held = {search->m->sync.from, account, OBJECT_INVOICE, invoice};
	struct object_state state = {0};
	json_t *names = NULL;
	char *id = NULL;
	int rc = mirror_get(exchange_read(search->exchange), &held, false, &state, err);

	if (rc > 0)
		names = line_names(invoice, json_object_get(state.fields, "lines"));
	rc = rc < 0 ? -1 : 0;
	if (json_object_size(names) > 0) {
		id = bh_xasprintf("%s/%s", invoice, json_object_iter_key(json_object_iter(names)));
		rc = take(search, account, id, err);
	}
	free(id);
	json_decref(names);
	mirror_object_release(&state);
	return rc;
}

static enum object_kind
searched_kind(const struct search *search)
{
	return search->sample->kind == OBJECT_INVOICE_LINE ? OBJECT_INVOICE : search->sample->kind;
}

static int
take_found(struct search *search, const char *account, const char *id, struct bh_err *err)
{
	return search->sample->kind == OBJECT_INVOICE_LINE ? take_line(search, account, id, err)
							   : take(search, account, id, err);
}

/* "customer cus_1" is of the kind. */
static int
take_news(struct search *search, const json_t *objects, struct bh_err *err)
{
	const char *kind = object_kind_name(searched_kind(search));
	json_t *one;
	size_t i, len = strlen(kind);
	int rc = 0;

	json_array_foreach ((json_t *)(uintptr_t)objects, i, one) {
		const char *text = json_string_value(one);

		if (rc == 0 && text != NULL && strncmp(text, kind, len) == 0 && text[len] == ' ')
			rc = take_found(search, "", text + len + 1, err);
	}
	return rc;
}

static int
take_event(struct search *search, const struct journal_event *event, struct bh_err *err)
{
	char name[EVENT_NAME];

	if (strcmp(event->connection, search->m->sync.from) != 0)
		return 0;
	if (search->sample->kind != OBJECT_EVENT)
		return take_news(search, event->objects, err);
	if (json_array_size(event->objects) == 0)
		return 0;
	event_name(name, event->stamp);
	return take(search, "", name, err);
}

/* What the newest events changed. */
static int
take_newest(struct search *search, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(EVENTS_LOOKED, sizeof(events[0]));
	size_t n = 0;
	int rc = journal_list(exchange_read(search->exchange), 0, EVENTS_LOOKED, events, &n, err);

	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_event(search, &events[i], err);
		journal_event_release(&events[i]);
	}
	free(events);
	return rc;
}

struct walked {
	char account[128], id[256];
	int64_t at_ms;
};

static int
keep_newer(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct walked *best = arg;

	if (object->deleted || is_mirror_erased(object) ||
	    (best->id[0] != '\0' && object->version.at_ms <= best->at_ms))
		return 0;
	snprintf(best->account, sizeof(best->account), "%s", id->account);
	snprintf(best->id, sizeof(best->id), "%s", id->id);
	best->at_ms = object->version.at_ms;
	return 0;
}

/* Whatever came by a backfill alone: the newest of the first few. */
static int
take_any(struct search *search, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct walked best = {.id = ""};
	bool more;
	int rc = mirror_walk(exchange_read(search->exchange), search->m->sync.from,
	    searched_kind(search), OBJECTS_LOOKED, &after, keep_newer, &best, &more, err);

	bh_buf_release(&after);
	if (rc == 0 && best.id[0] != '\0')
		rc = take_found(search, best.account, best.id, err);
	return rc;
}

/* The customer that {customer.x} reaches. */
static int
find_customer(struct search *search, struct bh_err *err)
{
	struct mapping_sample *sample = search->sample;
	const char *customer = bh_json_str(sample->fields, "customer");
	struct mirror_id held = {search->m->sync.from, sample->account, OBJECT_CUSTOMER, customer};
	struct object_state state = {0};
	int rc;

	if (customer == NULL || sample->kind == OBJECT_CUSTOMER)
		return 0;
	rc = derived_view_many(exchange_read(search->exchange), &held, 1, &state, err);
	if (rc == 0)
		sample->customer = json_incref(state.fields);
	mirror_object_release(&state);
	return rc;
}

int
mapping_sample_find(struct exchange *exchange, const struct mapping *m, enum object_kind kind,
    const char *asked, struct mapping_sample *sample, struct bh_err *err)
{
	struct search search = {.exchange = exchange, .m = m, .sample = sample};
	int rc = 0;

	memset(sample, 0, sizeof(*sample));
	sample->kind = kind;
	if (kind == OBJECT_NONE)
		return 0;
	if (*asked != '\0') {
		rc = take_asked(&search, asked, err);
	} else {
		rc = take_newest(&search, err);
		if (rc == 0 && kind != OBJECT_EVENT)
			rc = take_any(&search, err);
	}
	if (rc > 0 && find_customer(&search, err) < 0)
		rc = -1;
	return rc;
}

void
mapping_sample_release(struct mapping_sample *sample)
{
	json_decref(sample->fields);
	json_decref(sample->customer);
	memset(sample, 0, sizeof(*sample));
}

json_t *
mapping_sample_title(const struct mapping_sample *sample)
{
	static const char *const names[] = {"name", "legal_name", "email", "number", "summary"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(sample->fields, names[i]);

		if (text != NULL && *text != '\0')
			return words_json(text);
	}
	return words_json(sample->id);
}

json_t *
mapping_sample_asked(const struct mapping_sample *sample)
{
	char *text = bh_xasprintf("%s%s%s", sample->account, sample->account[0] != '\0' ? "/" : "",
	    sample->id);
	json_t *json = words_json(text);

	free(text);
	return json;
}

/* -- the bench -- */

/* A description may be old: its age is shown. */
static int
find_description(struct mapping_bench *bench, struct store_txn *txn, struct bh_err *err)
{
	json_t *doc = NULL;
	int rc = target_get(txn, bench->m->sync.to, bench->to, &doc, &bench->described_ms, err);

	if (rc > 0)
		bench->described = dest_object_from_json(doc);
	json_decref(doc);
	return rc < 0 ? -1 : 0;
}

static void
find_to(struct mapping_bench *bench)
{
	struct bh_buf to = BH_BUF_INIT(sizeof(bench->to) - 1);
	struct bh_err why = BH_ERR_INIT;

	if (mapping_to(bench->m, bench->object, &to, &why) < 0)
		snprintf(bench->why, sizeof(bench->why), "%s", why.text);
	else
		snprintf(bench->to, sizeof(bench->to), "%s", bh_buf_str(&to));
	bh_buf_release(&to);
}

int
mapping_bench_open(struct mapping_bench *bench, struct exchange *exchange, const struct mapping *m,
    const json_t *object, const char *asked, struct bh_err *err)
{
	memset(bench, 0, sizeof(*bench));
	bench->m = m;
	bench->object = object;
	bench->kind = mapping_kind(object);
	find_to(bench);
	if (bench->to[0] != '\0' && find_description(bench, exchange_read(exchange), err) < 0)
		return -1;
	return mapping_sample_find(exchange, m, bench->kind, asked, &bench->sample, err) < 0 ? -1
											     : 0;
}

void
mapping_bench_close(struct mapping_bench *bench)
{
	mapping_sample_release(&bench->sample);
	dest_object_free(&bench->described);
}

/* -- rows -- */

static bool
is_described(void *arg, const char *object, const char *field, struct map_limit *limit_r)
{
	const struct mapping_bench *bench = arg;
	const struct dest_field *f =
	    bench->described != NULL ? dest_object_field(bench->described, field) : NULL;

	(void)object;
	if (f == NULL)
		return false;
	*limit_r = (struct map_limit){.type = f->type,
	    .length = f->length,
	    .digits = f->digits,
	    .scale = f->digits == 0 && f->scale == 0 ? -1 : f->scale,
	    .options = f->options,
	    .aliases = f->aliases};
	return true;
}

static struct map_context
context_of(const struct mapping_bench *bench)
{
	return (struct map_context){.key_prefix = bench->m->source != NULL
						      ? bench->m->source->key_prefix
						      : "",
	    .account = bench->sample.account,
	    .settings = bench->m->sync.settings,
	    .customer = bench->sample.customer,
	    .is_described = is_described,
	    .arg = (void *)(uintptr_t)bench};
}

/* The key as map.c makes it, unless a template makes it. */
static void
add_key(const struct mapping_bench *bench, struct bh_buf *key)
{
	const char *prefix = bh_json_str(bench->m->shown, "prefix");

	if (prefix == NULL && bench->m->source != NULL)
		prefix = bench->m->source->key_prefix;
	map_key(key, prefix != NULL ? prefix : "", bench->sample.account, bench->sample.key_id);
}

static struct reference_view
view_of(const struct mapping_bench *bench, const struct bh_buf *key)
{
	return (struct reference_view){.object = bench->sample.fields,
	    .customer = bench->sample.customer,
	    .id = bench->sample.key_id,
	    .key = bh_buf_str(key),
	    .account = bench->sample.account};
}

/* A rendered value as text; "" for null. */
static json_t *
value_text(const json_t *value)
{
	if (json_is_string(value))
		return words_json(json_string_value(value));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "yes" : "no");
	return json_string("");
}

/* What a type can never become, in words; NULL: it may. */
static const char *
clash_of(enum field_type gives, enum record_type type)
{
	bool is_moment = gives == FIELD_DATE || gives == FIELD_TIME;
	bool is_address = gives == FIELD_URL || gives == FIELD_EMAIL;
	bool is_number = gives == FIELD_MONEY || gives == FIELD_DECIMAL || gives == FIELD_INT;

	if (type == RECORD_NUMBER && (is_moment || is_address || gives == FIELD_BOOL))
		return "it takes numbers";
	if ((type == RECORD_DATE || type == RECORD_TIME) &&
	    (is_number || is_address || gives == FIELD_BOOL))
		return "it takes dates";
	if (type == RECORD_BOOL && (is_moment || is_address || gives == FIELD_MONEY))
		return "it takes yes or no";
	return NULL;
}

struct outcome {
	const char *state;
	json_t *value, *note; /* owned */
};

static void
say(struct outcome *out, const char *state, const char *note)
{
	out->state = state;
	json_decref(out->note);
	out->note = words_json(note);
}

/* Against what the CRM says of the field.  False: it is said. */
static bool
is_field_good(const struct mapping_bench *bench, const struct row *row, struct outcome *out)
{
	const struct dest_field *field;
	const char *clash;
	char note[200];

	if (bench->described == NULL)
		return true;
	field = dest_object_field(bench->described, row_to(row));
	if (field == NULL) {
		snprintf(note, sizeof(note), "%.100s has no field of this name", bench->to);
		say(out, "bad", note);
		return false;
	}
	if (!field->writable) {
		say(out, "bad", "the CRM lets nobody write this field");
		return false;
	}
	clash = field->aliases == NULL ? clash_of(row_gives(row), field->type) : NULL;
	if (clash != NULL)
		say(out, "bad", clash);
	return clash == NULL;
}

/* Was it cut, or left out, for its length? */
static void
note_length(const struct mapping_bench *bench, const struct row *row,
    const struct reference_view *view, const struct record *record, struct outcome *out)
{
	struct map_context bare = context_of(bench);
	struct record *whole = record_new(bench->to, "", "");
	const struct dest_field *field =
	    bench->described != NULL ? dest_object_field(bench->described, row_to(row)) : NULL;
	const char *a, *b;
	char note[100];

	bare.is_described = NULL;
	if (field != NULL && field->length != 0 && record->fields_n == 1 &&
	    row_render(row, view, &bare, whole, NULL) == 0 && whole->fields_n == 1) {
		a = json_string_value(record->fields[0].value);
		b = json_string_value(whole->fields[0].value);
		snprintf(note, sizeof(note), "too long for %zu characters: %s", field->length,
		    a != NULL ? "it is cut" : "it is left empty");
		if (b != NULL && bh_utf8_units(b, strlen(b)) > field->length)
			say(out, "busy", note);
	}
	record_free(&whole);
}

static void
render(const struct mapping_bench *bench, const struct row *row, struct outcome *out)
{
	struct bh_buf key = BH_BUF_INIT(2048);
	struct map_context context = context_of(bench);
	struct record *record = record_new(bench->to, "", "");
	struct reference_view view;
	struct bh_err why = BH_ERR_INIT;

	add_key(bench, &key);
	view = view_of(bench, &key);
	if (!is_row_written(row, bench->to))
		say(out, "idle", "not written here");
	else if (row_render(row, &view, &context, record, &why) < 0)
		say(out, "bad", why.text);
	else if (record->fields_n == 0)
		say(out, "idle", "nothing is written: billing says nothing of it");
	else if (json_is_null(record->fields[0].value))
		say(out, "idle", "emptied there");
	else
		out->value = value_text(record->fields[0].value);
	if (out->state == NULL || strcmp(out->state, "bad") != 0)
		note_length(bench, row, &view, record, out);
	record_free(&record);
	bh_buf_release(&key);
}

/* The row as the sync uses it: new reference; NULL where it is none, with why. */
static json_t *
shaped_row(const struct mapping_bench *bench, const json_t *row, struct bh_err *why)
{
	json_t *rows = json_pack("[O]", row), *shaped = NULL, *made;

	mapping_shape(bench->m, bench->object, rows, &shaped, why);
	made = json_incref(json_array_get(json_object_get(shaped, "fields"), 0));
	json_decref(shaped);
	json_decref(rows);
	return made;
}

static void
judge(const struct mapping_bench *bench, const json_t *shaped, struct outcome *out)
{
	struct bh_err why = BH_ERR_INIT;
	struct row *row = NULL;

	if (row_new(shaped, bench->kind, &row, &why) < 0) {
		say(out, "bad", why.text);
		return;
	}
	if (!is_row_written(row, bench->to))
		say(out, "idle", "not written here");
	else if (is_field_good(bench, row, out) && bench->sample.id[0] != '\0')
		render(bench, row, out);
	row_free(&row);
}

static void
add_field(const struct mapping_bench *bench, const json_t *shaped, json_t *view)
{
	const char *to = bh_json_str(shaped, "to");
	const struct dest_field *field =
	    bench->described != NULL && to != NULL ? dest_object_field(bench->described, to) : NULL;

	json_object_set_new(view, "label",
	    field != NULL && field->label != NULL ? words_json(field->label) : json_string(""));
	json_object_set_new(view, "type",
	    field != NULL ? mapping_field_type(field) : json_string(""));
}

json_t *
mapping_bench_row(const struct mapping_bench *bench, const json_t *row)
{
	struct bh_err why = BH_ERR_INIT;
	struct outcome out = {0};
	json_t *shaped = shaped_row(bench, row, &why), *view;

	if (shaped == NULL && why.code != BH_OK)
		say(&out, "bad", why.text);
	else if (shaped == NULL)
		say(&out, "idle", "no such row while the setting is empty");
	else
		judge(bench, shaped, &out);
	view = json_pack("{s:s, s:o, s:o}", "state", out.state != NULL ? out.state : "good",
	    "value", out.value != NULL ? out.value : json_string(""), "note",
	    out.note != NULL ? out.note : json_string(""));
	add_field(bench, shaped, view);
	json_decref(shaped);
	return view;
}

/* "Graz", "Graz: longer than the field", "no value". */
static json_t *
tried_text(const json_t *made)
{
	const char *value = bh_json_str(made, "value"), *note = bh_json_str(made, "note");
	size_t cut = bh_utf8_cut(value, strlen(value), TRIED_SHOWN);

	if (*value == '\0')
		return json_string(*note != '\0' ? note : "no value");
	return json_sprintf("%.*s%s%s%s", (int)cut, value, value[cut] != '\0' ? "…" : "",
	    *note != '\0' ? ": " : "", note);
}

json_t *
mapping_bench_tried(const struct mapping_bench *bench, const json_t *view, const json_t *before)
{
	struct bh_err why = BH_ERR_INIT;
	json_t *row, *made, *tried;

	if (bench->sample.id[0] == '\0')
		return json_pack("{s:s, s:s}", "state", "idle", "text",
		    "nothing yet: there is no record to show");
	if (mapping_row_read(view, before, &row, &why) < 0)
		return json_pack("{s:s, s:o}", "state", "bad", "text", words_json(why.text));
	made = mapping_bench_row(bench, row);
	tried = json_pack("{s:O, s:o}", "state", json_object_get(made, "state"), "text",
	    tried_text(made));
	json_decref(made);
	json_decref(row);
	return tried;
}

/* -- rules and filter -- */

static void
add_question(struct bh_buf *out, const struct map_question *question)
{
	if (question->by == MAP_BY_KEY)
		return;
	for (size_t i = 0; i < question->n; i++)
		bh_buf_addf(out, "%s%s is %s", out->len > 0 ? " and " : "",
		    question->by == MAP_BY_ID ? "its id" : question->fields[i],
		    question->values[i]);
}

json_t *
mapping_bench_rule(const struct mapping_bench *bench, const json_t *rule)
{
	struct bh_buf out = BH_BUF_INIT(64u << 10), key = BH_BUF_INIT(2048);
	struct map_context context = context_of(bench);
	struct map_questions questions;
	struct match *match = NULL;
	json_t *list = json_pack("[O]", rule), *text;
	struct reference_view view;

	add_key(bench, &key);
	view = view_of(bench, &key);
	if (bench->sample.id[0] != '\0' && match_new(list, bench->kind, &match, NULL) == 0) {
		match_questions(match, bench->to, &view, &context, &questions);
		if (questions.n > 0)
			add_question(&out, &questions.items[0]);
		if (questions.n > 0 && questions.items[0].by == MAP_BY_KEY)
			bh_buf_addf(&out, "the key is %s", bh_buf_str(&key));
		map_questions_release(&questions);
	}
	text = words_json(bh_buf_str(&out));
	match_free(&match);
	json_decref(list);
	bh_buf_release(&key);
	bh_buf_release(&out);
	return text;
}

int
mapping_bench_passes(const struct mapping_bench *bench)
{
	struct bh_buf key = BH_BUF_INIT(2048);
	struct filter *filter = NULL;
	struct reference_view view;
	json_t *json = NULL;
	int passes = mapping_filter(bench->m, bench->object, &json);

	add_key(bench, &key);
	view = view_of(bench, &key);
	if (passes > 0 && json != NULL)
		passes =
		    bench->sample.id[0] != '\0' && filter_new(json, bench->kind, &filter, NULL) == 0
			? is_filter_passed(filter, &view)
			: -1;
	filter_free(&filter);
	json_decref(json);
	bh_buf_release(&key);
	return passes;
}

/* -- the CRM's fields -- */

json_t *
mapping_field_type(const struct dest_field *field)
{
	static const char *const names[] = {
	    [RECORD_TEXT] = "text",
	    [RECORD_NUMBER] = "number",
	    [RECORD_BOOL] = "yes or no",
	    [RECORD_DATE] = "date",
	    [RECORD_TIME] = "time",
	    [RECORD_ENUM] = "choice",
	};
	const char *name = (size_t)field->type < BH_LEN(names) ? names[field->type] : "text";

	if (field->type == RECORD_NUMBER && field->digits > 0)
		return json_sprintf("%s, %d.%d digits", name, field->digits, field->scale);
	if (field->length > 0 && field->length < 32768)
		return json_sprintf("%s, %zu", name, field->length);
	return json_string(name);
}
