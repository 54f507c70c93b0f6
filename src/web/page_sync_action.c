/*
 * The buttons on the page of a sync, and saving its settings.  What changes
 * the sync goes through sync/configure.h, as a document of its own would.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/trail.h"
#include "sync/configure.h"
#include "sync/resync.h"
#include "web/page_sync.h"
#include "web/sync_form.h"

/* -- through the configuration -- */

/* 0; 1 a person has to look at it again, why tells; -1. */
static int
apply(struct exchange *exchange, json_t *sync_take, bool is_resync, struct bh_err *why,
    struct bh_err *err)
{
	struct site *site = exchange->site;
	struct configure_options options = {.preset_dir = site->conf->preset_dir,
	    .no_resync = !is_resync,
	    .by = exchange->session.user};
	json_t *document = json_pack("{s:i, s:[o]}", "billhook", 1, "syncs", sync_take);
	size_t changes;
	int rc = configure_apply(site->store, &site->key, document, &options, &changes, why);

	json_decref(document);
	if (rc == 0 || why->code == BH_INVALID)
		return rc == 0 ? 0 : 1;
	return bh_fail(err, why->code, "%s", why->text);
}

/* One member of the sync becomes value (taken); NULL: it goes. */
static int
change(struct exchange *exchange, const char *member, json_t *value_take, bool is_resync,
    const char *query, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	json_t *live = json_object(), *sync;
	struct sync_facts facts;
	int rc = sync_load(exchange, &facts, live, err);

	json_decref(live);
	if (rc <= 0) {
		json_decref(value_take);
		return rc;
	}
	sync = configure_sync(&facts.sync);
	if (value_take != NULL)
		json_object_set_new(sync, member, value_take);
	else
		json_object_del(sync, member);
	rc = apply(exchange, sync, is_resync, &why, err);
	if (rc == 0)
		sync_go(exchange, facts.sync.code, query);
	sync_facts_release(&facts);
	return rc > 0 ? sync_show(exchange, configure_reason(why.text), NULL, err) : rc;
}

int
page_sync_pause(struct exchange *exchange, struct bh_err *err)
{
	return change(exchange, "paused", json_true(), false, "", err);
}

int
page_sync_resume(struct exchange *exchange, struct bh_err *err)
{
	return change(exchange, "paused", json_false(), false, "", err);
}

/* All that is there already is looked at, too: it was marked only as it changed. */
int
page_sync_start(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object();
	struct sync_facts facts;
	char why[160];
	int rc = sync_load(exchange, &facts, live, err);

	json_decref(live);
	if (rc <= 0)
		return rc;
	rc = sync_facts_may_start(&facts, why, err);
	sync_facts_release(&facts);
	if (rc == 0 && why[0] != '\0')
		return sync_show(exchange, why, NULL, err);
	return rc < 0 ? -1 : change(exchange, "started", NULL, true, "?started=1", err);
}

/* -- settings -- */

static int
read_settings(struct exchange *exchange, const struct sync_facts *facts, json_t **settings_r,
    struct bh_err *err)
{
	json_t *fields = sync_form_fields(exchange->site->conf->preset_dir, facts->sync.mapping,
	    facts->from.driver);
	int rc = sync_form_read(fields, facts->sync.settings, exchange->request, settings_r, err);

	json_decref(fields);
	return rc;
}

int
page_sync_save(struct exchange *exchange, struct bh_err *err)
{
	bool is_resync = request_field(exchange->request, "all") != NULL;
	struct bh_err why = BH_ERR_INIT;
	json_t *live = json_object(), *settings, *sync;
	struct sync_facts facts;
	int rc = sync_load(exchange, &facts, live, err);

	json_decref(live);
	if (rc <= 0)
		return rc;
	rc = read_settings(exchange, &facts, &settings, &why) < 0 ? 1 : 0;
	if (rc == 0) {
		sync = configure_sync(&facts.sync);
		json_object_set_new(sync, "settings", settings);
		rc = apply(exchange, sync, is_resync, &why, err);
	}
	if (rc == 0)
		sync_go(exchange, facts.sync.code, "?saved=1");
	sync_facts_release(&facts);
	return rc > 0 ? sync_show(exchange, NULL, configure_reason(why.text), err) : rc;
}

/* -- without the configuration -- */

