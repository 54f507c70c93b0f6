/* A new connection, and saving one: of either kind, by the driver's table of settings. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/queue.h"
#include "state/trail.h"
#include "state/walk.h"
#include "web/connection_form.h"
#include "web/crm_facts.h"
#include "web/page_connection.h"
#include "web/words.h"

/* -- a new one -- */

/* A code that is free: the driver's name, or with a number. */
static json_t *
free_code(struct exchange *exchange, const char *driver)
{
	char code[72];

	for (int i = 1; i < 100; i++) {
		struct account_connection known = {0};
		int rc;

		if (i == 1)
			snprintf(code, sizeof(code), "%s", driver);
		else
			snprintf(code, sizeof(code), "%s-%d", driver, i);
		rc = account_connection_load(exchange_read(exchange), NULL, code, &known, NULL);
		account_connection_release(&known);
		if (rc == 0)
			break;
	}
	return json_string(code);
}

static int
show_new(struct exchange *exchange, const struct connection_kind *kind, const char *error,
    struct bh_err *err)
{
	const char *code = error != NULL ? request_field(exchange->request, "code") : NULL;
	const char *base = exchange->request->base;
	struct account_connection none = {0};
	char *title = bh_xasprintf("Connect %s", kind->title);
	json_t *model = json_pack("{s:s, s:o, s:o, s:o, s:b, s:b}", "driver", kind->title, "code",
	    code != NULL ? words_json(code) : free_code(exchange, kind->name), "action",
	    json_sprintf("%s/connections/new/%s", base, kind->name), "list_url",
	    json_sprintf("%s/connections", base), "is_source", kind->is_source, "has_steps",
	    kind->steps != NULL);
	int rc;

	snprintf(none.name, sizeof(none.name), "%s", kind->title);
	connection_add_form(model, exchange, &none, kind, error);
	json_object_set_new(model, "steps",
	    connection_steps(exchange, kind, bh_json_str(model, "code")));
	rc =
	    exchange_page(exchange, error != NULL ? 400 : 200, "connection_new", title, model, err);
	free(title);
	return rc;
}

static bool
find_kind(struct exchange *exchange, struct connection_kind *kind)
{
	if (connection_kind_find(kind, exchange->match.args[0]) &&
	    (kind->is_source || crm_is_offered(kind->dest)))
		return true;
	exchange_error(exchange, 404, "There is no such billing system or CRM here.");
	return false;
}

int
page_connection_new(struct exchange *exchange, struct bh_err *err)
{
	struct connection_kind kind;

	return find_kind(exchange, &kind) ? show_new(exchange, &kind, NULL, err) : 0;
}

/* -- saving -- */

struct save {
	struct exchange *exchange;
	const struct connection_kind *kind;
	const char *code;
	bool is_new;
	/* of one try */
	struct account_connection connection;
	json_t *old_settings, *old_secrets;
};

static int
check(const struct save *save, struct bh_err *err)
{
	const struct account_connection *connection = &save->connection;
	struct source_config source = {.code = save->code,
	    .settings = connection->settings,
	    .secrets = connection->secrets};
	struct dest_config dest = {.code = save->code,
	    .settings = connection->settings,
	    .secrets = connection->secrets};

	return save->kind->is_source ? source_check(save->kind->source, &source, err)
				     : dest_check(save->kind->dest, &dest, err);
}

/* The form into the connection, as its driver takes it. */
static int
take_form(struct save *save, struct bh_err *err)
{
	const struct request *request = save->exchange->request;
	struct account_connection *connection = &save->connection;
	const char *name = request_field(request, "name");
	json_t *text = words_json(name != NULL ? name : "");

	if (json_string_length(text) >= sizeof(connection->name)) {
		json_decref(text);
		return bh_fail(err, BH_INVALID, "The name is too long.");
	}
	if (json_string_length(text) > 0)
		snprintf(connection->name, sizeof(connection->name), "%s", json_string_value(text));
	json_decref(text);
	connection->broken[0] = '\0'; /* saving it again is the person's "try again" */
	if (connection_form_read(save->kind->settings, request, connection, err) < 0)
		return -1;
	return check(save, err);
}

static void
note_save(struct store_txn *txn, const struct save *save)
{
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = save->code,
	    .text = text,
	    .by = save->exchange->session.user};

	snprintf(text, sizeof(text), "connection %s in the browser by %s",
	    save->is_new ? "added" : "changed", save->exchange->session.user);
	trail_add(txn, 0, &entry);
}

static bool
is_revenue_changed(const struct save *save)
{
	const json_t *a = json_object_get(save->old_settings, "revenue");
	const json_t *b = json_object_get(save->connection.settings, "revenue");

	return (a != NULL || b != NULL) && (a == NULL || b == NULL || !json_equal(a, b));
}

static int
follow_source(struct store_txn *txn, const struct save *save, struct bh_err *err BH_UNUSED)
{
	struct mirror_id all = {save->code, "", OBJECT_CUSTOMER, ""};

	if (!save->is_new && is_revenue_changed(save))
		derived_defer(txn, &all, NULL);
	if (source_check_can(save->kind->source, ERRAND_PROBE, NULL) == 0 &&
	    json_object_get(save->connection.secrets, "api_key") != NULL)
		errand_ask(txn, save->code, ERRAND_PROBE, NULL, bh_now_ms());
	queue_wake(txn, "tend", "", bh_now_ms());
	return 0;
}

