/* What the list of connections says of a CRM, and what else is quickly told: see crm_facts.h. */
#include "base/base.h"

#include "base/json.h"
#include "state/link.h"
#include "web/crm_facts.h"
#include "web/words.h"

bool
crm_is_offered(const struct dest_driver *driver)
{
	return driver->settings != NULL || (driver->caps & DEST_CAP_KEEP) != 0;
}

bool
crm_is_by_login(const struct dest_driver *driver, const struct account_connection *connection)
{
	const char *flow =
	    setting_text(driver->settings, connection->settings, connection->secrets, "flow");

	return driver->login != NULL && driver->login_flow != NULL && flow != NULL &&
	       strcmp(flow, driver->login_flow) == 0;
}

int
crm_has_tokens(struct store_txn *txn, const struct account_key *key, const char *code, bool *has_r,
    struct bh_err *err)
{
	json_t *auth = NULL;
	int rc = account_auth_load(txn, key, code, &auth, err);
	const char *access = bh_json_str(auth, "access_token");
	const char *refresh = bh_json_str(auth, "refresh_token");

	*has_r = rc > 0 &&
		 ((access != NULL && *access != '\0') || (refresh != NULL && *refresh != '\0'));
	json_decref(auth);
	return rc < 0 ? -1 : 0;
}

int
crm_is_counted(struct store_txn *txn, const char *code, int64_t now_ms, bool *is_r,
    struct bh_err *err)
{
	struct errand count;
	int rc = errand_load(txn, code, ERRAND_COUNT, &count, err);

	*is_r = rc > 0 && !count.is_open && count.error[0] == '\0' && count.answer != NULL &&
		count.done_ms > now_ms - CRM_COUNT_AGE_MS;
	errand_release(&count);
	return rc < 0 ? -1 : 0;
}

const char *
crm_badge(const struct account_connection *connection, const struct errand *probe,
    const struct errand *login)
{
	const char *said = bh_json_str(connection->settings, "environment");
	const char *told =
	    bh_json_str(login->done_ms > probe->done_ms && login->answer != NULL ? login->answer
										 : probe->answer,
		"mode");

	if (said != NULL && *said != '\0')
		return said;
	if (told == NULL)
		told = bh_json_str(connection->learnt, "mode");
	if (told == NULL || *told == '\0')
		return "";
	return strcmp(told, "test") == 0 ? "sandbox" : told;
}

/* -- for the list -- */

/* The worst first: a word for CSS, and what people read. */
static const char *
card_state(const struct account_connection *connection, const struct link_lane *lane,
    bool needs_login, const char **state_r)
{
	*state_r = "bad";
	if (connection->broken[0] != '\0')
		return "needs you";
	if (needs_login)
		return "nobody has logged in";
	*state_r = "idle";
	if (connection->paused)
		return "paused";
	if (lane->held > 0) {
		*state_r = "bad";
		return "needs you";
	}
	*state_r = "good";
	return "connected";
}

static json_t *
card_calls(const struct link_lane *lane)
{
	char used[WORDS_MAX], limit[WORDS_MAX];

	if (lane->day_limit <= 0)
		return json_string("");
	words_count(used, lane->day_used);
	words_count(limit, lane->day_limit);
	return json_sprintf("%s of %s", used, limit);
}

static json_t *
card_view(const struct exchange *exchange, const struct account_connection *connection,
    const struct link_lane *lane, const struct errand errands[2], bool needs_login)
{
	const struct dest_driver *driver = dest_driver(connection->driver);
	const char *org = bh_json_str(errands[0].answer, "name"), *state;
	const char *word = card_state(connection, lane, needs_login, &state);

	if (org == NULL)
		org = bh_json_str(errands[1].answer, "name");
	return json_pack("{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code), "code",
	    connection->code, "driver", driver != NULL ? driver->title : connection->driver, "url",
	    json_sprintf("%s/connections/%s", exchange->request->base, connection->code), "state",
	    state, "word", word, "badge",
	    words_json(crm_badge(connection, &errands[0], &errands[1])), "organisation",
	    words_json(org != NULL ? org : ""), "calls", card_calls(lane), "broken",
	    words_json(connection->broken));
}

int
crm_card(struct exchange *exchange, const struct account_connection *connection, json_t **view_r,
    struct bh_err *err)
{
	const struct dest_driver *driver = dest_driver(connection->driver);
	struct store_txn *txn = exchange_read(exchange);
	struct errand errands[2] = {{0}};
	struct link_lane lane;
	bool is_let_in = true;
	int rc = errand_load(txn, connection->code, ERRAND_PROBE, &errands[0], err);

	*view_r = NULL;
	if (rc >= 0)
		rc = errand_load(txn, connection->code, ERRAND_LOGIN, &errands[1], err);
	if (rc >= 0)
		rc = link_lane_get(txn, connection->code, &lane, err);
	if (rc >= 0 && exchange->site->has_key && driver != NULL &&
	    crm_is_by_login(driver, connection))
		rc = crm_has_tokens(txn, &exchange->site->key, connection->code, &is_let_in, err);
	if (rc >= 0)
		*view_r = card_view(exchange, connection, &lane, errands, !is_let_in);
	errand_release(&errands[0]);
	errand_release(&errands[1]);
	return rc < 0 ? -1 : 0;
}
