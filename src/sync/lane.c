/* A lane made ready: see lane.h. */
#include "base/base.h"

#include "sync/lane.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/target.h"
#include "state/trail.h"

#define DESCRIPTION_AGE_MS (24 * 3600 * (int64_t)1000)
#define DAY_MS (24 * 3600 * (int64_t)1000)
#define EXPIRY_MARGIN_MS (5 * 60 * (int64_t)1000)

/* Whose account it is. */
static json_t *
account_json(const struct dest_auth *auth)
{
	json_t *doc = json_pack("{s:s, s:s, s:s, s:b}", "account_id", auth->account_id,
	    "account_name", auth->account_name, "account_kind", auth->account_kind, "is_sandbox",
	    auth->is_sandbox);

	if (auth->has_clock)
		json_object_set_new(doc, "clock", json_integer(auth->clock_s));
	return doc;
}

static json_t *
auth_json(const struct dest_auth *auth)
{
	json_t *doc = account_json(auth);

	json_object_set_new(doc, "access_token", json_string(bh_secret_str(&auth->access_token)));
	json_object_set_new(doc, "refresh_token", json_string(bh_secret_str(&auth->refresh_token)));
	json_object_set_new(doc, "base_url", json_string(auth->base_url));
	json_object_set_new(doc, "expires", json_integer((json_int_t)auth->expires_ms));
	return doc;
}

static void
read_secret(struct bh_secret *secret, const json_t *doc, const char *name)
{
	const char *text = bh_json_str(doc, name);

	if (text != NULL)
		bh_secret_set(secret, text, strlen(text));
}

static int
load_auth(struct lane *lane, struct store_txn *txn, struct bh_err *err)
{
	struct dest_auth *auth = &lane->auth;
	int64_t clock_s;
	json_t *doc;
	int rc =
	    account_auth_load(txn, lane->context->key, lane->connection->account.code, &doc, err);

	if (rc < 0 && err != NULL && err->code == BH_DENIED)
		err->code = BH_STORAGE; /* sealed with another key: not the CRM's word */
	if (rc <= 0)
		return rc;
	read_secret(&auth->access_token, doc, "access_token");
	read_secret(&auth->refresh_token, doc, "refresh_token");
	bh_json_copy(auth->base_url, sizeof(auth->base_url), doc, "base_url");
	bh_json_copy(auth->account_id, sizeof(auth->account_id), doc, "account_id");
	bh_json_copy(auth->account_name, sizeof(auth->account_name), doc, "account_name");
	bh_json_copy(auth->account_kind, sizeof(auth->account_kind), doc, "account_kind");
	auth->is_sandbox = bh_is_json_true(doc, "is_sandbox");
	auth->has_clock = bh_is_json_int(doc, "clock", &clock_s);
	auth->clock_s = auth->has_clock ? (int)clock_s : 0;
	auth->expires_ms = bh_json_int(doc, "expires", 0);
	json_decref(doc);
	return 1;
}

static bool
is_token_good(const struct dest_auth *auth)
{
	return auth->access_token.len != 0 &&
	       (auth->expires_ms == 0 || auth->expires_ms > bh_now_ms() + EXPIRY_MARGIN_MS);
}

/*
 * Whose account is it?  Asked once, where other calls need it.  A refusal is no reason to
 * stop: what is called next is refused as well, and whoever calls knows what to do about it.
 */
