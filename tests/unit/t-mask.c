/* Headers as they may be kept. */
#include "base/base.h"

#include "unit.h"
#include "web/mask.h"

#define HEX "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"

static void
masked(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *value, *kept; /* NULL: not at all */
	} cases[] = {
	    {"stripe-signature", "t=1492774577,v1=" HEX ",v0=" HEX,
		"t=1492774577,v1=5257a869\u2026,v0=5257a869\u2026"},
	    {"stripe-signature", "t=1492774577, v1=" HEX, "t=1492774577,v1=5257a869\u2026"},
	    {"recurly-signature", "1646238421000," HEX "," HEX,
		"1646238421000,5257a869\u2026,5257a869\u2026"},
	    {"x-lago-signature", "dGhpcyBpcyBhIHNpZ25hdHVyZSBvZiAzMiBieXRlcyE=", "dGhpcyBp\u2026"},
	    {"x-signature", "eyJhbGciOiJSUzI1NiJ9.eyJkYXRhIjoie30ifQ.c2lnbmF0dXJl",
		"eyJhbGci\u2026"},
	    {"x-hmac-sha256", HEX, "5257a869\u2026"},
	    /* A short one would be shown whole. */
	    {"x-signature", "hunter2", "\u2026"},
	    {"x-signature", "v1=hunter2", "\u2026"},
	    {"x-signature", "hunter2==", "\u2026"},
	    {"x-signature", "", "\u2026"},
	    {"x-signature", "=,=,;;", "\u2026,\u2026,\u2026;\u2026;\u2026"},
	    {"x-lago-signature-algorithm", "hmac", "hmac"},
	    {"x-signature-timestamp", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"},
	    {"x-lago-unique-key", "0190b2c3-aaaa", "0190b2c3-aaaa"},
	    {"x-api-key", "sk_live_0123456789", "\u2026"},
	    {"x-webhook-token", "0123456789012345678901234567890", "\u2026"},
	    {"x-webhook-secret", "0123456789012345678901234567890", "\u2026"},
	    {"user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
		"Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
	    {"user-agent", "a\xff\x01", "a\xef\xbf\xbd "},
	    {"authorization", "Basic dXNlcjpwYXNz", NULL},
	    {"proxy-authorization", "Basic dXNlcjpwYXNz", NULL},
	    {"cookie", "a=b", NULL},
	    {"set-cookie", "a=b", NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf out = BH_BUF_INIT(1000);

		assert_int_equal(mask_header(&out, cases[i].name, cases[i].value),
		    cases[i].kept != NULL);
		assert_string_equal(bh_buf_str(&out), cases[i].kept != NULL ? cases[i].kept : "");
		bh_buf_release(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(masked)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
