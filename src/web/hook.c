/* Webhooks: see hook.h.  The import of raw spool files is in import.c. */
#include "base/base.h"

#include "web/hook.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/source.h"
#include "state/journal.h"
#include "state/schema.h"
#include "state/tally.h"
#include "web/hook_internal.h"
#include "web/mask.h"
#include "web/raw.h"

#define CACHE_MS 2000 /* a connection is trusted so long without a look */
#define DOWN_MS 1000  /* after a failure the store is left alone so long */
#define RETRY_AFTER_S 30
#define HEADERS_MAX 128
#define LOG_LINES 20      /* refusals logged ... */
#define LOG_SPAN_MS 10000 /* ... in such a time */

struct hook *
hook_new(const struct site *site)
{
	struct hook *hook = bh_xcalloc(1, sizeof(*hook));

	hook->site = site;
	return hook;
}

static void
forget(struct hook_source *source)
{
	if (source->driver != NULL || source->connection.code[0] != '\0')
		account_connection_release(&source->connection);
	memset(source, 0, sizeof(*source));
}

void
hook_free(struct hook **hook)
{
	if (*hook == NULL)
		return;
	hook_flush(*hook);
	for (size_t i = 0; i < HOOK_CACHE; i++)
		forget(&(*hook)->cache[i]);
	free(*hook);
	*hook = NULL;
}

static struct store *
store_of(const struct hook *hook)
{
	const struct site *site = hook->site;

	return site->hook_store != NULL ? site->hook_store : site->store;
}

/* Refusals can be provoked by anybody: only so many are written. */
static bool
is_logged(struct hook *hook)
{
	int64_t now = bh_mono_ms();

	if (now - hook->log_since_ms > LOG_SPAN_MS) {
		if (hook->log_lines > LOG_LINES)
			bh_log(BH_WARN, "webhooks: %u more refusals were not logged",
			    hook->log_lines - LOG_LINES);
		hook->log_since_ms = now;
		hook->log_lines = 0;
	}
	return ++hook->log_lines <= LOG_LINES;
}

/* -- the connection -- */

/* Where code is or may go: its entry, else the oldest. */
static struct hook_source *
slot(struct hook *hook, const char *code)
{
	struct hook_source *oldest = &hook->cache[0];

	for (size_t i = 0; i < HOOK_CACHE; i++) {
		struct hook_source *source = &hook->cache[i];

		if (strcmp(source->connection.code, code) == 0)
			return source;
		if (source->loaded_ms < oldest->loaded_ms)
			oldest = source;
	}
	return oldest;
}

/* Read the connection anew: 1 in source; 0 there is none (or it is no source); -1. */
static int
load(struct hook *hook, struct hook_source *source, const char *code, struct bh_err *err)
{
	const struct site *site = hook->site;
	struct account_connection connection = {0};
	struct store_txn *txn = store_begin(store_of(hook));
	/* A newer Billhook's store is left alone: whoever sends tries again. */
	int rc = schema_look(txn, err);

	if (rc >= 0)
		rc = account_connection_load(txn, site->has_key ? &site->key : NULL, code,
		    &connection, err);
	store_free(&txn);
	if (rc < 0)
		return -1;
	if (rc == 1 && !connection.is_source) {
		account_connection_release(&connection);
		rc = 0;
	}
	/* Names that somebody guesses must not push out the ones in use. */
	if (rc == 1 || strcmp(source->connection.code, code) == 0)
		forget(source);
	if (rc == 0)
		return 0;
	account_connection_merge(&connection);
	source->connection = connection;
	source->driver = source_driver(connection.driver);
	source->loaded_ms = bh_mono_ms();
	hook->loads++;
	return 1;
}

/*
 * The connection, not older than CACHE_MS, or fresh when asked; while the
 * store is down an older one serves.  As load().
 */
