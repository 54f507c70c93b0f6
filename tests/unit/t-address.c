/* Addresses and networks. */
#include "base/base.h"

#include "base/address.h"
#include "unit.h"

static void
test_addresses(void **state BH_UNUSED)
{
	static const struct {
		const char *text, *usual; /* NULL: none */
	} cases[] = {{"192.0.2.1", "192.0.2.1"}, {"192.0.2.1:8080", "192.0.2.1"},
	    {"2001:db8::1", "2001:db8::1"}, {"2001:DB8:0::1", "2001:db8::1"},
	    {"[2001:db8::1]", "2001:db8::1"}, {"[2001:db8::1]:443", "2001:db8::1"},
	    {"::ffff:192.0.2.1", "192.0.2.1"}, {"", NULL}, {"[", NULL}, {"[]", NULL}, {":", NULL},
	    {"unknown", NULL}, {"192.0.2", NULL}, {"192.0.2.256", NULL}, {" 192.0.2.1", NULL},
	    {"192.0.2.1/24", NULL}, {"1:2:3:4:5:6:7:8:9", NULL},
	    {"2001:0db8:0000:0000:0000:0000:0000:0001:0001:00011", NULL}};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_address address;
		char out[BH_ADDRESS_TEXT] = "";

		if (bh_is_address(cases[i].text, strlen(cases[i].text), &address) !=
		    (cases[i].usual != NULL))
			fail_msg("%s", cases[i].text);
		if (cases[i].usual == NULL)
			continue;
		bh_address_text(&address, out);
		assert_string_equal(out, cases[i].usual);
	}
}

static void
test_networks(void **state BH_UNUSED)
{
	static const struct {
		const char *address, *list;
		bool is_in;
	} cases[] = {{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.2", "192.0.2.1", false},
	    {"192.0.2.77", "10.0.0.1, 192.0.2.0/24", true}, {"192.0.3.1", "192.0.2.0/24", false},
	    {"192.0.3.1", "192.0.2.0/23", true}, {"192.0.2.127", "192.0.2.0/25", true},
	    {"192.0.2.128", "192.0.2.0/25", false}, {"203.0.113.1", "0.0.0.0/0", true},
	    {"2001:db8::1", "0.0.0.0/0", false}, {"2001:db8:1::1", "2001:db8::/32", true},
	    {"2001:db9::1", "2001:db8::/32", false}, {"2001:db8::1", "::/0", true},
	    {"192.0.2.1", "", false}, {"192.0.2.1", "nonsense", false},
	    {"192.0.2.1", "192.0.2.0/33 192.0.2.0/x", false}};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_address address;

		assert_true(bh_is_address(cases[i].address, strlen(cases[i].address), &address));
		if (bh_is_in_networks(&address, cases[i].list) != cases[i].is_in)
			fail_msg("%s in %s", cases[i].address, cases[i].list);
	}
}

static void
test_lists(void **state BH_UNUSED)
{
	static const char *const good[] = {"", "  ", "192.0.2.1",
	    "192.0.2.0/24,::1 , 2001:db8::/32"};
	static const char *const bad[] = {"localhost", "192.0.2.0/33", "::/129", "192.0.2.1 x",
	    "/8"};
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < BH_LEN(good); i++)
		assert_int_equal(bh_networks_check(good[i], &err), 0);
	for (size_t i = 0; i < BH_LEN(bad); i++) {
		assert_int_equal(bh_networks_check(bad[i], &err), -1);
		assert_int_equal(err.code, BH_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_networks), cmocka_unit_test(test_lists)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