struct press {
	struct exchange *exchange;
	const char *code, *turn;
	char done[160]; /* what the trail says */
};

static void
note(struct store_txn *txn, const struct press *press, const char *what)
{
	char text[320];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = what,
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};

	snprintf(text, sizeof(text), "%s, in the browser by %s", press->done,
	    press->exchange->session.user);
	trail_add(txn, 0, &entry);
}

/* The sync, released by the caller also after -1; BH_INVALID when it is gone. */
static int
load(struct store_txn *txn, const char *code, struct account_sync *sync, struct bh_err *err)
{
	int rc = account_sync_load(txn, code, sync, err);

	if (rc == 0)
		return bh_fail(err, BH_INVALID, "This sync was removed meanwhile.");
	return rc < 0 ? -1 : 0;
}

static int
begin_resync(struct store_txn *txn, const struct account_sync *sync, struct bh_err *err)
{
	if (sync->is_new)
		return bh_fail(err, BH_INVALID,
		    "It is not started: starting it looks at all records, too.");
	resync_begin(txn, sync->code, bh_now_ms());
	return 0;
}

static int
turn_resync(struct store_txn *txn, const char *turn, const struct account_sync *sync,
    struct bh_err *err)
{
	if (strcmp(turn, "begin") == 0)
		return begin_resync(txn, sync, err);
	if (strcmp(turn, "pause") == 0)
		return walk_pause(txn, sync->code, WALK_RESYNC, err);
	if (strcmp(turn, "resume") == 0)
		return walk_resume(txn, sync->code, WALK_RESYNC, bh_now_ms(), err);
	resync_cancel(txn, sync->code, sync->to, bh_now_ms());
	return 0;
}

static int
press_resync(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct account_sync sync = {0};
	int rc = load(txn, press->code, &sync, err);

	if (rc == 0)
		rc = turn_resync(txn, press->turn, &sync, err);
	if (rc == 0) {
		snprintf(press->done, sizeof(press->done), "re-sync: %.20s", press->turn);
		note(txn, press, "resync");
	}
	account_sync_release(&sync);
	return rc;
}

static int
press_delete(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct account_sync sync = {0};
	int rc = load(txn, press->code, &sync, err);

	if (rc == 0) {
		account_sync_drop(txn, sync.code);
		resync_forget(txn, sync.code, sync.to, bh_now_ms());
		snprintf(press->done, sizeof(press->done), "sync from %.60s to %.60s removed",
		    sync.from, sync.to);
		note(txn, press, "config");
	}
	account_sync_release(&sync);
	return rc;
}

/* 1 done; else it is answered, 0 or -1. */
static int
press(struct exchange *exchange, struct press *press,
    int (*act)(struct store_txn *txn, void *arg, struct bh_err *err), struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;

	if (store_run(exchange->site->store, act, press, NULL, &why) >= 0)
		return 1;
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	return sync_show(exchange, why.text, NULL, err);
}

int
page_sync_resync(struct exchange *exchange, struct bh_err *err)
{
	static const char *const turns[] = {"begin", "pause", "resume", "cancel"};
	struct press press_it = {.exchange = exchange, .code = exchange->match.args[0]};
	int rc;

	for (size_t i = 0; i < BH_LEN(turns); i++)
		if (strcmp(exchange->match.args[1], turns[i]) == 0)
			press_it.turn = turns[i];
	if (press_it.turn == NULL) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	rc = press(exchange, &press_it, press_resync, err);
	if (rc > 0)
		sync_go(exchange, press_it.code, "#resync");
	return rc < 0 ? -1 : 0;
}

int
page_sync_delete(struct exchange *exchange, struct bh_err *err)
{
	const char *confirm = request_field(exchange->request, "confirm");
	struct press press_it = {.exchange = exchange, .code = exchange->match.args[0]};
	char why[320];
	int rc;

	if (confirm == NULL || strcmp(confirm, press_it.code) != 0) {
		snprintf(why, sizeof(why),
		    "To remove it, type the sync's code: %s. Nothing was done.", press_it.code);
		return sync_show(exchange, why, NULL, err);
	}
	rc = press(exchange, &press_it, press_delete, err);
	if (rc > 0)
		response_redirect(exchange->response, exchange->request->base, "/syncs?gone=1");
	return rc < 0 ? -1 : 0;
}