static int
find(struct hook *hook, const char *code, bool is_fresh, struct hook_source **source_r,
    struct bh_err *err)
{
	struct hook_source *source = slot(hook, code);
	bool is_known = strcmp(source->connection.code, code) == 0;
	int64_t now = bh_mono_ms();
	int rc;

	*source_r = source;
	if (is_known && !is_fresh && now - source->loaded_ms <= CACHE_MS)
		return 1;
	if (now < hook->down_until_ms)
		return is_known ? 1 : bh_fail(err, BH_UNAVAILABLE, "the keeper cannot be reached");
	rc = load(hook, source, code, err);
	if (rc == -1 && (err->code == BH_UNAVAILABLE || err->code == BH_STORAGE)) {
		hook->down_until_ms = bh_mono_ms() + DOWN_MS;
		return is_known ? 1 : -1;
	}
	return rc;
}

/* -- the request as a driver sees it -- */

/* HTTP_X_SIGNATURE=abc: "x-signature" into names (room is there), value borrowed. */
static void
add_header(struct source_header *header, const char *param, struct bh_buf *names)
{
	size_t len = strcspn(param, "=");
	char *name = bh_buf_room(names, len + 1);

	header->name = name;
	header->value = param[len] == '=' ? param + len + 1 : "";
	for (size_t i = 0; i < len; i++) {
		char c = param[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '_')
			c = '-';
		name[i] = c;
	}
	name[len] = '\0';
	names->len += len + 1;
}

static size_t
read_headers(const struct request *request, struct source_header *headers, struct bh_buf *names)
{
	size_t n = 0, room = 0;

	/* Room for all of them at once: the names must not move while we point to them. */
	for (const char *const *param = request->params; *param != NULL; param++)
		room += strcspn(*param, "=") + 1;
	bh_buf_init(names, room);
	bh_buf_room(names, room);
	for (const char *const *param = request->params; *param != NULL && n < HEADERS_MAX;
	     param++) {
		if (bh_has_prefix(*param, "HTTP_"))
			add_header(&headers[n++], *param + strlen("HTTP_"), names);
		else if (bh_has_prefix(*param, "CONTENT_TYPE="))
			add_header(&headers[n++], *param, names);
		else if (bh_has_prefix(*param, "REDIRECT_HTTP_AUTHORIZATION="))
			add_header(&headers[n++], *param + strlen("REDIRECT_HTTP_"), names);
	}
	return n;
}

/* -- judging -- */

static struct source_config
config_of(const struct hook_source *source)
{
	return (struct source_config){.code = source->connection.code,
	    .settings = source->connection.settings,
	    .secrets = source->connection.secrets};
}

/* The connection that accepts the request.  HOOK_STORED: it is verified. */
static enum hook_result
verify(struct hook *hook, const char *code, const struct source_request *request,
    struct hook_source **source_r, struct bh_err *err)
{
	struct hook_source *source;

	/* Twice: secrets that were rolled a moment ago must work at once. */
	for (int attempt = 0;; attempt++) {
		struct source_config config;
		unsigned loads = hook->loads;
		int rc = find(hook, code, attempt > 0, &source, err);

		if (rc == 0) {
			bh_fail(err, BH_INVALID, "there is no source connection of this name");
			return HOOK_UNKNOWN;
		}
		if (rc < 0)
			return err->code == BH_UNAVAILABLE || err->code == BH_STORAGE
				   ? HOOK_LATER
				   : HOOK_UNREADY;
		if (source->driver == NULL || source->connection.secrets == NULL) {
			bh_fail(err, BH_INVALID, "%s",
			    source->driver == NULL
				? "its driver is not part of this program"
				: "its secrets are sealed: the key file is missing");
			return HOOK_UNREADY;
		}
		config = config_of(source);
		*source_r = source;
		if (source->driver->verify(&config, request, err) == 0)
			return HOOK_STORED;
		/* What was just loaded is as new as it gets. */
		if (attempt > 0 || hook->loads != loads)
			return err->code == BH_DENIED ? HOOK_REFUSED : HOOK_UNREADY;
	}
}

