/* A target of alerts: a new one, and changing one.  What was typed is kept when it was wrong, but for secrets. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "sync/alert_target.h"
#include "web/page.h"
#include "web/site.h"
#include "web/words.h"

#define ADDRESSES_MAX 21

struct edit {
	struct exchange *exchange;
	enum alert_kind kind;
	const char *code;
	bool is_new;
};

/* -- the form -- */

static json_t *
typed(const struct request *request, const char *name, const char *stored)
{
	const char *text = request_field(request, name);

	return words_json(text != NULL ? text : stored != NULL ? stored : "");
}

static json_t *
addresses(const json_t *settings)
{
	struct bh_buf out = BH_BUF_INIT(8192);
	json_t *one, *text;
	size_t i;

	json_array_foreach (json_object_get(settings, "to"), i, one)
		bh_buf_addf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(one));
	text = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return text;
}

static json_t *
least_options(enum alert_priority chosen)
{
	static const char *const labels[ALERT__MAX] = {"everything",
	    "what is of normal or high priority", "only what is of high priority"};
	json_t *list = json_array();

	for (int i = 0; i < ALERT__MAX; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "value",
						alert_priority_name((enum alert_priority)i),
						"label", labels[i], "is_chosen", i == (int)chosen));
	return list;
}

/* stored: zeroed for a new one. */
static int
show(const struct edit *edit, const struct alert_target *stored, const char *error,
    struct bh_err *err)
{
	struct exchange *exchange = edit->exchange;
	const struct request *request = exchange->request;
	const char *base = request->base, *least = request_field(request, "least");
	bool is_mail = edit->kind == ALERT_MAIL;
	json_t *to = addresses(stored->settings);
	json_t *model = json_pack("{s:b, s:b, s:b, s:s, s:s, s:o, s:o}", "is_new", edit->is_new,
	    "is_mail", is_mail, "can_save", exchange->session.role >= ACCOUNT_ADMIN, "wrong",
	    error != NULL ? error : "", "heading",
	    !edit->is_new ? "Who is told"
	    : is_mail     ? "Alerts by e-mail"
			  : "Alerts to Slack",
	    "list_url", json_sprintf("%s/alerts", base), "action",
	    edit->is_new ? json_sprintf("%s/alerts/new/%s", base, alert_kind_name(edit->kind))
			 : json_sprintf("%s/alerts/%s", base, edit->code));

	json_object_set_new(model, "code",
	    typed(request, "code", edit->is_new ? is_mail ? "mail" : "slack" : edit->code));
	json_object_set_new(model, "form_name", typed(request, "name", stored->name));
	json_object_set_new(model, "server",
	    typed(request, "server", bh_json_str(stored->settings, "server")));
	json_object_set_new(model, "login",
	    typed(request, "login", bh_json_str(stored->settings, "user")));
	json_object_set_new(model, "from",
	    typed(request, "from", bh_json_str(stored->settings, "from")));
	json_object_set_new(model, "to", typed(request, "to", json_string_value(to)));
	json_object_set_new(model, "levels",
	    least_options(least != NULL ? alert_priority_of(least) : stored->least));
	json_object_set_new(model, "is_paused", json_boolean(stored->paused));
	json_object_set_new(model, "remove_url",
	    json_sprintf("%s/alerts/%s/remove", base, edit->is_new ? "" : edit->code));
	json_decref(to);
	return exchange_page(exchange, error != NULL ? 400 : 200, "alert_target", "Alerts", model,
	    err);
}

/* -- saving -- */

/* Addresses divided by commas, blanks or lines. */
static json_t *
split_addresses(const char *text)
{
	json_t *list = json_array();

	while (text != NULL && *text != '\0' && json_array_size(list) < ADDRESSES_MAX) {
		size_t len;

		text += strspn(text, ", ;\t\r\n");
		len = strcspn(text, ", ;\t\r\n");
		if (len > 0) {
			char *one = bh_xstrndup(text, len);

			json_array_append_new(list, words_json(one));
			free(one);
		}
		text += len;
	}
	return list;
}

static void
take_mail(const struct request *request, json_t *settings)
{
	static const char *const fields[][2] = {{"server", "server"}, {"login", "user"},
	    {"from", "from"}};

	for (size_t i = 0; i < BH_LEN(fields); i++) {
		const char *text = request_field(request, fields[i][0]);

		if (text != NULL && *text != '\0')
			json_object_set_new(settings, fields[i][1], words_json(text));
	}
	json_object_set_new(settings, "to", split_addresses(request_field(request, "to")));
}

