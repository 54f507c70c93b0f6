/* See automate.h. */
#include "base/base.h"

#include "sync/automate.h"

#include "auto/decide.h"
#include "base/clock.h"
#include "state/alert.h"
#include "state/derived.h"
#include "sync/apply.h"

#define MARKS_MAX 100 /* objects in one commit */
#define WALK_PAGE 1000

/* One commit's worth of objects. */
struct page {
	struct store_txn *txn;
	const struct setup *setup;
	int64_t now_ms;
	struct automation_mark marks[MARKS_MAX];
	size_t marks_n;
	struct mirror_id ids[MARKS_MAX]; /* each once; borrowed from the marks */
	struct object_state objects[MARKS_MAX], customers[MARKS_MAX];
	json_t *standings[MARKS_MAX];
	size_t n;
	json_t *turns;   /* of rules that were asked: code -> whose turn */
	json_t *tallies; /* code -> {"open": more or less, "fired": how often} */
	struct apply *apply;
};

static void
page_free(struct page **page)
{
	struct page *p = *page;

	for (size_t i = 0; i < p->n; i++) {
		mirror_object_release(&p->objects[i]);
		mirror_object_release(&p->customers[i]);
		json_decref(p->standings[i]);
	}
	automation_marks_release(p->marks, p->marks_n);
	json_decref(p->turns);
	json_decref(p->tallies);
	apply_free(&p->apply);
	store_free(&p->txn);
	free(p);
	*page = NULL;
}

/* -- reading -- */

static bool
is_same_object(const struct mirror_id *a, const struct mirror_id *b)
{
	return a->kind == b->kind && strcmp(a->id, b->id) == 0 &&
	       strcmp(a->account, b->account) == 0 && strcmp(a->connection, b->connection) == 0;
}

/* What is marked, and due as well, is looked at once. */
static void
collect(struct page *page)
{
	for (size_t i = 0; i < page->marks_n; i++) {
		const struct mirror_id *id = &page->marks[i].id;
		size_t k = 0;

		automation_mark_done(page->txn, &page->marks[i]);
		while (k < page->n && !is_same_object(&page->ids[k], id))
			k++;
		if (k == page->n && has_setup_rules(page->setup, id->connection, id->kind))
			page->ids[page->n++] = *id;
	}
}

int
automate_know_customer(struct store_txn *txn, const struct mirror_id *id, json_t *fields,
    struct bh_err *err)
{
	const char *payment = bh_json_str(fields, "payment");
	struct object_state object = {0};
	const char *customer;
	struct mirror_id of = {id->connection, id->account, OBJECT_PAYMENT, payment};

	if (payment == NULL || bh_json_str(fields, "customer") != NULL ||
	    object_field(id->kind, "customer") == NULL)
		return 0;
	if (derived_view_many(txn, &of, 1, &object, err) < 0)
		return -1;
	customer = bh_json_str(object.fields, "customer");
	if (customer != NULL)
		json_object_set_new(fields, "customer", json_string(customer));
	mirror_object_release(&object);
	return 0;
}

static int
read_customers(struct page *page, struct bh_err *err)
{
	struct mirror_id ids[MARKS_MAX];
	struct object_state found[MARKS_MAX];
	size_t of[MARKS_MAX], n = 0;
	int rc = 0;

	memset(found, 0, sizeof(found));
	for (size_t i = 0; i < page->n; i++) {
		const char *customer = page->ids[i].kind != OBJECT_CUSTOMER
					   ? bh_json_str(page->objects[i].fields, "customer")
					   : NULL;

		if (customer == NULL)
			continue;
		ids[n] = (struct mirror_id){page->ids[i].connection, page->ids[i].account,
		    OBJECT_CUSTOMER, customer};
		of[n++] = i;
	}
	if (n != 0)
		rc = derived_view_many(page->txn, ids, n, found, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		page->customers[of[i]] = found[i];
	return rc;
}

static int
read_page(struct page *page, struct bh_err *err)
{
	if (page->n == 0)
		return 0;
	if (derived_view_many(page->txn, page->ids, page->n, page->objects, err) < 0 ||
	    automation_standings(page->txn, page->ids, page->n, page->standings, err) < 0)
		return -1;
	for (size_t i = 0; i < page->n; i++)
		if (automate_know_customer(page->txn, &page->ids[i], page->objects[i].fields, err) <
		    0)
			return -1;
	return read_customers(page, err);
}

/* -- deciding -- */

static int
turn_of(struct page *page, const char *code, uint64_t *turn_r, struct bh_err *err)
{
	const json_t *known = json_object_get(page->turns, code);

	*turn_r = known != NULL ? (uint64_t)json_integer_value(known) : 0;
	return known != NULL ? 0 : automation_turn_get(page->txn, code, turn_r, err);
}

static void
note_turn(struct page *page, const char *code, uint64_t before, uint64_t after)
{
	json_object_set_new(page->turns, code, json_integer((json_int_t)after));
	if (after != before)
		automation_turn_put(page->txn, code, after);
}

static bool
is_open(const json_t *standing, const char *key)
{
	const char *state = bh_json_str(json_object_get(standing, key), "state");

	return state != NULL && strcmp(state, "open") == 0;
}

/* Actions that are open in a rule's standing, and were not in the other (NULL none). */
static int64_t
count_open(const json_t *standing, const json_t *other)
{
	const char *key;
	json_t *entry;
	int64_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)standing, key, entry)
		n += is_open(standing, key) && !is_open(other, key);
	return n;
}

