/* See environment.h. */
#include "base/base.h"

#include "state/environment.h"

#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "state/walk.h"

static enum environment
environment_named(const char *word)
{
	static const struct {
		const char *word;
		enum environment is;
	} words[] = {{"live", ENVIRONMENT_LIVE}, {"production", ENVIRONMENT_LIVE},
	    {"test", ENVIRONMENT_TEST}, {"sandbox", ENVIRONMENT_TEST}};

	for (size_t i = 0; i < BH_LEN(words) && word != NULL; i++)
		if (strcasecmp(word, words[i].word) == 0)
			return words[i].is;
	return ENVIRONMENT_UNKNOWN;
}

/* A CRM that is no sandbox may still be there for trying things: production says so itself. */
static enum environment
environment_told(const json_t *answer, bool is_source)
{
	enum environment is = environment_named(bh_json_str(answer, "mode"));

	if (is == ENVIRONMENT_LIVE && !is_source && !bh_is_json_true(answer, "is_production"))
		return ENVIRONMENT_UNKNOWN;
	return is;
}

/* What the newest of the two errands found that tell whose account it is. */
static int
environment_found(struct store_txn *txn, const struct account_connection *connection,
    enum environment *is_r, struct bh_err *err)
{
	static const char *const names[] = {ERRAND_PROBE, ERRAND_LOGIN};
	int64_t newest_ms = -1;
	int rc = 0;

	for (size_t i = 0; i < BH_LEN(names) && rc >= 0; i++) {
		struct errand errand;

		rc = errand_load(txn, connection->code, names[i], &errand, err);
		if (rc > 0 && errand.answer != NULL && errand.done_ms > newest_ms) {
			newest_ms = errand.done_ms;
			*is_r = environment_told(errand.answer, connection->is_source);
		}
		errand_release(&errand);
	}
	return rc < 0 ? -1 : 0;
}

int
environment_of(struct store_txn *txn, const struct account_connection *connection,
    enum environment *is_r, struct bh_err *err)
{
	const char *const said[] = {bh_json_str(connection->settings, "mode"),
	    bh_json_str(connection->settings, "environment"),
	    bh_json_str(connection->learnt, "mode")};

	*is_r = ENVIRONMENT_UNKNOWN;
	for (size_t i = 0; i < BH_LEN(said) && *is_r == ENVIRONMENT_UNKNOWN; i++)
		*is_r = environment_named(said[i]);
	return *is_r != ENVIRONMENT_UNKNOWN ? 0 : environment_found(txn, connection, is_r, err);
}

int
environment_clash(struct store_txn *txn, const struct account_connection *from,
    const struct account_connection *to, char text[ENVIRONMENT_TEXT], struct bh_err *err)
{
	const char *source = from->name[0] != '\0' ? from->name : from->code;
	const char *crm = to->name[0] != '\0' ? to->name : to->code;
	enum environment data, place;

	text[0] = '\0';
	if (environment_of(txn, from, &data, err) < 0 || environment_of(txn, to, &place, err) < 0)
		return -1;
	if (data == ENVIRONMENT_TEST && place == ENVIRONMENT_LIVE)
		snprintf(text, ENVIRONMENT_TEXT,
		    "Test data would go into production: %s is in test mode, and %s is a production account.",
		    source, crm);
	else if (data == ENVIRONMENT_LIVE && place == ENVIRONMENT_TEST)
		snprintf(text, ENVIRONMENT_TEXT,
		    "Real data would go into a test account: %s is live, and %s is a sandbox or a test account.",
		    source, crm);
	bh_utf8_mend(text, false);
	return text[0] != '\0';
}