/* Only after verification: what is kept proves nothing any more. */
static json_t *
kept_headers(const struct source_driver *driver, const struct source_request *request)
{
	json_t *kept = json_object();

	for (const char *const *name = driver->kept_headers; name != NULL && *name != NULL;
	     name++) {
		const char *value = source_header(request, *name);
		struct bh_buf clean = BH_BUF_INIT(REQUEST_PARAMS_MAX);

		if (value == NULL)
			continue;
		if (mask_header(&clean, *name, value))
			json_object_set_new(kept, *name, json_string(bh_buf_str(&clean)));
		bh_buf_release(&clean);
	}
	return kept;
}

static enum hook_result
spool(struct hook *hook, const struct journal_entry *entry, struct bh_err *err)
{
	if (journal_spool(hook->site->conf->data_dir, entry, err) < 0)
		return HOOK_FULL;
	return HOOK_STORED;
}

/* Counted here and written down by hook_flush(): an acknowledgement waits for nothing else. */
static void
note_duplicate(struct hook *hook, const char *code)
{
	for (size_t i = 0; i < HOOK_CACHE; i++) {
		struct hook_duplicates *slot = &hook->duplicates[i];

		if (slot->code[0] != '\0' && strcmp(slot->code, code) != 0)
			continue;
		snprintf(slot->code, sizeof(slot->code), "%s", code);
		slot->n++;
		return;
	}
}

static int
write_duplicates(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct hook *hook = arg;
	int rc = 0;

	for (size_t i = 0; i < HOOK_CACHE && rc == 0; i++)
		if (hook->duplicates[i].n != 0)
			rc = journal_count_duplicates(txn, hook->duplicates[i].code,
			    hook->duplicates[i].n, err);
	return rc;
}

void
hook_flush(struct hook *hook)
{
	if (hook->duplicates[0].n != 0 && store_of(hook) != NULL &&
	    store_run(store_of(hook), write_duplicates, hook, NULL, NULL) == 0)
		memset(hook->duplicates, 0, sizeof(hook->duplicates));
}

static enum hook_result
store(struct hook *hook, const struct journal_entry *entry, bool may_spool, struct bh_err *err)
{
	int rc;

	if (bh_mono_ms() < hook->down_until_ms) {
		bh_fail(err, BH_UNAVAILABLE, "the keeper cannot be reached");
		return may_spool ? spool(hook, entry, err) : HOOK_LATER;
	}
	rc = journal_accept(store_of(hook), entry, err);
	if (rc == 0)
		note_duplicate(hook, entry->connection);
	if (rc >= 0)
		return rc == 1 ? HOOK_STORED : HOOK_DUPLICATE;
	if (err->code == BH_INVALID)
		return HOOK_REFUSED;
	if (err->code == BH_STORAGE)
		return HOOK_FULL;
	hook->down_until_ms = bh_mono_ms() + DOWN_MS;
	bh_log(BH_WARN, "webhook: %s; spooling", err->text);
	return may_spool ? spool(hook, entry, err) : HOOK_LATER;
}

enum hook_result
hook_accept(struct hook *hook, const char *code, const struct request *request, bool may_spool,
    struct bh_err *err)
{
	struct source_header headers[HEADERS_MAX];
	struct bh_buf names = BH_BUF_INIT(0);
	struct source_request seen = {.headers = headers,
	    .headers_n = read_headers(request, headers, &names),
	    .body = bh_buf_str(&request->body),
	    .body_len = request->body.len,
	    .received_ms = request->received_ms};
	struct source_event event = {"", ""};
	struct hook_source *source = NULL;
	enum hook_result result = verify(hook, code, &seen, &source, err);