/* What one decision changed of a rule's tally. */
static void
note_tally(struct page *page, const char *code, const json_t *before, const json_t *after)
{
	int64_t fired = count_open(after, before), closed = count_open(before, after);
	json_t *tally = json_object_get(page->tallies, code);

	if (fired == 0 && closed == 0)
		return;
	if (tally == NULL) {
		tally = json_object();
		json_object_set_new(page->tallies, code, tally);
	}
	json_object_set_new(tally, "open",
	    json_integer((json_int_t)(bh_json_int(tally, "open", 0) + fired - closed)));
	json_object_set_new(tally, "fired",
	    json_integer((json_int_t)(bh_json_int(tally, "fired", 0) + fired)));
}

static int
put_tallies(struct page *page, struct bh_err *err)
{
	const char *code;
	json_t *one;

	json_object_foreach (page->tallies, code, one) {
		struct automation_tally by = {.open = bh_json_int(one, "open", 0),
		    .fired = bh_json_int(one, "fired", 0)};

		by.fired_ms = by.fired > 0 ? page->now_ms : 0;
		if (automation_tally_add(page->txn, code, &by, err) < 0)
			return -1;
	}
	return 0;
}

void
automate_alert_key(char key[ALERT_KEY_MAX], const struct mirror_id *of, const char *action)
{
	snprintf(key, ALERT_KEY_MAX, "action/%s/%s/%s", of->connection, of->account, action);
}

/* tallies: how many each rule has open less. */
static void
forget_one(struct store_txn *txn, const struct mirror_id *id, const json_t *doc, json_t *tallies)
{
	json_t *none = json_object(), *standing;
	const char *code;

	json_object_foreach (json_object_get(doc, "rules"), code, standing)
		json_object_set_new(tallies, code,
		    json_integer(
			(json_int_t)(bh_json_int(tallies, code, 0) + count_open(standing, NULL))));
	automation_standing_put(txn, id, doc, none);
	json_decref(none);
}

int
automate_forget(struct store_txn *txn, const struct mirror_id *ids, size_t n, struct bh_err *err)
{
	json_t **docs = bh_xcalloc(n + 1, sizeof(docs[0])), *tallies = json_object(), *open;
	int rc = automation_standings(txn, ids, n, docs, err);
	const char *code;

	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && docs[i] != NULL)
			forget_one(txn, &ids[i], docs[i], tallies);
		json_decref(docs[i]);
	}
	json_object_foreach (tallies, code, open) {
		struct automation_tally by = {.open = -json_integer_value(open)};

		if (rc == 0 && by.open != 0)
			rc = automation_tally_add(txn, code, &by, err);
	}
	json_decref(tallies);
	free(docs);
	return rc;
}

/* The code of the rule: what stands behind connection and account. */
bool
is_automate_alert(const char *key, char code[ALERT_KEY_MAX])
{
	size_t len;

	if (strncmp(key, "action/", 7) != 0)
		return false;
	key += 6;
	for (int i = 0; i < 2 && key != NULL; i++)
		key = strchr(key + 1, '/');
	if (key == NULL)
		return false;
	len = strcspn(key + 1, "/");
	snprintf(code, ALERT_KEY_MAX, "%.*s", (int)len, key + 1);
	return true;
}

