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
#include "web/source_form.h"
#include "web/words.h"

/* -- the list -- */

static json_t *
crm_view(const struct account_connection *connection)
{
	const struct dest_driver *driver = dest_driver(connection->driver);

	return json_pack("{s:o, s:s, s:s}", "name", words_json(connection->name), "code",
	    connection->code, "driver", driver != NULL ? driver->title : connection->driver);
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
	json_t *model =
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "driver", driver->title, "error",
		error != NULL ? error : "", "name", words_json(name != NULL ? name : driver->title),
		"code", code != NULL ? words_json(code) : free_code(exchange, driver), "action",
		json_sprintf("%s/connections/new/%s", exchange->request->base, driver->name),
		"settings", source_form_view(driver, &none, posted));

	return exchange_page(exchange, error != NULL ? 400 : 200, "source_new", driver->title,
	    model, err);
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
	struct account_connection *connection; /* as it is to be */
	bool is_new;
};

static bool
is_revenue_changed(const struct account_connection *old, const struct account_connection *fresh)
{
	const json_t *a = json_object_get(old->settings, "revenue");
	const json_t *b = json_object_get(fresh->settings, "revenue");

	return (a != NULL || b != NULL) && (a == NULL || b == NULL || !json_equal(a, b));
}

static int
save_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct save *save = arg;
	struct account_connection *fresh = save->connection, old = {0};
	struct mirror_id all = {fresh->code, "", OBJECT_CUSTOMER, ""};
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = fresh->code,
	    .text = save->is_new ? "connection added in the browser"
				 : "connection changed in the browser"};
	int rc = account_connection_load(txn, NULL, fresh->code, &old, err);

	if (rc > 0 && save->is_new)
		rc = bh_fail(err, BH_INVALID, "There is a connection of the code %s already.",
		    fresh->code);
	if (rc >= 0)
		rc = account_connection_save(txn, &save->exchange->site->key, fresh, err);
	if (rc >= 0 && !save->is_new && is_revenue_changed(&old, fresh))
		derived_defer(txn, &all, NULL);
	if (rc >= 0) {
		trail_add(txn, 0, &entry);
		queue_wake(txn, "tend", "", bh_now_ms());
		if (source_check_can(save->driver, ERRAND_PROBE, NULL) == 0 &&
		    json_object_get(fresh->secrets, "api_key") != NULL)
			errand_ask(txn, fresh->code, ERRAND_PROBE, NULL, bh_now_ms());
	}
	account_connection_release(&old);
	return rc < 0 ? -1 : 0;
}

/* 0 saved; 1 the person has to look at it again, why tells; -1. */
static int
save(struct save *save, struct bh_err *why, struct bh_err *err)
{
	struct exchange *exchange = save->exchange;
	struct account_connection *connection = save->connection;
	const char *name = request_field(exchange->request, "name");
	struct source_config config = {.code = connection->code};

	if (!exchange->site->has_key)
		return bh_fail(err, BH_UNAVAILABLE, "the key file cannot be read");
	if (name != NULL && *name != '\0')
		snprintf(connection->name, sizeof(connection->name), "%.100s", name);
	connection->broken[0] = '\0'; /* saving it again is the person's "try again" */
	if (source_form_read(save->driver, exchange->request, connection, why) < 0)
		return 1;
	config.settings = connection->settings;
	config.secrets = connection->secrets;
	if (source_check(save->driver, &config, why) < 0)
		return 1;
	if (store_run(exchange->site->store, save_in, save, NULL, why) == 0)
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
	struct account_connection connection = {.is_source = true};
	struct save what = {exchange, driver, &connection, true};
	const char *code = request_field(exchange->request, "code");
	struct bh_err why = BH_ERR_INIT;
	int rc = 1;

	if (driver == NULL)
		return 0;
	snprintf(connection.driver, sizeof(connection.driver), "%s", driver->name);
	if (code == NULL || !bh_is_code(code) || strcmp(code, "new") == 0) {
		bh_fail(&why, BH_INVALID,
		    "The code must be of lower-case letters, digits, - and _.");
	} else {
		snprintf(connection.code, sizeof(connection.code), "%s", code);
		rc = save(&what, &why, err);
	}
	if (rc > 0)
		rc = show_new(exchange, driver, why.text, err);
	else if (rc == 0)
		source_go(exchange, connection.code, "?saved=1");
	account_connection_release(&connection);
	return rc;
}

int
page_source_save(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct save what = {exchange, NULL, &connection, false};
	struct bh_err why = BH_ERR_INIT;
	int rc = source_load(exchange, &connection, &what.driver, err);

	if (rc <= 0)
		return rc;
	rc = save(&what, &why, err);
	if (rc > 0)
		rc = source_show(exchange, &connection, what.driver, why.text, err);
	else if (rc == 0)
		source_go(exchange, connection.code, "?saved=1");
	account_connection_release(&connection);
	return rc;
}