	if (result == HOOK_STORED) {
		struct source_config config = config_of(source);

		if (source->driver->identify(&config, &seen, &event, err) < 0)
			result = HOOK_REFUSED;
	}
	if (result == HOOK_STORED) {
		json_t *kept = kept_headers(source->driver, &seen);
		struct journal_entry entry = {.connection = code,
		    .id = event.id,
		    .type = event.type,
		    .received_ms = request->received_ms,
		    .headers = kept,
		    .body = seen.body,
		    .body_len = seen.body_len};

		result = store(hook, &entry, may_spool, err);
		bh_log(BH_DEBUG, "webhook %s connection=%s event=%s type=%s",
		    result == HOOK_STORED      ? "accepted"
		    : result == HOOK_DUPLICATE ? "came again"
					       : "not stored",
		    code, event.id, event.type);
		json_decref(kept);
	}
	bh_buf_release(&names);
	return result;
}

/* -- answering -- */

static void
answer(struct response *response, int status, const char *key, const char *text)
{
	response_json(response, status, json_pack("{ss}", key, text));
	if (status == 503)
		response->retry_after_s = RETRY_AFTER_S;
}

/* The store is out of reach and the connection unknown here: keep the request as it came. */
static void
keep_raw(struct exchange *exchange, const char *code)
{
	const struct request *request = exchange->request;
	struct bh_err err = BH_ERR_INIT;

	if (raw_write(exchange->site->conf->data_dir, request->params, bh_buf_str(&request->body),
		request->body.len, request->received_ms, &err) < 0) {
		bh_log(BH_ERROR, "webhook connection=%s refused: %s", code, err.text);
		answer(exchange->response, 503, "error", "storage is not available");
		return;
	}
	answer(exchange->response, 200, "status", "accepted");
}

/* Counted by what was answered: raw files and spooled ones are accepted, too. */
static void
count(enum hook_result result, int status, int64_t took_us)
{
	enum tally_slot slot = TALLY_UNAVAILABLE;

	if (status == 200)
		slot = result == HOOK_DUPLICATE ? TALLY_DUPLICATE : TALLY_ACCEPTED;
	else if (status == 404)
		slot = TALLY_UNKNOWN;
	else if (status == 400)
		slot = TALLY_REFUSED;
	tally_add(slot, 1);
	if (status == 200)
		tally_ack(took_us);
}

int
hook_receive(struct exchange *exchange, struct bh_err *err)
{
	struct hook *hook = exchange->site->hook;
	struct response *response = exchange->response;
	const char *code = exchange->match.args[0], *peer = exchange->request->peer;
	enum hook_result result = HOOK_UNKNOWN;
	int64_t began_us = bh_mono_us();

	if (bh_is_code(code))
		result = hook_accept(hook, code, exchange->request, true, err);
	switch (result) {
	case HOOK_STORED:
		answer(response, 200, "status", "accepted");
		break;
	case HOOK_DUPLICATE:
		answer(response, 200, "status", "duplicate");
		break;
	case HOOK_REFUSED:
		if (is_logged(hook))
			bh_log(BH_WARN, "webhook refused connection=%s peer=%s: %s", code, peer,
			    err->text);
		answer(response, 400, "error", err->text);
		break;
	case HOOK_UNREADY:
		if (is_logged(hook))
			bh_log(BH_ERROR, "webhook cannot be verified connection=%s peer=%s: %s",
			    code, peer, err->text);
		answer(response, 503, "error", "the connection is not ready to receive");
		break;
	case HOOK_LATER:
		keep_raw(exchange, code);
		break;
	case HOOK_FULL:
		bh_log(BH_ERROR, "webhook refused connection=%s: %s", code, err->text);
		answer(response, 503, "error", "storage is not available");
		break;
	case HOOK_UNKNOWN:
	default:
		answer(response, 404, "error", "there is no such connection");
		break;
	}
	count(result, response->status, bh_mono_us() - began_us);
	return 0;
}
