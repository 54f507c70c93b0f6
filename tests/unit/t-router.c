/* web/router and the route table. */
#include "unit.h"
#include "web/router.h"

static int
nothing(struct exchange *exchange, struct bh_err *err)
{
	(void)exchange;
	(void)err;
	return 0;
}

static const struct route routes[] = {
    {"GET", "/", nothing, 0},
    {"GET", "/things", nothing, 0},
    {"POST", "/things", nothing, 0},
    {"GET", "/things/new", nothing, 0},
    {"GET", "/things/:thing", nothing, 0},
    {"POST", "/things/:thing/parts/:part", nothing, ROUTE_PUBLIC},
};

static void
test_match(void **state)
{
	static const struct {
		const char *method, *path;
		int rc, index;
		const char *first, *second, *allow;
	} cases[] = {
	    {"GET", "/", 1, 0, "", "", ""},
	    {"GET", "/things", 1, 1, "", "", ""},
	    {"POST", "/things", 1, 2, "", "", ""},
	    {"GET", "/things/new", 1, 3, "", "", ""},
	    {"GET", "/things/a b", 1, 4, "a b", "", ""},
	    {"POST", "/things/a/parts/b", 1, 5, "a", "b", ""},
	    {"PUT", "/things", -1, 0, "", "", "GET, HEAD, POST"},
	    {"GET", "/things/a/parts/b", -1, 0, "", "", "POST"},
	    {"GET", "/things/", 0, 0, "", "", ""},
	    {"GET", "//", 0, 0, "", "", ""},
	    {"GET", "/thing", 0, 0, "", "", ""},
	    {"GET", "/things/a/b", 0, 0, "", "", ""},
	    {"POST", "/things//parts/b", 0, 0, "", "", ""},
	};
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		int rc =
		    router_match(routes, BH_LEN(routes), cases[i].method, cases[i].path, &match);

		if (rc != cases[i].rc)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, rc);
		if (rc == 1) {
			assert_ptr_equal(match.route, &routes[cases[i].index]);
			assert_string_equal(match.args[0], cases[i].first);
			assert_string_equal(match.args[1], cases[i].second);
		}
		if (rc == -1)
			assert_string_equal(match.allow, cases[i].allow);
	}
}

static void
test_long_argument(void **state)
{
	char path[ROUTE_ARG_MAX + 16] = "/things/";
	struct route_match match;

	(void)state;
	memset(path + 8, 'x', ROUTE_ARG_MAX);
	assert_int_equal(router_match(routes, BH_LEN(routes), "GET", path, &match), 0);
	path[8 + ROUTE_ARG_MAX - 1] = '\0';
	assert_int_equal(router_match(routes, BH_LEN(routes), "GET", path, &match), 1);
}

static void
test_words(void **state)
{
	char **words = router_words(routes, BH_LEN(routes));

	(void)state;
	assert_string_equal(words[0], "things");
	assert_null(words[1]);
	router_words_free(&words);
	assert_null(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_match),
	    cmocka_unit_test(test_long_argument), cmocka_unit_test(test_words)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
