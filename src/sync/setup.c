/* The snapshot of what is set up: see setup.h. */
#include "base/base.h"

#include "sync/setup.h"

#include "base/log.h"
#include "map/shape.h"
#include "state/automation.h"
#include "sync/reach.h"

struct load {
	const struct account_key *key;
	struct setup *setup;
};

static void
empty(struct setup *setup)
{
	for (size_t i = 0; i < setup->syncs_n; i++) {
		map_free(&setup->syncs[i].map);
		json_decref(setup->syncs[i].reached);
		account_sync_release(&setup->syncs[i].account);
	}
	for (size_t i = 0; i < setup->rules_n; i++)
		rule_free(&setup->rules[i].rule);
	free(setup->rules);
	for (size_t i = 0; i < setup->connections_n; i++)
		account_connection_release(&setup->connections[i].account);
	json_decref(setup->unusable);
	free(setup->syncs);
	free(setup->connections);
	memset(setup, 0, sizeof(*setup));
}

static void
choose_driver(struct setup_connection *connection)
{
	const struct account_connection *account = &connection->account;
	struct bh_err why = BH_ERR_INIT;
	struct dest_config config = {.code = account->code,
	    .settings = account->settings,
	    .secrets = account->secrets};

	if (account->is_source) {
		connection->source = source_driver(account->driver);
		return;
	}
	connection->dest = dest_driver(account->driver);
	if (connection->dest == NULL)
		bh_fail(&why, BH_INVALID, "there is no destination \"%s\"", account->driver);
	else if (dest_check(connection->dest, &config, &why) == 0)
		return;
	bh_log_err(BH_WARN, &why, "connection %s cannot be used", account->code);
	snprintf(connection->why, sizeof(connection->why), "%s", why.text);
	connection->dest = &dest_standin;
}

/* Switches that cannot be read are as if they were left out. */
static void
choose_revenue(struct setup_connection *connection)
{
	struct bh_err why = BH_ERR_INIT;

	if (connection->source == NULL)
		return;
	if (revenue_switches_read(connection->account.settings, &connection->revenue, &why) < 0) {
		bh_log_err(BH_WARN, &why, "connection %s", connection->account.code);
		revenue_switches_read(NULL, &connection->revenue, NULL);
	}
}