/* An action that tells people: it is an incident as long as it is open. */
static int
tell(struct page *page, const struct mirror_id *of, const struct rule *rule, const json_t *action,
    struct bh_err *err)
{
	const json_t *fields = json_object_get(action, "fields");
	const char *state = bh_json_str(fields, "state");
	char key[ALERT_KEY_MAX];
	struct alert_cause cause = {.key = key,
	    .title = bh_json_str(fields, "title"),
	    .text = bh_json_str(fields, "text"),
	    .link = bh_json_str(fields, "link"),
	    .priority = alert_priority_of(bh_json_str(fields, "priority")),
	    .is_reminded = !is_rule_once(rule)};

	if (cause.priority == ALERT__MAX)
		cause.priority = ALERT_NORMAL;
	automate_alert_key(key, of, bh_json_str(action, "id"));
	if (state != NULL && strcmp(state, "closed") == 0)
		return alert_cure(page->txn, key, page->now_ms, err) < 0 ? -1 : 0;
	return bh_is_json_true(action, "is_whole")
		   ? alert_raise(page->txn, &cause, page->now_ms, err)
		   : 0;
}

static int
tell_all(struct page *page, const struct mirror_id *of, const struct rule *rule,
    const json_t *actions, struct bh_err *err)
{
	const json_t *action;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)actions, i, action)
		if (tell(page, of, rule, action, err) < 0)
			return -1;
	return 0;
}

/* Into the mirror, newer than the last that was made for this object, whatever the clock does. */
static void
bring(struct page *page, const struct mirror_id *of, const json_t *actions, json_t *doc)
{
	int64_t version_ms = bh_json_int(doc, "v", 0) + 1;
	const json_t *action;
	size_t i;

	if (version_ms < page->now_ms)
		version_ms = page->now_ms;
	json_array_foreach ((json_t *)(uintptr_t)actions, i, action) {
		struct source_result result = {0};
		struct object_change *change =
		    object_changes_add(&result.changes, OBJECT_ACTION, bh_json_str(action, "id"));

		snprintf(change->account, sizeof(change->account), "%s", of->account);
		change->version.at_ms = version_ms;
		change->partial = !bh_is_json_true(action, "is_whole");
		change->fields = json_incref(json_object_get(action, "fields"));
		apply_add(page->apply, of->connection, &result);
	}
	if (json_array_size(actions) > 0)
		json_object_set_new(doc, "v", json_integer((json_int_t)version_ms));
}

/* One rule, one object. */
static int
ask(struct page *page, size_t i, const struct setup_rule *rule, json_t *doc, int64_t *next_ms,
    struct bh_err *err)
{
	const struct mirror_id *id = &page->ids[i];
	const struct object_state *object = &page->objects[i];
	const char *code = rule_code(rule->rule);
	json_t *rules = json_object_get(doc, "rules");
	struct rule_subject subject = {id->kind, id->id, id->account,
	    object->deleted ? NULL : object->fields, page->customers[i].fields,
	    object->version.at_ms};
	struct rule_decision decision = {.now_ms = page->now_ms,
	    .since_ms = rule->since_ms,
	    .standing = json_object_get(rules, code),
	    .actions = json_array(),
	    .next_ms = *next_ms};
	json_t *before;
	uint64_t turn;
	int rc = 0;

	if (turn_of(page, code, &turn, err) < 0) {
		json_decref(decision.actions);
		return -1;
	}
	decision.turn = turn;
	if (decision.standing == NULL) {
		decision.standing = json_object();
		json_object_set_new(rules, code, decision.standing);
	}
	before = json_deep_copy(decision.standing);
	rule_decide(rule->rule, &subject, &decision);
	note_tally(page, code, before, decision.standing);
	json_decref(before);
	bring(page, id, decision.actions, doc);
	if (rule_makes(rule->rule) == RULE_ALERT)
		rc = tell_all(page, id, rule->rule, decision.actions, err);
	if (json_object_size(decision.standing) == 0)
		json_object_del(rules, code);
	note_turn(page, code, turn, decision.turn);
	*next_ms = decision.next_ms;
	json_decref(decision.actions);
	return rc;
}