/* Tokens belong to the account that the settings name. */
static int
follow_crm(struct store_txn *txn, const struct save *save, struct bh_err *err)
{
	const struct account_connection *connection = &save->connection;
	int64_t now = bh_now_ms();
	bool is_let_in;

	if (is_setting_account_other(save->kind->settings, save->old_settings, save->old_secrets,
		connection->settings, connection->secrets)) {
		if (account_auth_renew(txn, &save->exchange->site->key, save->code, err) < 0)
			return -1;
		is_let_in = false;
	} else if (crm_has_tokens(txn, &save->exchange->site->key, save->code, &is_let_in, err) <
		   0) {
		return -1;
	}
	if (!is_let_in && crm_is_by_login(save->kind->dest, connection))
		return 0; /* nothing can be done before a person has logged in */
	errand_ask(txn, save->code, ERRAND_PROBE, NULL, now);
	queue_wake(txn, "push", save->code, now);
	return 0;
}

static void
forget_try(struct save *save)
{
	json_decref(save->old_settings);
	json_decref(save->old_secrets);
	save->old_settings = save->old_secrets = NULL;
	account_connection_release(&save->connection);
}

/*
 * Loaded, changed and saved in one transaction: what an errand learns
 * meanwhile, such as the secret of a webhook that it made, must not be lost.
 */
static int
save_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct save *save = arg;
	const struct account_key *key = &save->exchange->site->key;
	struct account_connection *connection = &save->connection;
	int rc = account_connection_load(txn, key, save->code, connection, err);

	if (rc > 0 && save->is_new)
		rc = bh_fail(err, BH_INVALID, "There is a connection of the code %s already.",
		    save->code);
	else if (rc == 0 && !save->is_new)
		rc = bh_fail(err, BH_INVALID, "This connection was removed meanwhile.");
	if (rc == 0) {
		connection->is_source = save->kind->is_source;
		snprintf(connection->code, sizeof(connection->code), "%s", save->code);
		snprintf(connection->driver, sizeof(connection->driver), "%s", save->kind->name);
	}
	save->old_settings = json_incref(connection->settings);
	save->old_secrets = json_incref(connection->secrets);
	if (rc >= 0)
		rc = take_form(save, err);
	if (rc >= 0)
		rc = account_connection_save(txn, key, connection, err);
	if (rc >= 0)
		rc = save->kind->is_source ? follow_source(txn, save, err)
					   : follow_crm(txn, save, err);
	if (rc >= 0)
		note_save(txn, save);
	forget_try(save);
	return rc < 0 ? -1 : 0;
}

/* 0 saved; 1 the person has to look at it again, why tells; -1. */
static int
save_form(struct save *save, struct bh_err *why, struct bh_err *err)
{
	if (!save->exchange->site->has_key)
		return bh_fail(err, BH_UNAVAILABLE, "the key file cannot be read");
	if (store_run(save->exchange->site->store, save_in, save, NULL, why) == 0)
		return 0;
	if (why->code == BH_INVALID)
		return 1;
	if (err != NULL)
		*err = *why;
	return -1;
}

int
page_connection_create(struct exchange *exchange, struct bh_err *err)
{
	const char *code = request_field(exchange->request, "code");
	struct connection_kind kind;
	struct save save = {.exchange = exchange, .kind = &kind, .code = code, .is_new = true};
	struct bh_err why = BH_ERR_INIT;
	int rc = 1;

	if (!find_kind(exchange, &kind))
		return 0;
	if (code == NULL || !bh_is_code(code) || strcmp(code, "new") == 0)
		bh_fail(&why, BH_INVALID,
		    "The code must be of lower-case letters, digits, - and _, and not \"new\".");
	else
		rc = save_form(&save, &why, err);
	if (rc > 0)
		return show_new(exchange, &kind, why.text, err);
	if (rc == 0)
		connection_go(exchange, code, "?saved=1");
	return rc;
}

/* Its page again, as it is stored, with what was typed and the sentence. */
static int
show_again(struct exchange *exchange, const char *why, struct bh_err *err)
{
	struct account_connection stored = {0};
	struct connection_kind kind;
	int rc = connection_load(exchange, &stored, &kind, err);

	if (rc > 0) {
		rc = connection_show(exchange, &stored, &kind, why, err);
		account_connection_release(&stored);
	}
	return rc;
}

int
page_connection_save(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct connection_kind kind;
	struct save save = {.exchange = exchange, .kind = &kind, .code = connection.code};
	struct bh_err why = BH_ERR_INIT;
	int rc = connection_load(exchange, &connection, &kind, err);

	if (rc <= 0)
		return rc;
	rc = save_form(&save, &why, err);
	if (rc > 0)
		rc = show_again(exchange, why.text, err);
	else if (rc == 0)
		connection_go(exchange, connection.code, "?saved=1");
	account_connection_release(&connection);
	return rc;
}