static int
load_connections(struct store_txn *txn, struct load *load, struct bh_err *err)
{
	struct setup *setup = load->setup;
	json_t *codes, *code;
	size_t i;
	int rc = 0;

	if (account_connections(txn, &codes, err) < 0)
		return -1;
	setup->connections = bh_xcalloc(json_array_size(codes), sizeof(setup->connections[0]));
	json_array_foreach (codes, i, code) {
		struct setup_connection *connection = &setup->connections[setup->connections_n];

		rc = account_connection_load(txn, load->key, json_string_value(code),
		    &connection->account, err);
		if (rc < 0)
			break;
		if (rc == 0)
			continue;
		account_connection_merge(&connection->account);
		choose_driver(connection);
		choose_revenue(connection);
		setup->connections_n++;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static void
look_for_lines(struct setup_sync *sync, const json_t *mapping)
{
	json_t *object, *reached = json_object();
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		const char *from = bh_json_str(object, "from");

		if (from == NULL || object_kind_of(from) != OBJECT_INVOICE_LINE)
			continue;
		sync->maps_lines = true;
		reach_add(mapping, object, reached);
	}
	sync->lines_use_customer = json_object_size(reached) != 0;
	json_decref(reached);
}

/* The mapping as the sync's settings and the CRM's prefix make it. */
static int
make_map(struct setup_sync *sync, const struct account_sync *account, struct bh_err *err)
{
	json_t *shaped;

	if (setup_shape(account, sync->to, &shaped, err) < 0)
		return -1;
	sync->reached = reach_fields(shaped);
	look_for_lines(sync, shaped);
	if (map_new(shaped, &sync->map, err) < 0) {
		json_decref(shaped);
		return -1;
	}
	json_decref(shaped);
	return 0;
}

int
setup_shape(const struct account_sync *account, const struct setup_connection *to,
    json_t **shaped_r, struct bh_err *err)
{
	const char *prefix = bh_json_str(to->account.settings, "prefix");

	return map_shape(account->mapping, account->settings, to->dest->prefix,
	    prefix != NULL && *prefix != '\0' ? prefix : NULL, shaped_r, err);
}

/* Fill sync, all but its account. */
static int
fit_sync(const struct setup *setup, const struct account_sync *account, struct setup_sync *sync,
    struct bh_err *err)
{
	memset(sync, 0, sizeof(*sync));
	sync->from = setup_connection(setup, account->from);
	sync->to = setup_connection(setup, account->to);
	if (sync->from == NULL || sync->from->source == NULL || sync->to == NULL ||
	    sync->to->dest == NULL)
		return bh_fail(err, BH_INVALID, "%s or %s is not set up", account->from,
		    account->to);
	if (make_map(sync, account, err) == 0)
		return 0;
	json_decref(sync->reached);
	return -1;
}

static void
add_sync(struct setup *setup, struct account_sync *account)
{
	struct setup_sync *sync = &setup->syncs[setup->syncs_n];
	struct bh_err why = BH_ERR_INIT;

	if (fit_sync(setup, account, sync, &why) < 0) {
		bh_log_err(BH_WARN, &why, "sync %s is left out", account->code);
	} else {
		sync->account = *account;
		setup->syncs_n++;
		return;
	}
	json_object_set_new(setup->unusable, account->code, json_true());
	account_sync_release(account);
}

/* Takes fresh. */
static void
replace_sync(struct setup *setup, struct setup_sync *fresh)
{
	const char *code = fresh->account.code;
	size_t i = 0;

	while (i < setup->syncs_n && strcmp(setup->syncs[i].account.code, code) != 0)
		i++;
	if (i < setup->syncs_n) {
		map_free(&setup->syncs[i].map);
		json_decref(setup->syncs[i].reached);
		account_sync_release(&setup->syncs[i].account);
	} else {
		setup->syncs =
		    bh_xrealloc(setup->syncs, ++setup->syncs_n * sizeof(setup->syncs[0]));
	}
	json_object_del(setup->unusable, code);
	setup->syncs[i] = *fresh;
}

int
setup_try(struct setup *setup, struct store_txn *txn, const char *code, const json_t *mapping,
    struct bh_err *err)
{
	struct account_sync account;
	struct setup_sync fresh;
	int rc = account_sync_load(txn, code, &account, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", code);
	if (mapping != NULL) {
		json_decref(account.mapping);
		account.mapping = json_incref((json_t *)(uintptr_t)mapping);
	}
	account.paused = account.is_new = false;
	if (fit_sync(setup, &account, &fresh, err) < 0) {
		account_sync_release(&account);
		return -1;
	}
	fresh.account = account;
	replace_sync(setup, &fresh);
	return 0;
}

static int
load_syncs(struct store_txn *txn, struct load *load, struct bh_err *err)
{
	struct account_sync account;
	json_t *codes, *code;
	size_t i;
	int rc = 0;

	if (account_syncs(txn, &codes, err) < 0)
		return -1;
	load->setup->syncs = bh_xcalloc(json_array_size(codes), sizeof(load->setup->syncs[0]));
	json_array_foreach (codes, i, code) {
		rc = account_sync_load(txn, json_string_value(code), &account, err);
		if (rc < 0)
			break;
		if (rc > 0)
			add_sync(load->setup, &account);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static void
add_rule(struct setup *setup, const struct automation *automation)
{
	struct setup_rule *rule = &setup->rules[setup->rules_n];
	struct bh_err why = BH_ERR_INIT;

	if (!automation->is_enabled)
		return;
	if (rule_new(automation->rule, &rule->rule, &why) < 0) {
		bh_log_err(BH_WARN, &why, "automation %s is left out", automation->code);
		return;
	}
	rule->since_ms = automation->since_ms;
	setup->rules_n++;
}

static int
load_rules(struct store_txn *txn, struct setup *setup, struct bh_err *err)
{
	struct automation automation;
	json_t *codes, *code;
	size_t i;
	int rc = 0;

	if (automation_codes(txn, &codes, err) < 0)
		return -1;
	setup->rules = bh_xcalloc(json_array_size(codes), sizeof(setup->rules[0]));
	json_array_foreach (codes, i, code) {
		rc = automation_load(txn, json_string_value(code), &automation, err);
		if (rc < 0)
			break;
		if (rc > 0)
			add_rule(setup, &automation);
		automation_release(&automation);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

bool
has_setup_rules(const struct setup *setup, const char *connection, enum object_kind kind)
{
	for (size_t i = 0; i < setup->rules_n; i++)
		if (rule_on(setup->rules[i].rule) == kind &&
		    strcmp(rule_from(setup->rules[i].rule), connection) == 0)
			return true;
	return false;
}

int
setup_load(struct store *store, const struct account_key *key, struct setup **setup_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	struct load load = {key, bh_xcalloc(1, sizeof(struct setup))};
	int rc = 0;

	load.setup->unusable = json_object();
	if (account_version(txn, &load.setup->version, err) < 0 ||
	    load_connections(txn, &load, err) < 0 || load_syncs(txn, &load, err) < 0 ||
	    load_rules(txn, load.setup, err) < 0) {
		setup_free(&load.setup);
		rc = -1;
	}
	store_free(&txn);
	*setup_r = load.setup;
	return rc;
}

void
setup_free(struct setup **setup)
{
	if (*setup == NULL)
		return;
	empty(*setup);
	free(*setup);
	*setup = NULL;
}

const struct setup_connection *
setup_connection(const struct setup *setup, const char *code)
{
	for (size_t i = 0; i < setup->connections_n; i++)
		if (strcmp(setup->connections[i].account.code, code) == 0)
			return &setup->connections[i];
	return NULL;
}

const struct setup_sync *
setup_sync(const struct setup *setup, const char *code)
{
	for (size_t i = 0; i < setup->syncs_n; i++)
		if (strcmp(setup->syncs[i].account.code, code) == 0)
			return &setup->syncs[i];
	return NULL;
}

bool
is_setup_resting(const struct setup *setup, const char *code)
{
	const struct setup_sync *sync = setup_sync(setup, code);

	return (sync != NULL && (sync->account.paused || sync->account.is_new)) ||
	       json_object_get(setup->unusable, code) != NULL;
}

const struct map_object *
setup_object(const struct setup_sync *sync, const char *name, size_t *index_r)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(objects[i].name, name) == 0) {
			if (index_r != NULL)
				*index_r = i;
			return &objects[i];
		}
	}
	return NULL;
}

bool
setup_is_askable(const struct setup_connection *connection)
{
	return connection != NULL && connection->source != NULL &&
	       connection->source->fetch != NULL &&
	       bh_json_str(connection->account.secrets, "api_key") != NULL;
}

struct source_config
setup_source_config(const struct setup_connection *connection)
{
	return (struct source_config){.code = connection->account.code,
	    .settings = connection->account.settings,
	    .secrets = connection->account.secrets};
}

int
setup_refresh(const struct sync_context *context, struct store_txn *txn, struct setup **setup,
    struct bh_err *err)
{
	uint64_t version;

	if (account_version(txn, &version, err) < 0)
		return -1;
	if (*setup != NULL && (*setup)->version == version)
		return 0;
	setup_free(setup);
	return setup_load(context->store, context->key, setup, err);
}