static int
decide_object(struct page *page, size_t i, struct bh_err *err)
{
	json_t *before = page->standings[i];
	json_t *doc = before != NULL ? json_deep_copy(before) : json_pack("{s:{}}", "rules");
	int64_t next_ms = INT64_MAX;
	int rc = 0;

	for (size_t k = 0; k < page->setup->rules_n && rc == 0; k++) {
		const struct setup_rule *rule = &page->setup->rules[k];

		if (rule_on(rule->rule) == page->ids[i].kind &&
		    strcmp(rule_from(rule->rule), page->ids[i].connection) == 0)
			rc = ask(page, i, rule, doc, &next_ms, err);
	}
	if (next_ms == INT64_MAX)
		json_object_del(doc, "at");
	else
		json_object_set_new(doc, "at", json_integer((json_int_t)next_ms));
	if (rc == 0)
		automation_standing_put(page->txn, &page->ids[i], before, doc);
	json_decref(doc);
	return rc;
}

/* A page of what is marked and due, in one commit.  *next_r as automation_marks(). */
static int
run_page(const struct sync_context *context, struct setup **setup, size_t *n_r, int64_t *next_r,
    struct bh_err *err)
{
	struct page *page = bh_xcalloc(1, sizeof(*page));
	int rc;

	page->txn = store_begin(context->store);
	page->turns = json_object();
	page->tallies = json_object();
	page->now_ms = bh_now_ms();
	rc = setup_refresh(context, page->txn, setup, err);
	page->setup = *setup;
	if (rc == 0)
		rc = automation_marks(page->txn, page->now_ms, MARKS_MAX, page->marks,
		    &page->marks_n, next_r, err);
	*n_r = page->marks_n;
	if (rc == 0 && page->marks_n > 0) {
		page->apply = apply_new(page->txn, page->setup);
		collect(page);
		rc = read_page(page, err);
		for (size_t i = 0; i < page->n && rc == 0; i++)
			rc = decide_object(page, i, err);
		if (rc == 0)
			rc = put_tallies(page, err);
		if (rc == 0)
			rc = apply_run(page->apply, err);
		if (rc == 0)
			rc = store_commit(page->txn, NULL, err);
	}
	page_free(&page);
	return rc;
}

/* -- what was there before a rule -- */

static int
mark_one(void *arg, const struct mirror_id *id, const struct object_state *object BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	automation_mark(arg, id);
	return 0;
}

struct walk_page {
	const char *code;
	bool more;
};

static int
walk_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct walk_page *walk = arg;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct automation automation;
	const char *on, *from;
	int rc = automation_load(txn, walk->code, &automation, err);

	walk->more = false;
	if (rc > 0 && automation.is_walking) {
		on = bh_json_str(automation.rule, "on");
		from = bh_json_str(automation.rule, "from");
		rc = automation_walk_get(txn, walk->code, &after, err);
		if (rc == 0 && on != NULL && from != NULL)
			rc = mirror_walk(txn, from, object_kind_of(on), WALK_PAGE, &after, mark_one,
			    txn, &walk->more, err);
		if (rc == 0)
			automation_walk_put(txn, walk->code, walk->more ? &after : NULL);
		automation.is_walking = walk->more;
		if (rc == 0 && !walk->more)
			automation_save(txn, &automation);
	}
	automation_release(&automation);
	bh_buf_release(&after);
	return rc < 0 ? -1 : 0;
}

/* Marks all objects that new and changed rules are to look at. */
static int
walk_all(const struct sync_context *context, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	json_t *codes, *code;
	size_t i;
	int rc = automation_codes(txn, &codes, err);

	store_free(&txn);
	json_array_foreach (codes, i, code) {
		struct walk_page walk = {json_string_value(code), true};

		while (rc == 0 && walk.more && !sync_is_stopping(context))
			rc = store_run(context->store, walk_page, &walk, NULL, err) < 0 ? -1 : 0;
	}
	json_decref(codes);
	return rc;
}

int
automate_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct setup *setup = NULL;
	int64_t next_ms = INT64_MAX;
	size_t n = 0;
	int rc = walk_all(context, err);

	*outcome = (struct sync_outcome){.again_ms = -1};
	while (rc == 0) {
		struct bh_err why = BH_ERR_INIT;

		rc = run_page(context, &setup, &n, &next_ms, &why);
		if (rc < 0 && why.code == BH_CONFLICT) {
			bh_sleep_ms(5);
			rc = 0;
		} else if (rc < 0) {
			if (err != NULL)
				*err = why;
		} else {
			outcome->handled += n;
			if (n == 0)
				break;
		}
		if (sync_is_stopping(context)) {
			next_ms = bh_now_ms();
			break;
		}
	}
	setup_free(&setup);
	if (rc == 0 && next_ms != INT64_MAX)
		outcome->again_ms = next_ms;
	return rc;
}
