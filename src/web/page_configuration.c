/*
 * The configuration as a file: taking it away, and putting one in, after the
 * person has seen what it would change.  What was seen is what is done: the
 * lines of the check are compared with those of the second look.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/json.h"
#include "base/text.h"
#include "sync/configure.h"
#include "web/page.h"
#include "web/page_user.h"
#include "web/words.h"

#define LINES_SHOWN 500

/* One document on its way in. */
struct entry {
	struct exchange *exchange;
	const char *text; /* as it was pasted; "" none */
	json_t *document;
	json_t *lines; /* what it would change: array of texts */
	char digest[2 * BH_SHA256_LEN + 1];
	json_t *faults;    /* all that is wrong with its form: array of texts; NULL nothing */
	struct bh_err why; /* what is wrong with it; text "" nothing */
};

/* -- showing -- */

static json_t *
lines_view(const json_t *lines)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)lines, i, one)
		if (i < LINES_SHOWN)
			json_array_append_new(list, json_pack("{s:O}", "line", one));
	return list;
}

static int
show(const struct entry *entry, int status, const char *note, struct bh_err *err)
{
	const char *base = entry->exchange->request->base;
	size_t n = json_array_size(entry->lines);
	bool is_wrong = entry->why.text[0] != '\0';
	bool is_checked = *entry->text != '\0' && !is_wrong;
	json_t *model = json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:o}",
	    "settings_url", json_sprintf("%s/settings", base), "action",
	    json_sprintf("%s/settings/configuration", base), "file_url",
	    json_sprintf("%s/settings/configuration.json", base), "text", words_json(entry->text),
	    "error", words_json(is_wrong ? entry->why.text : ""), "note", note, "digest",
	    entry->digest, "would_change", is_checked && n > 0, "would_not", is_checked && n == 0,
	    "lines", lines_view(entry->lines));
	json_object_set_new(model, "faults",
	    json_array_size(entry->faults) > 1 ? lines_view(entry->faults) : json_array());
	json_object_set_new(model, "has_faults", json_boolean(json_array_size(entry->faults) > 1));
	return exchange_page(entry->exchange, status, "configuration", "Configuration file", model,
	    err);
}

int
page_configuration(struct exchange *exchange, struct bh_err *err)
{
	struct entry entry = {.exchange = exchange, .text = ""};

	return user_is_admin(exchange) ? show(&entry, 200, "", err) : 0;
}

int
page_configuration_file(struct exchange *exchange, struct bh_err *err)
{
	json_t *document;
	char *text;

	if (!user_is_admin(exchange))
		return 0;
	if (configure_export(exchange->site->store, &document, err) < 0)
		return -1;
	text = json_dumps(document, JSON_INDENT(2));
	json_decref(document);
	exchange->response->status = 200;
	exchange->response->type = "application/json";
	bh_buf_adds(&exchange->response->body, text != NULL ? text : "{}");
	bh_buf_addc(&exchange->response->body, '\n');
	free(text);
	return 0;
}

/* -- reading -- */

/* "keep" alone: the server's files and environment are not for the browser. */
static int
check_secrets_of(const json_t *list, const char *place, struct bh_err *err)
{
	json_t *item, *secret;
	const char *name;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item)
		json_object_foreach (json_object_get(item, "secrets"), name, secret) {
			const char *text = json_string_value(secret);

			if (text == NULL || strcmp(text, "keep") != 0)
				return bh_fail(err, BH_INVALID,
				    "%s/%zu/secrets/%.60s: in the browser only \"keep\" is taken; enter secrets on the page of the connection, or of alerts",
				    place, i, name);
		}
	return 0;
}

static int
check_secrets(const json_t *document, struct bh_err *err)
{
	const json_t *alerts = json_object_get(document, "alerts");

	return check_secrets_of(json_object_get(document, "connections"), "/connections", err) < 0
		   ? -1
		   : check_secrets_of(json_object_get(alerts, "targets"), "/alerts/targets", err);
}