/* The form over what is stored; an empty secret keeps that. */
static void
take_form(const struct edit *edit, struct alert_target *target)
{
	const struct request *request = edit->exchange->request;
	const char *name = request_field(request, "name"),
		   *secret = request_field(request, "secret");

	snprintf(target->code, sizeof(target->code), "%s", edit->code);
	snprintf(target->name, sizeof(target->name), "%s", name != NULL ? name : "");
	bh_utf8_mend(target->name, name != NULL && strlen(name) >= sizeof(target->name));
	target->kind = edit->kind;
	target->least = alert_priority_of(request_field(request, "least"));
	if (target->least == ALERT__MAX)
		target->least = ALERT_LOW;
	target->paused = request_field(request, "paused") != NULL;
	json_decref(target->settings);
	target->settings = json_object();
	if (edit->kind == ALERT_MAIL)
		take_mail(request, target->settings);
	if (target->secrets == NULL)
		target->secrets = json_object();
	if (secret != NULL && *secret != '\0')
		json_object_set_new(target->secrets, edit->kind == ALERT_MAIL ? "password" : "url",
		    words_json(secret));
}

static int
save_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct edit *edit = arg;
	const struct account_key *key = &edit->exchange->site->key;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = edit->code,
	    .text = "target of alerts saved in the browser",
	    .by = edit->exchange->session.user};
	struct alert_target target;
	int rc = alert_target_load(txn, key, edit->code, &target, err);

	if (rc > 0 && edit->is_new)
		rc = bh_fail(err, BH_INVALID, "There is a target of this code already.");
	else if (rc == 0 && !edit->is_new)
		rc = bh_fail(err, BH_INVALID, "This target was removed meanwhile.");
	if (rc >= 0) {
		take_form(edit, &target);
		rc = alert_target_check(&target, err);
	}
	if (rc >= 0)
		rc = alert_target_save(txn, key, &target, err);
	if (rc >= 0)
		trail_add(txn, 0, &entry);
	alert_target_release(&target);
	return rc < 0 ? -1 : 0;
}

static int
save(struct edit *edit, const struct alert_target *stored, struct bh_err *err)
{
	struct exchange *exchange = edit->exchange;
	struct bh_err why = BH_ERR_INIT;

	if (!exchange->site->has_key)
		return bh_fail(err, BH_UNAVAILABLE, "the key file cannot be read");
	if (edit->code == NULL || !bh_is_code(edit->code) || strcmp(edit->code, "new") == 0)
		bh_fail(&why, BH_INVALID,
		    "The code must be of lower-case letters, digits, - and _, and not \"new\".");
	else if (store_run(exchange->site->store, save_in, edit, NULL, &why) == 0) {
		response_redirect(exchange->response, exchange->request->base, "/alerts?saved=1");
		return 0;
	}
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	return show(edit, stored, why.text, err);
}

/* -- a new one -- */

static bool
is_kind(struct exchange *exchange, struct edit *edit)
{
	edit->exchange = exchange;
	edit->is_new = true;
	edit->kind = alert_kind_of(exchange->match.args[0]);
	edit->code = request_field(exchange->request, "code");
	if (edit->kind != ALERT_KIND__MAX)
		return true;
	exchange_error(exchange, 404, "Alerts are told to Slack or by e-mail.");
	return false;
}

int
page_alert_new(struct exchange *exchange, struct bh_err *err)
{
	struct alert_target none = {0};
	struct edit edit;

	return is_kind(exchange, &edit) ? show(&edit, &none, NULL, err) : 0;
}

int
page_alert_create(struct exchange *exchange, struct bh_err *err)
{
	struct alert_target none = {0};
	struct edit edit;

	return is_kind(exchange, &edit) ? save(&edit, &none, err) : 0;
}

/* -- one that is there -- */

static int
with_stored(struct exchange *exchange, bool is_save, struct bh_err *err)
{
	struct edit edit = {.exchange = exchange, .code = exchange->match.args[0]};
	struct alert_target stored;
	int rc = alert_target_load(exchange_read(exchange), NULL, edit.code, &stored, err);

	edit.kind = stored.kind;
	if (rc == 0)
		exchange_error(exchange, 404, "There is no such target of alerts.");
	else if (rc > 0)
		rc = is_save ? save(&edit, &stored, err) : show(&edit, &stored, NULL, err);
	alert_target_release(&stored);
	return rc;
}

int
page_alert_target(struct exchange *exchange, struct bh_err *err)
{
	return with_stored(exchange, false, err);
}

int
page_alert_save(struct exchange *exchange, struct bh_err *err)
{
	return with_stored(exchange, true, err);
}
