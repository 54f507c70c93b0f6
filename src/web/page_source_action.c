/* The buttons on the page of a source: each asks for an errand, or turns a walk. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/trail.h"
#include "state/walk.h"
#include "web/page_source.h"

static const struct button {
	const char *action; /* last part of the path */
	const char *can;
	const char *errand;
	const char *walk;
	char turn; /* 's'tart, 'p'ause, 'r'esume */
} buttons[] = {
    {"test", ERRAND_PROBE, ERRAND_PROBE, NULL, 0},
    {"endpoints", ERRAND_ENDPOINTS, ERRAND_ENDPOINTS, NULL, 0},
    {"register", ERRAND_REGISTER, ERRAND_REGISTER, NULL, 0},
    {"unregister", ERRAND_REMOVE, ERRAND_REMOVE, NULL, 0},
    {"start-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 's'},
    {"pause-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 'p'},
    {"resume-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 'r'},
    {"start-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 's'},
    {"pause-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 'p'},
    {"resume-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 'r'},
};

struct press {
	struct exchange *exchange;
	const struct button *button;
	const struct source_driver *driver;
	const char *code;
};

/* The types that were ticked; NULL when none was, or there was no choice. */
static json_t *
ticked(const struct press *press)
{
	json_t *events = json_array();

	for (const struct source_type *type = press->driver->types;
	     type != NULL && type->type != NULL; type++) {
		char field[160];

		snprintf(field, sizeof(field), "event.%s", type->type);
		if (request_field(press->exchange->request, field) != NULL)
			json_array_append_new(events, json_string(type->type));
	}
	if (json_array_size(events) == 0) {
		json_decref(events);
		return NULL;
	}
	return json_pack("{s:o}", "events", events);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;
	const struct button *button = press->button;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = button->action,
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};
	int64_t now = bh_now_ms();
	int rc = 0;

	snprintf(text, sizeof(text), "asked for in the browser by %s",
	    press->exchange->session.user);
	if (button->errand != NULL)
		errand_ask(txn, press->code, button->errand, ticked(press), now);
	else if (button->turn == 's')
		rc = walk_begin(txn, press->code, button->walk, now, err);
	else if (button->turn == 'p')
		rc = walk_pause(txn, press->code, button->walk, err);
	else
		rc = walk_resume(txn, press->code, button->walk, now, err);
	if (rc == 0)
		trail_add(txn, 0, &entry);
	return rc;
}

int
source_act(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err)
{
	struct press press = {.exchange = exchange,
	    .driver = kind->source,
	    .code = connection->code};
	struct bh_err why = BH_ERR_INIT;

	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i].action, exchange->match.args[1]) == 0)
			press.button = &buttons[i];
	if (press.button == NULL) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	if (source_check_can(press.driver, press.button->can, &why) == 0 &&
	    store_run(exchange->site->store, press_in, &press, NULL, &why) >= 0) {
		connection_go(exchange, connection->code, "");
		return 0;
	}
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	exchange_error(exchange, 409, why.text);
	return 0;
}