/* What is not started stays so: starting asks for its preview. */
static int
hold_back(struct exchange *exchange, const json_t *document, struct bh_err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(document, "syncs"), i, item) {
		struct account_sync sync;
		int rc = account_sync_load(exchange_read(exchange), bh_json_str(item, "code"),
		    &sync, err);

		if (rc < 0)
			return -1;
		if (rc == 0 || sync.is_new)
			json_object_set_new(item, "started", json_false());
		if (rc > 0)
			account_sync_release(&sync);
	}
	return 0;
}

static void
take_line(void *arg, const char *line)
{
	struct entry *entry = arg;

	json_array_append_new(entry->lines, words_json(line));
}

static void
digest_lines(struct entry *entry)
{
	char *text = bh_json_text(entry->lines);
	unsigned char digest[BH_SHA256_LEN];

	bh_sha256(digest, text, strlen(text));
	bh_hex(entry->digest, digest, sizeof(digest));
	free(text);
}

static int
apply(struct entry *entry, bool is_dry, struct bh_err *err)
{
	struct exchange *exchange = entry->exchange;
	struct configure_options options = {.preset_dir = exchange->site->conf->preset_dir,
	    .dry_run = is_dry,
	    .by = exchange->session.user,
	    .say = is_dry ? take_line : NULL,
	    .arg = entry};
	size_t changes;

	return configure_apply(exchange->site->store, &exchange->site->key, entry->document,
	    &options, &changes, err);
}

/* 0, or -1 with the first fault in why and all of them in faults. */
static int
check_form(struct entry *entry)
{
	const struct conf *conf = entry->exchange->site->conf;

	entry->faults = configure_faults(entry->document, conf->preset_dir);
	if (json_array_size(entry->faults) == 0)
		return 0;
	return bh_fail(&entry->why, BH_INVALID, "%s",
	    json_string_value(json_array_get(entry->faults, 0)));
}

/* Fill in what it would change, or why it cannot be taken: 0; -1 for other failures. */
static int
look_at(struct entry *entry, struct bh_err *err)
{
	struct exchange *exchange = entry->exchange;
	struct bh_err *why = &entry->why;
	int rc;

	entry->lines = json_array();
	if (*entry->text == '\0')
		return bh_fail(why, BH_INVALID, "Choose the file, or paste its text."), 0;
	rc = bh_json_parse_once(entry->text, strlen(entry->text), &entry->document, why);
	if (rc < 0)
		bh_during(why, "This is no JSON");
	if (rc == 0)
		rc = check_form(entry);
	if (rc == 0)
		rc = check_secrets(entry->document, why);
	if (rc == 0)
		rc = hold_back(exchange, entry->document, why);
	if (rc == 0)
		rc = apply(entry, true, why);
	if (rc == 0)
		digest_lines(entry);
	return rc < 0 && why->code != BH_INVALID ? bh_fail(err, why->code, "%s", why->text) : 0;
}

static int
change(struct entry *entry, struct bh_err *err)
{
	const char *seen = request_field(entry->exchange->request, "seen");

	if (seen == NULL)
		return show(entry, 200, "", err);
	if (strcmp(seen, entry->digest) != 0)
		return show(entry, 409,
		    "Something was changed meanwhile. This is what the file would change now.",
		    err);
	if (apply(entry, false, &entry->why) < 0)
		return entry->why.code == BH_INVALID
			   ? show(entry, 400, "", err)
			   : bh_fail(err, entry->why.code, "%s", entry->why.text);
	response_redirect(entry->exchange->response, entry->exchange->request->base,
	    "/settings?done=configuration");
	return 0;
}

int
page_configuration_change(struct exchange *exchange, struct bh_err *err)
{
	struct entry entry = {.exchange = exchange,
	    .text = request_given(exchange->request, "upload", "document"),
	    .why = BH_ERR_INIT};
	int rc = look_at(&entry, err);

	if (rc == 0)
		rc = entry.why.text[0] != '\0' ? show(&entry, 400, "", err) : change(&entry, err);
	json_decref(entry.document);
	json_decref(entry.lines);
	json_decref(entry.faults);
	return rc;
}
