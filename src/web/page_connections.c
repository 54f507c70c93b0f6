/* Connections: the list, a new source, and saving one. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "dest/dest.h"
#include "state/derived.h"
#include "state/queue.h"
#include "state/trail.h"
#include "state/walk.h"
#include "web/page_source.h"
#include "web/source_facts.h"
#include "web/source_form.h"
#include "web/words.h"

/* -- the list -- */

static json_t *
crm_view(const struct account_connection *connection)
{
	const struct dest_driver *driver = dest_driver(connection->driver);

	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o}", "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code), "code",
	    connection->code, "driver", driver != NULL ? driver->title : connection->driver,
	    "state",
	    connection->broken[0] != '\0' ? "bad"
	    : connection->paused          ? "idle"
					  : "good",
	    "word",
	    connection->broken[0] != '\0' ? "needs you"
	    : connection->paused          ? "paused"
					  : "connected",
	    "broken", words_json(connection->broken));
}

static int
add_connections(struct exchange *exchange, json_t *sources, json_t *crms, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};
		json_t *view = NULL;

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0 && connection.is_source)
			rc = source_card(exchange, &connection, &view, err);
		else if (rc > 0)
			view = crm_view(&connection);
		if (view != NULL)
			json_array_append_new(connection.is_source ? sources : crms, view);
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static json_t *
drivers_view(const struct exchange *exchange)
{
	const struct source_driver *const *drivers = source_drivers();
	json_t *list = json_array();

	for (size_t i = 0; drivers[i] != NULL; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:o}", "title", drivers[i]->title, "url",
			json_sprintf("%s/connections/new/%s", exchange->request->base,
			    drivers[i]->name)));
	return list;
}

int
page_connections(struct exchange *exchange, struct bh_err *err)
{
	json_t *sources = json_array(), *crms = json_array(), *model;

	if (add_connections(exchange, sources, crms, err) < 0) {
		json_decref(sources);
		json_decref(crms);
		return -1;
	}
	model = json_pack("{s:b, s:b, s:o}", "has_sources", json_array_size(sources) > 0,
	    "has_crms", json_array_size(crms) > 0, "drivers", drivers_view(exchange));
	json_object_set_new(model, "sources", sources);
	json_object_set_new(model, "crms", crms);
	json_object_set_new(model, "can_add",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
	return exchange_page(exchange, 200, "connections", "Connections", model, err);
}

/* -- a new one -- */

/* A code that is free: the driver's name, or with a number. */
static json_t *
free_code(struct exchange *exchange, const struct source_driver *driver)
{
	char code[72];

	for (int i = 1; i < 100; i++) {
		struct account_connection known = {0};
		int rc;

		if (i == 1)
			snprintf(code, sizeof(code), "%s", driver->name);
		else
			snprintf(code, sizeof(code), "%s-%d", driver->name, i);
		rc = account_connection_load(exchange_read(exchange), NULL, code, &known, NULL);
		account_connection_release(&known);
		if (rc == 0)
			break;
	}
	return json_string(code);
}

static int
show_new(struct exchange *exchange, const struct source_driver *driver, const char *error,
    struct bh_err *err)
{
	const struct request *posted = error != NULL ? exchange->request : NULL;
	struct account_connection none = {0};
	const char *name = posted != NULL ? request_field(posted, "name") : NULL;
	const char *code = posted != NULL ? request_field(posted, "code") : NULL;
	const char *base = exchange->request->base;
	char *title = bh_xasprintf("Connect %s", driver->title);
	json_t *model = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "driver", driver->title,
	    "error", error != NULL ? source_form_error(driver, error) : json_string(""), "name",
	    words_json(name != NULL ? name : driver->title), "code",
	    code != NULL ? words_json(code) : free_code(exchange, driver), "action",
	    json_sprintf("%s/connections/new/%s", base, driver->name), "list_url",
	    json_sprintf("%s/connections", base), "settings",
	    source_form_view(driver, &none, posted, error));
	int rc;

	json_object_set_new(model, "has_more", json_boolean(source_form_has_more(driver)));
	json_object_set_new(model, "steps",
	    source_steps(exchange, driver, bh_json_str(model, "code")));
	json_object_set_new(model, "has_steps", json_boolean(driver->steps != NULL));
	json_object_set_new(model, "can_save",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
	json_object_set_new(model, "is_retyped",
	    json_boolean(posted != NULL && source_form_has_secret(driver, posted)));
	rc = exchange_page(exchange, error != NULL ? 400 : 200, "source_new", title, model, err);
	free(title);
	return rc;
}

static const struct source_driver *
driver_of(struct exchange *exchange)
{
	const struct source_driver *driver = source_driver(exchange->match.args[0]);

	if (driver == NULL)
		exchange_error(exchange, 404, "There is no such billing system here.");
	return driver;
}

int
page_source_new(struct exchange *exchange, struct bh_err *err)
{
	const struct source_driver *driver = driver_of(exchange);

	return driver != NULL ? show_new(exchange, driver, NULL, err) : 0;
}

/* -- saving -- */

struct save {
	struct exchange *exchange;
	const struct source_driver *driver;
	const char *code;
	bool is_new;
};

static bool
is_revenue_changed(const json_t *old_settings, const struct account_connection *fresh)
{
	const json_t *a = json_object_get(old_settings, "revenue");
	const json_t *b = json_object_get(fresh->settings, "revenue");

	return (a != NULL || b != NULL) && (a == NULL || b == NULL || !json_equal(a, b));
}

/* The form into the connection, as its driver takes it. */
static int
take_form(const struct save *save, struct account_connection *connection, struct bh_err *err)
{
	const struct request *request = save->exchange->request;
	const char *name = request_field(request, "name");
	struct source_config config = {.code = save->code};
	json_t *text = words_json(name != NULL ? name : "");

	if (json_string_length(text) >= sizeof(connection->name)) {
		json_decref(text);
		return bh_fail(err, BH_INVALID, "The name is too long.");
	}
	if (json_string_length(text) > 0)
		snprintf(connection->name, sizeof(connection->name), "%s", json_string_value(text));
	json_decref(text);
	connection->broken[0] = '\0'; /* saving it again is the person's "try again" */
	if (source_form_read(save->driver, request, connection, err) < 0)
		return -1;
	config.settings = connection->settings;
	config.secrets = connection->secrets;
	return source_check(save->driver, &config, err);
}

static void
note_save(struct store_txn *txn, const struct save *save)
{
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = save->code,
	    .text = save->is_new ? "connection added in the browser"
				 : "connection changed in the browser"};

	trail_add(txn, 0, &entry);
	queue_wake(txn, "tend", "", entry.at_ms);
}

