/* See live.h. */
#include "base/base.h"

#include "web/live.h"

#include "web/words.h"

void
live_set(json_t *live, json_t *object, const char *scope, const char *name, json_t *text)
{
	char key[160];

	snprintf(key, sizeof(key), "%s.%s", scope, name);
	json_object_set(live, key, text);
	json_object_set_new(object, name, text);
}

void
live_set_shown(json_t *live, json_t *object, const char *scope, const char *name, bool is_shown)
{
	live_set(live, object, scope, name, json_string(is_shown ? "yes" : ""));
}

const char *
live_errand_state(const struct errand *errand, int found)
{
	if (found == 0)
		return "idle";
	return errand->is_open ? "busy" : errand->error[0] != '\0' ? "bad" : "good";
}

json_t *
live_errand_done(const struct errand *errand, int found, int64_t now_ms)
{
	char age[WORDS_MAX];

	if (found == 0 || errand->is_open || errand->done_ms == 0)
		return json_string("");
	words_age(age, errand->done_ms, now_ms);
	return json_sprintf("asked %s", age);
}
