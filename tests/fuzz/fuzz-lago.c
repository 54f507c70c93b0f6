/*
 * Answers of Lago's API: whatever stands in them, look-ups, walks and the
 * rest end after few calls, and what they give is canonical.
 */
#include "base/base.h"

#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_MAX 60 /* of one look-up or page */

struct always {
	struct http_transport transport; /* first */
	const uint8_t *data;
	size_t size;
	int calls;
};

static void
perform(struct http_transport *transport, const struct http_request *requests BH_UNUSED,
    struct http_response *responses, size_t n)
{
	struct always *always = (struct always *)(void *)transport;

	for (size_t i = 0; i < n; i++) {
		responses[i].status = 200;
		bh_buf_add(&responses[i].body, always->data, always->size);
		if (++always->calls > CALLS_MAX)
			abort();
	}
}

static void
check(const struct source_result *result)
{
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < result->changes.n; i++) {
		const struct object_change *change = &result->changes.items[i];

		if (object_check(change->kind, change->fields, &err) < 0 || change->id[0] == '\0' ||
		    change->version.tie[0] == '\0')
			abort();
	}
	if (result->outcome == SOURCE_ASKED && result->wants.n == 0)
		abort();
}

static void
fetch(const struct source_api *api)
{
	static const char *const whats[] = {"customer", "subscription", "invoice", "credit_note",
	    "payment", "plan", "plan_subscriptions", "overdue_invoices", "refund"};

	for (size_t i = 0; i < BH_LEN(whats); i++) {
		struct source_want want = {.id = "a6d5d476-1e96-4235-99f4-f08ce3b2b198",
		    .hint = json_pack("{s:s}", "external_id", "sub_brulerie_main")};
		struct source_result result = {0};
		struct bh_err err = BH_ERR_INIT;

		((struct always *)(void *)api->transport)->calls = 0;
		snprintf(want.what, sizeof(want.what), "%s", whats[i]);
		if (source_driver("lago")->fetch(api, &want, &result, &err) == 0)
			check(&result);
		else if (result.changes.n > 0 || err.text[0] == '\0')
			abort();
		source_result_release(&result);
		json_decref(want.hint);
	}
}

/* Every phase, whether the depth has it or not. */
static void
pull(const struct source_api *api)
{
	for (int phase = 0; phase < 15; phase++) {
		for (int depth = 1; depth <= 8; depth *= 2) {
			json_t *cursor = json_pack("{s:i, s:s, s:i, s:I, s:i, s:i, s:i}", "v", 1,
			    "walk", "catchup", "since_ms", 1, "to_ms",
			    (json_int_t)INT64_C(1788220800000), "depth", depth, "phase", phase,
			    "page", 3);
			struct source_page page = {0};
			struct bh_err err = BH_ERR_INIT;

			((struct always *)(void *)api->transport)->calls = 0;
			if (source_driver("lago")->pull(api, cursor, &page, &err) == 0)
				check(&page.result);
			else if (page.cursor != NULL || err.text[0] == '\0')
				abort();
			source_page_release(&page);
			json_decref(cursor);
		}
	}
}

static void
connect(const struct source_api *api)
{
	struct source_endpoint endpoint = {.url = "https://hooks.example.com/hook/lago"};
	json_t *json = NULL;
	char id[256];

	((struct always *)(void *)api->transport)->calls = 0;
	source_driver("lago")->probe(api, &json, NULL);
	json_decref(json);
	json = NULL;
	source_driver("lago")->endpoints(api, &json, NULL);
	json_decref(json);
	json = NULL;
	source_driver("lago")->endpoint_put(api, &endpoint, &json, NULL);
	json_decref(json);
	source_driver("lago")->write_back(api, "", "a9385e75-ac74-4f8a-8961-4da8ef935dd1",
	    "salesforce", "001", NULL);
	json = json_pack("{s:s, s:s, s:s}", "name", "Acme", "crm", "hubspot", "remote_id", "77");
	source_driver("lago")->create_customer(api, json, id, NULL);
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_config config = {.code = "fuzz",
	    .settings =
		json_pack("{s:s, s:s}", "app_url", "https://app.example.com", "slug", "one"),
	    .secrets = json_pack("{s:s}", "api_key", "key")};
	struct always always = {.transport = {perform}, .data = data, .size = size};
	struct source_api api = {.config = &config,
	    .transport = &always.transport,
	    .now_ms = INT64_C(1788220800000)};

	fetch(&api);
	pull(&api);
	connect(&api);
	json_decref((json_t *)(uintptr_t)config.settings);
	json_decref((json_t *)(uintptr_t)config.secrets);
	return 0;
}