/*
 * Loaded, changed and saved in one transaction: what an errand learns
 * meanwhile, such as the secret of a webhook that it made, must not be lost.
 */
static int
save_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct save *save = arg;
	const struct account_key *key = &save->exchange->site->key;
	struct account_connection connection = {0};
	struct mirror_id all = {save->code, "", OBJECT_CUSTOMER, ""};
	json_t *old_settings = NULL;
	int rc = account_connection_load(txn, key, save->code, &connection, err);

	if (rc > 0 && save->is_new)
		rc = bh_fail(err, BH_INVALID, "There is a connection of the code %s already.",
		    save->code);
	else if (rc == 0 && !save->is_new)
		rc = bh_fail(err, BH_INVALID, "This connection was removed meanwhile.");
	if (rc == 0) {
		connection.is_source = true;
		snprintf(connection.code, sizeof(connection.code), "%s", save->code);
		snprintf(connection.driver, sizeof(connection.driver), "%s", save->driver->name);
	}
	old_settings = json_incref(connection.settings);
	if (rc >= 0)
		rc = take_form(save, &connection, err);
	if (rc >= 0)
		rc = account_connection_save(txn, key, &connection, err);
	if (rc >= 0) {
		if (!save->is_new && is_revenue_changed(old_settings, &connection))
			derived_defer(txn, &all, NULL);
		if (source_check_can(save->driver, ERRAND_PROBE, NULL) == 0 &&
		    json_object_get(connection.secrets, "api_key") != NULL)
			errand_ask(txn, save->code, ERRAND_PROBE, NULL, bh_now_ms());
		note_save(txn, save);
	}
	json_decref(old_settings);
	account_connection_release(&connection);
	return rc < 0 ? -1 : 0;
}

/* 0 saved; 1 the person has to look at it again, why tells; -1. */
static int
save(struct save *save, struct bh_err *why, struct bh_err *err)
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
page_source_create(struct exchange *exchange, struct bh_err *err)
{
	const struct source_driver *driver = driver_of(exchange);
	const char *code = request_field(exchange->request, "code");
	struct save what = {exchange, driver, code, true};
	struct bh_err why = BH_ERR_INIT;
	int rc = 1;

	if (driver == NULL)
		return 0;
	if (code == NULL || !bh_is_code(code) || strcmp(code, "new") == 0)
		bh_fail(&why, BH_INVALID,
		    "The code must be of lower-case letters, digits, - and _, and not \"new\".");
	else
		rc = save(&what, &why, err);
	if (rc > 0)
		return show_new(exchange, driver, why.text, err);
	if (rc == 0)
		source_go(exchange, code, "?saved=1");
	return rc;
}

/* Its page again, as it is stored, with what was typed and the sentence. */
static int
show_again(struct exchange *exchange, const char *why, struct bh_err *err)
{
	struct account_connection stored = {0};
	const struct source_driver *driver;
	int rc = source_load(exchange, &stored, &driver, err);

	if (rc > 0) {
		rc = source_show(exchange, &stored, driver, why, err);
		account_connection_release(&stored);
	}
	return rc;
}

int
page_source_save(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct save what = {exchange, NULL, connection.code, false};
	struct bh_err why = BH_ERR_INIT;
	int rc = source_load(exchange, &connection, &what.driver, err);

	if (rc <= 0)
		return rc;
	rc = save(&what, &why, err);
	if (rc > 0)
		rc = show_again(exchange, why.text, err);
	else if (rc == 0)
		source_go(exchange, connection.code, "?saved=1");
	account_connection_release(&connection);
	return rc;
}
