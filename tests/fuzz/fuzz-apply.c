/*
 * Configuration documents from anywhere: refused with a reason, or applied;
 * then applying again changes nothing, nor does applying what is exported.
 */
#include "base/base.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "sync/configure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Secrets may be read from files: not from those that a fuzzer thinks of. */
static bool
has_files(const json_t *document)
{
	char *text = bh_json_text(document);
	bool found = strstr(text, "file:") != NULL;

	free(text);
	return found;
}

static void
check_refusal(const struct bh_err *err)
{
	if (err->code == BH_OK || err->code == BH_STORAGE || err->text[0] == '\0' ||
	    !bh_is_utf8(err->text, strlen(err->text)))
		abort();
}

/* Each fault begins with its place, and what has none is taken by the check, too. */
static void
check_faults(const json_t *document, const char *presets)
{
	json_t *faults = configure_faults(document, presets), *fault;
	struct bh_err err = BH_ERR_INIT;
	size_t i;

	json_array_foreach (faults, i, fault)
		if (json_string_value(fault)[0] != '/')
			abort();
	if (json_array_size(faults) == 0 && configure_check(document, presets, &err) < 0)
		abort();
	json_decref(faults);
}

static void
apply(struct store *store, const json_t *document, const struct configure_options *options)
{
	static const struct account_key key = {"0123456789abcdef0123456789abcde"};
	struct bh_err err = BH_ERR_INIT;
	json_t *exported;
	size_t changes = 0;

	if (configure_apply(store, &key, document, options, &changes, &err) < 0) {
		check_refusal(&err);
		return;
	}
	if (configure_apply(store, &key, document, options, &changes, &err) < 0 || changes != 0)
		abort();
	if (configure_export(store, &exported, &err) < 0 ||
	    configure_apply(store, &key, exported, options, &changes, &err) < 0 || changes != 0)
		abort();
	json_decref(exported);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct store_options mem = {.engine = "mem"};
	const char *top = getenv("BH_SRCDIR");
	char *presets = bh_xasprintf("%s/presets", top != NULL ? top : ".");
	struct configure_options options = {.preset_dir = presets};
	struct bh_err err = BH_ERR_INIT;
	json_t *document = NULL;
	struct store *store;

	setenv("BH_FUZZ_SECRET", "whsec_0123456789abcdef", 1);
	if (store_open(&mem, &store, &err) < 0)
		abort();
	if (bh_json_parse((const char *)data, size, &document, &err) == 0 && !has_files(document)) {
		check_faults(document, presets);
		apply(store, document, &options);
	}
	json_decref(document);
	store_close(&store);
	free(presets);
	return 0;
}
