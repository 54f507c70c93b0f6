/* Which data would go where it does not belong: see state/environment.h. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/environment.h"
#include "state/walk.h"

struct side {
	const char *settings, *learnt, *probe, *login; /* JSON with ' for "; NULL none */
	enum environment is;
};

static json_t *
read_json(const char *text)
{
	char *copy = bh_xstrdup(text);
	json_t *json;

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	free(copy);
	return json;
}

static void
put_errand(struct fixture *f, const char *name, int64_t done_ms, const char *answer)
{
	struct errand errand = {.done_ms = done_ms};

	errand.answer = answer != NULL ? read_json(answer) : NULL;
	errand_save(f->txn, "one", name, &errand);
	errand_release(&errand);
}

static enum environment
environment_is(struct fixture *f, const struct side *side, bool is_source)
{
	struct account_connection one = {.code = "one", .is_source = is_source};
	enum environment is;

	one.settings = side->settings != NULL ? read_json(side->settings) : NULL;
	one.learnt = side->learnt != NULL ? read_json(side->learnt) : NULL;
	put_errand(f, ERRAND_PROBE, 1000, side->probe);
	put_errand(f, ERRAND_LOGIN, 2000, side->login);
	assert_int_equal(MUST(environment_of(f->txn, &one, &is, &f->err)), 0);
	account_connection_release(&one);
	return is;
}

static void
sources(void **state)
{
	static const struct side sides[] = {
	    {NULL, NULL, NULL, NULL, ENVIRONMENT_UNKNOWN},
	    {"{'mode':'test'}", NULL, NULL, NULL, ENVIRONMENT_TEST},
	    {"{'mode':'live'}", "{'mode':'test'}", NULL, NULL, ENVIRONMENT_LIVE},
	    {"{'mode':''}", "{'mode':'test'}", NULL, NULL, ENVIRONMENT_TEST},
	    {"{'environment':'SANDBOX'}", NULL, NULL, NULL, ENVIRONMENT_TEST},
	    {"{}", "{}", "{'mode':'live'}", NULL, ENVIRONMENT_LIVE},
	    {"{}", "{}", "{'mode':'test'}", NULL, ENVIRONMENT_TEST},
	    {"{}", "{}", "{'mode':''}", NULL, ENVIRONMENT_UNKNOWN},
	    {"{'mode':5}", NULL, "{'mode':[]}", NULL, ENVIRONMENT_UNKNOWN},
	};

	for (size_t i = 0; i < BH_LEN(sides); i++)
		assert_int_equal(environment_is(*state, &sides[i], true), sides[i].is);
}

/* Production says so itself; the newest answer counts. */
static void
crms(void **state)
{
	static const struct side sides[] = {
	    {NULL, NULL, NULL, NULL, ENVIRONMENT_UNKNOWN},
	    {"{'environment':'production'}", NULL, "{'mode':'test'}", NULL, ENVIRONMENT_LIVE},
	    {NULL, NULL, "{'mode':'live','is_production':true}", NULL, ENVIRONMENT_LIVE},
	    {NULL, NULL, "{'mode':'live','is_production':false}", NULL, ENVIRONMENT_UNKNOWN},
	    {NULL, NULL, "{'mode':'live'}", NULL, ENVIRONMENT_UNKNOWN},
	    {NULL, NULL, "{'mode':'live','is_production':true}", "{'mode':'test'}",
		ENVIRONMENT_TEST},
	};

	for (size_t i = 0; i < BH_LEN(sides); i++)
		assert_int_equal(environment_is(*state, &sides[i], false), sides[i].is);
}

static void
clashes(void **state)
{
	static const char *const words[] = {"", "test", "live"};
	static const char *const said[3][3] = {
	    {"", "", ""},
	    {"", "",
		"Test data would go into production: Billing is in test mode, and crm is a production account."},
	    {"",
		"Real data would go into a test account: Billing is live, and crm is a sandbox or a test account.",
		""},
	};
	struct fixture *f = *state;
	char text[ENVIRONMENT_TEXT];

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++) {
			struct account_connection from = {.code = "in",
			    .name = "Billing",
			    .is_source = true,
			    .settings = json_pack("{s:s}", "mode", words[i])};
			struct account_connection to = {.code = "crm",
			    .settings = json_pack("{s:s}", "environment", words[k])};

			assert_int_equal(MUST(environment_clash(f->txn, &from, &to, text, &f->err)),
			    said[i][k][0] != '\0');
			assert_string_equal(text, said[i][k]);
			account_connection_release(&from);
			account_connection_release(&to);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(sources, state_open, state_close),
	    cmocka_unit_test_setup_teardown(crms, state_open, state_close),
	    cmocka_unit_test_setup_teardown(clashes, state_open, state_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