static int
learn_account(struct lane *lane, struct bh_err *err)
{
	const struct dest_driver *driver = lane->driver;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (driver->account == NULL || lane->auth.account_id[0] != '\0')
		return 0;
	rc = driver->account(&lane->config, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = driver->account(&lane->config, &why);
	if (rc == 0)
		return lane_keep_account(lane, err);
	if (why.code == BH_INVALID)
		bh_log_err(BH_WARN, &why, "whose account %s is", lane->connection->account.code);
	if (why.code == BH_DENIED || why.code == BH_INVALID)
		return 0;
	if (err != NULL)
		*err = why;
	return -1;
}

static int
open_lane(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, bool without_token, struct lane *lane,
    struct bh_err *err)
{
	const char *code = connection->account.code;
	struct store_txn *txn = store_begin(context->store);
	int rc;

	memset(lane, 0, sizeof(*lane));
	lane->context = context;
	lane->setup = setup;
	lane->connection = connection;
	lane->driver = connection->dest;
	lane->run_dir = bh_xasprintf("%s/run", context->conf->data_dir);
	if (strcmp(context->conf->log_level, "debug") == 0)
		lane->trace = dest_trace_new(context->transport, code);
	lane->config = (struct dest_config){.code = code,
	    .settings = connection->account.settings,
	    .secrets = connection->account.secrets,
	    .transport = lane->trace != NULL ? lane->trace : context->transport,
	    .auth = &lane->auth,
	    .run_dir = lane->run_dir,
	    .broken = connection->why};
	rc = link_lane_get(txn, code, &lane->condition, err);
	if (rc == 0)
		rc = load_auth(lane, txn, err) < 0 ? -1 : 0;
	store_free(&txn);
	lane->config.slice = (size_t)lane->condition.slice;
	if (rc == 0 && !without_token && lane->driver->authorize != NULL &&
	    !is_token_good(&lane->auth))
		rc = lane_authorize(lane, err);
	if (rc == 0 && !without_token)
		rc = learn_account(lane, err);
	if (rc < 0)
		lane_close(lane);
	return rc;
}

int
lane_open(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, struct lane *lane, struct bh_err *err)
{
	return open_lane(context, setup, connection, false, lane, err);
}

int
lane_open_bare(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, struct lane *lane, struct bh_err *err)
{
	return open_lane(context, setup, connection, true, lane, err);
}

void
lane_close(struct lane *lane)
{
	for (size_t i = 0; i < lane->objects_n; i++) {
		free(lane->objects[i].name);
		dest_object_free(&lane->objects[i].described);
	}
	free(lane->objects);
	free(lane->run_dir);
	dest_trace_free(&lane->trace);
	dest_auth_release(&lane->auth);
	memset(lane, 0, sizeof(*lane));
}

/* Of a connection that a person left meanwhile no token is asked for, and none is kept. */
static int
check_connected(struct store_txn *txn, const struct lane *lane, struct bh_err *err)
{
	const char *code = lane->connection->account.code;
	struct account_connection connection;
	int rc = account_connection_load(txn, NULL, code, &connection, err);

	if (rc > 0)
		account_connection_release(&connection);
	return rc != 0 ? rc : bh_fail(err, BH_DENIED, "connection %s was removed meanwhile", code);
}

static int
save_auth(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct lane *lane = arg;
	json_t *doc;

	if (check_connected(txn, lane, err) < 0)
		return -1;
	doc = auth_json(&lane->auth);
	account_auth_save(txn, lane->context->key, lane->connection->account.code, doc);
	json_decref(doc);
	return 0;
}

int
lane_keep_auth(struct lane *lane, struct bh_err *err)
{
	return store_run(lane->context->store, save_auth, lane, NULL, err) < 0 ? -1 : 0;
}

/* No tokens any more: the settings that they belong to have changed. */
static int
save_account(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct lane *lane = arg;
	const char *code = lane->connection->account.code;
	json_t *doc, *known;
	int rc = account_auth_load(txn, lane->context->key, code, &doc, err);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	known = account_json(&lane->auth);
	json_object_update(doc, known);
	account_auth_save(txn, lane->context->key, code, doc);
	json_decref(known);
	json_decref(doc);
	return 0;
}

int
lane_keep_account(struct lane *lane, struct bh_err *err)
{
	return store_run(lane->context->store, save_account, lane, NULL, err) < 0 ? -1 : 0;
}

/*
 * A refresh token that rotates dies with its first use, so only one process at
 * a time may use it: a lock in the data directory, which dies with its holder.
 */
static int
lock_auth(const struct lane *lane, int *fd_r, struct bh_err *err)
{
	char *path = bh_xasprintf("%s/run/auth-%s.lock", lane->context->conf->data_dir,
	    lane->connection->account.code);

	*fd_r = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd_r < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot open %s", path);
	free(path);
	if (*fd_r < 0)
		return -1;
	while (flock(*fd_r, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(*fd_r);
		return bh_fail_errno(err, BH_STORAGE, "cannot lock the tokens");
	}
	return 0;
}

/* Has another process stored a newer token than the one that we hold?  1 it is taken, 0, -1. */
static int
take_newer(struct lane *lane, struct bh_err *err)
{
	struct bh_secret held = BH_SECRET_INIT;
	struct store_txn *txn = store_begin(lane->context->store);
	int rc;

	bh_secret_set(&held, bh_secret_str(&lane->auth.access_token), lane->auth.access_token.len);
	rc = check_connected(txn, lane, err);
	if (rc > 0)
		rc = load_auth(lane, txn, err);
	store_free(&txn);
	if (rc > 0)
		rc = lane->auth.access_token.len != 0 && is_token_good(&lane->auth) &&
		     strcmp(bh_secret_str(&held), bh_secret_str(&lane->auth.access_token)) != 0;
	bh_secret_release(&held);
	return rc;
}

static int
refresh(struct lane *lane, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;

	if (lane->driver->authorize(&lane->config, &why) < 0) {
		if (why.code == BH_DENIED)
			lane_break(lane, &why, NULL);
		if (err != NULL)
			*err = why;
		return bh_during(err, "connecting to %s", lane->driver->title);
	}
	bh_fault("auth-answered");
	return lane_keep_auth(lane, err);
}

int
lane_authorize(struct lane *lane, struct bh_err *err)
{
	int fd, rc;

	if (lock_auth(lane, &fd, err) < 0)
		return -1;
	rc = take_newer(lane, err);
	if (rc == 0)
		rc = refresh(lane, err);
	close(fd);
	return rc < 0 ? -1 : 0;
}

/* -- descriptions -- */

static const struct dest_object *
keep_object(struct lane *lane, const char *name, struct dest_object *described)
{
	lane->objects =
	    bh_xrealloc(lane->objects, (lane->objects_n + 1) * sizeof(lane->objects[0]));
	lane->objects[lane->objects_n++] = (struct lane_object){bh_xstrdup(name), described};
	return described;
}

struct describe {
	const char *dest;
	const char *name; /* ours: the CRM may spell it otherwise */
	const struct dest_object *object;
};

static int
save_description(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct describe *d = arg;
	json_t *doc = dest_object_json(d->object);

	target_put(txn, d->dest, d->name, doc, bh_now_ms());
	json_decref(doc);
	return 0;
}

/* That there is none is kept too: it is asked for with each field of each record. */
static int
fetch_description(struct lane *lane, const char *name, const struct dest_object **object_r,
    struct bh_err *err)
{
	struct describe d = {.dest = lane->connection->account.code, .name = name};
	struct bh_err why = BH_ERR_INIT;
	struct dest_object *object = NULL;
	int rc = lane->driver->describe(&lane->config, name, &object, &why);

	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->describe(&lane->config, name, &object, &why);
	*object_r = d.object = keep_object(lane, name, object);
	if (rc < 0) {
		bh_log_err(BH_WARN, &why, "lane %s: no description of %s", d.dest, name);
		return 0;
	}
	return store_run(lane->context->store, save_description, &d, NULL, err);
}

static const struct lane_object *
held_object(const struct lane *lane, const char *name)
{
	for (size_t i = 0; i < lane->objects_n; i++)
		if (strcmp(lane->objects[i].name, name) == 0)
			return &lane->objects[i];
	return NULL;
}

/* 1 a stored description that is young enough (new), 0 none, -1. */
static int
stored_description(struct lane *lane, const char *name, struct dest_object **object_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(lane->context->store);
	int64_t fetched_ms = 0;
	json_t *doc;
	int rc = target_get(txn, lane->connection->account.code, name, &doc, &fetched_ms, err);

	*object_r = NULL;
	store_free(&txn);
	if (rc > 0 && fetched_ms > bh_now_ms() - DESCRIPTION_AGE_MS)
		*object_r = dest_object_from_json(doc);
	json_decref(doc);
	return rc < 0 ? -1 : *object_r != NULL;
}

static bool
is_listed(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
			return true;
	return false;
}

/* What the lane's mappings write to and nothing (young) is known of, behind the names that are there. */
static int
list_unknown(struct lane *lane, json_t *names, struct bh_err *err)
{
	const struct setup *setup = lane->setup;

	for (size_t i = 0; i < setup->syncs_n; i++) {
		const struct setup_sync *sync = &setup->syncs[i];
		const struct map_object *objects;
		size_t n = map_objects(sync->map, &objects);

		for (size_t k = 0; k < n && sync->to == lane->connection; k++) {
			struct bh_buf to = BH_BUF_INIT(1024);
			struct dest_object *object = NULL;
			int rc = map_object_to(sync->map, k, sync->account.settings, &to, NULL);

			if (rc == 0 && held_object(lane, bh_buf_str(&to)) == NULL &&
			    !is_listed(names, bh_buf_str(&to)))
				rc = stored_description(lane, bh_buf_str(&to), &object, err);
			else
				rc = 1;
			if (object != NULL)
				keep_object(lane, bh_buf_str(&to), object);
			else if (rc == 0)
				json_array_append_new(names, bh_json_string(bh_buf_str(&to)));
			bh_buf_release(&to);
			if (rc < 0)
				return -1;
		}
	}
	return 0;
}

/*
 * Objects are needed together: where the CRM can tell of several at once, it is asked once.  The
 * first one is needed now.
 */
static int
fetch_all(struct lane *lane, const char *first, struct bh_err *err)
{
	json_t *list = json_pack("[o]", bh_json_string(first));
	int rc = list_unknown(lane, list, err);
	size_t n = json_array_size(list);
	const char **names = bh_xcalloc(n, sizeof(names[0]));
	struct dest_object **found = bh_xcalloc(n, sizeof(found[0]));
	bool *is_asked = bh_xcalloc(n, sizeof(is_asked[0]));

	for (size_t i = 0; i < n; i++)
		names[i] = json_string_value(json_array_get(list, i));
	/* No answer at all: the one that is needed is asked for by itself, which tells why. */
	if (rc == 0 && n > 1 &&
	    lane->driver->describe_many(&lane->config, names, n, found, is_asked, NULL) == 0) {
		for (size_t i = 0; i < n && rc == 0; i++) {
			struct describe d = {lane->connection->account.code, names[i], found[i]};

			if (!is_asked[i] || held_object(lane, names[i]) != NULL)
				continue;
			keep_object(lane, names[i], found[i]);
			if (found[i] == NULL) {
				bh_log(BH_WARN, "lane %s: no description of %s", d.dest, names[i]);
				continue;
			}
			found[i] = NULL;
			rc = store_run(lane->context->store, save_description, &d, NULL, err) < 0
				 ? -1
				 : 0;
		}
	}
	for (size_t i = 0; i < n; i++)
		dest_object_free(&found[i]);
	free(is_asked);
	free(found);
	free((void *)(uintptr_t)names);
	json_decref(list);
	return rc;
}

int
lane_describe(struct lane *lane, const char *name, const struct dest_object **object_r,
    struct bh_err *err)
{
	const struct lane_object *held = held_object(lane, name);
	struct dest_object *object;
	int rc;

	*object_r = held != NULL ? held->described : NULL;
	if (held != NULL || (lane->driver->caps & DEST_CAP_DESCRIBE) == 0)
		return 0;
	rc = stored_description(lane, name, &object, err);
	if (rc > 0)
		*object_r = keep_object(lane, name, object);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (lane->driver->describe_many != NULL && fetch_all(lane, name, err) < 0)
		return -1;
	held = held_object(lane, name);
	if (held == NULL)
		return fetch_description(lane, name, object_r, err);
	*object_r = held->described;
	return 0;
}

int
lane_describe_anew(struct lane *lane, const char *name, const struct dest_object **object_r,
    struct bh_err *err)
{
	const struct lane_object *held = held_object(lane, name);

	*object_r = held != NULL ? held->described : NULL;
	if (held != NULL || (lane->driver->caps & DEST_CAP_DESCRIBE) == 0)
		return 0;
	return fetch_description(lane, name, object_r, err);
}

static int
drop_description(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const char *const *names = arg;

	target_drop(txn, names[0], names[1]);
	return 0;
}

void
lane_forget(struct lane *lane, const char *object)
{
	const char *names[] = {lane->connection->account.code, object};

	store_run(lane->context->store, drop_description, names, NULL, NULL);
}

/* -- marks -- */

int
lane_dirty(const struct lane *lane, struct store_txn *txn, size_t max, struct link_dirty_list *list,
    struct bh_err *err)
{
	if (link_dirty(txn, lane->connection->account.code, max, list, err) < 0)
		return -1;
	if (list->n != 0 && is_setup_resting(lane->setup, list->items[list->n - 1].id.sync))
		link_dirty_skip_sync(list);
	return 0;
}

/* -- condition -- */

static int
save_condition(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct lane *lane = arg;

	link_lane_note(txn, lane->connection->account.code, &lane->condition);
	return 0;
}

/* The older reading, from which the forecast is made, is at most a day old and not above the newest. */
static void
note_usage(struct link_lane *condition, const struct dest_usage *usage)
{
	int64_t now = bh_now_ms();

	if (condition->first_at_ms == 0 || condition->first_at_ms > now ||
	    now - condition->first_at_ms > DAY_MS || usage->day_used < condition->first_used) {
		condition->first_at_ms = now;
		condition->first_used = usage->day_used;
	}
	condition->day_used = usage->day_used;
	condition->day_limit = usage->day_limit;
	condition->day_at_ms = now;
}

int
lane_note(struct lane *lane, struct bh_err *err)
{
	const struct dest_usage *usage = &lane->config.usage;

	lane->condition.calls += lane->config.calls;
	lane->config.calls = 0;
	lane->condition.slice = (int64_t)lane->config.slice;
	if (usage->day_limit != 0)
		note_usage(&lane->condition, usage);
	return store_run(lane->context->store, save_condition, lane, NULL, err) < 0 ? -1 : 0;
}

static int
add_calls(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct lane *lane = arg;
	const char *code = lane->connection->account.code;
	struct link_lane condition;

	if (link_lane_get(txn, code, &condition, err) < 0)
		return -1;
	condition.calls += lane->config.calls;
	if (lane->config.usage.day_limit != 0)
		note_usage(&condition, &lane->config.usage);
	link_lane_note(txn, code, &condition);
	return 0;
}

void
lane_note_calls(struct lane *lane)
{
	struct bh_err why = BH_ERR_INIT;

	if (lane->config.calls != 0 &&
	    store_run(lane->context->store, add_calls, lane, NULL, &why) < 0)
		bh_log_err(BH_WARN, &why, "lane %s", lane->connection->account.code);
}

struct breaking {
	struct lane *lane;
	const char *reason;
};

static int
save_broken(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct breaking *b = arg;
	const char *code = b->lane->connection->account.code;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "auth",
	    .subject = code,
	    .text = b->reason};
	struct account_connection connection;
	int rc = account_connection_load(txn, b->lane->context->key, code, &connection, err);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	snprintf(connection.broken, sizeof(connection.broken), "%s", b->reason);
	rc = account_connection_save(txn, b->lane->context->key, &connection, err);
	trail_add(txn, 0, &entry);
	account_connection_release(&connection);
	return rc;
}

int
lane_break(struct lane *lane, const struct bh_err *why, struct bh_err *err)
{
	struct breaking b = {lane, why->text};

	bh_log_err(BH_ERROR, why, "lane %s stops until a person reconnects it",
	    lane->connection->account.code);
	return store_run(lane->context->store, save_broken, &b, NULL, err) < 0 ? -1 : 0;
}
