/*
 * The reader's table of LostChurn, as presets/readers/lostchurn.json has it
 * (its lines stand in a file that the build makes): drivers read no files.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/lostchurn.h"

static const char *const lines[] = {
#include "source/lostchurn_reader.inc"
};

/* Parsed once a process, and never written to. */
static json_t *
built_in(void)
{
	static json_t *table;
	struct bh_buf text = BH_BUF_INIT(65536);

	if (table == NULL) {
		for (size_t i = 0; i < BH_LEN(lines); i++)
			bh_buf_adds(&text, lines[i]);
		bh_json_parse(bh_buf_str(&text), text.len, &table, NULL);
		bh_buf_release(&text);
	}
	return table;
}

json_t *
lostchurn_reader(void)
{
	return json_deep_copy(built_in());
}

/* A table made for the webhooks alone leaves the lists to ours. */
const json_t *
lostchurn_table(const struct source_config *config, const char *type)
{
	const json_t *own = json_object_get(config->settings, "reader");

	if (json_object_size(own) == 0 ||
	    (bh_has_prefix(type, "rest.") && !is_reader_for(own, type, true)))
		return built_in();
	return own;
}
