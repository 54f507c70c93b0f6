/* See link_view.h. */
#include "base/base.h"

#include "web/link_view.h"

#include "base/json.h"
#include "web/words.h"

enum {
	IDLE = 0,
	GOOD,
	BUSY,
	BAD
};

/* Left out: by the filter, by a person, or because nothing matches. */
static const char *
excluded_word(const struct link *link)
{
	if (strcmp(link->code, LINK_NO_MATCH) == 0)
		return "no match";
	if (strcmp(link->code, LINK_UNDONE) == 0)
		return "put back";
	return strcmp(link->code, LINK_SKIPPED) == 0 ? "skipped" : "left out";
}

struct link_words
link_words(const struct link *link, bool is_marked)
{
	switch (link->state) {
	case LINK_CLEAN:
		return is_marked ? (struct link_words){"busy", "on the way", BUSY}
				 : (struct link_words){"good", "in step", GOOD};
	case LINK_HELD:
		return is_marked ? (struct link_words){"busy", "tried again", BUSY}
				 : (struct link_words){"bad", "needs you", BAD};
	case LINK_WAITING:
		return (struct link_words){"busy", "waits", BUSY};
	case LINK_UNCERTAIN:
		return (struct link_words){"busy", "being repeated", BUSY};
	case LINK_EXCLUDED:
		return is_marked ? (struct link_words){"busy", "on the way", BUSY}
				 : (struct link_words){"idle", excluded_word(link), IDLE};
	case LINK_NEW:
	case LINK__MAX:
		break;
	}
	return is_marked ? (struct link_words){"busy", "on the way", BUSY}
			 : (struct link_words){"idle", "not sent", IDLE};
}

/* Why it is as it is. */
static json_t *
reason(const struct link *link, bool is_marked)
{
	if (link->cause[0] != '\0')
		return words_json(link->cause);
	if (link->state == LINK_EXCLUDED && !is_marked)
		return json_string("The filter of the mapping leaves it out.");
	if (link->state == LINK_NEW && !is_marked)
		return json_string("Nothing was sent yet.");
	return json_string("");
}

/* Which record it is was found, chosen, or made. */
static json_t *
how(const struct link *link)
{
	if (link->how[0] != '\0')
		return words_json(link->how);
	return json_string(link->remote_id[0] != '\0' ? "Billhook made it" : "");
}

/* The CRM object as the mapping's settings name it. */
static json_t *
crm_object(const struct mapped_sync *sync, const struct map_object *object)
{
	const struct map_object *objects;
	struct bh_buf to = BH_BUF_INIT(1024);
	json_t *text;

	map_objects(sync->map, &objects);
	if (map_object_to(sync->map, (size_t)(object - objects), sync->account.settings, &to,
		NULL) < 0)
		bh_buf_adds(&to, object->to);
	text = words_json(bh_buf_str(&to));
	bh_buf_release(&to);
	return text;
}

json_t *
link_view(const struct exchange *exchange, const struct mapped_sync *sync,
    const struct map_object *object, const struct link_id *id, const struct link *link,
    bool is_marked, int64_t now_ms)
{
	struct link_words words = link_words(link, is_marked);
	const char *name = sync->to.name[0] != '\0' ? sync->to.name : sync->to.code;
	json_t *view = json_object();

	json_object_set_new(view, "crm", words_json(name));
	json_object_set_new(view, "crm_url",
	    json_sprintf("%s/connections/%s", exchange->request->base, sync->to.code));
	json_object_set_new(view, "sync", json_string(sync->account.code));
	json_object_set_new(view, "object", words_json(object->name));
	json_object_set_new(view, "to", crm_object(sync, object));
	json_object_set_new(view, "state", json_string(words.state));
	json_object_set_new(view, "word", json_string(words.word));
	json_object_set_new(view, "reason", reason(link, is_marked));
	json_object_set_new(view, "remedy", words_json(link->remedy));
	json_object_set_new(view, "code", words_json(link->code));
	json_object_set_new(view, "remote_id", words_json(link->remote_id));
	json_object_set_new(view, "remote_url", mapped_record_url(sync, object, link->remote_id));
	json_object_set_new(view, "how", how(link));
	json_object_set_new(view, "pushed", words_time_json(link->pushed_ms, now_ms));
	json_object_set_new(view, "url", mapped_url(exchange, id));
	json_object_set_new(view, "is_held", json_boolean(link->state == LINK_HELD));
	json_object_set_new(view, "is_undone", json_boolean(is_link_undone(link)));
	json_object_set_new(view, "is_linked", json_boolean(link->remote_id[0] != '\0'));
	json_object_set_new(view, "is_paused",
	    json_boolean(sync->account.paused || sync->to.paused));
	return view;
}

static void
step_words(const struct link_step *step, const char **state_r, const char **text_r)
{
	static const struct {
		enum link_what what;
		const char *state, *text;
	} words[] = {{LINK_CREATED, "good", "made in the CRM"},
	    {LINK_WRITTEN, "good", "written to the CRM"},
	    {LINK_REFUSED, "bad", "could not be written"},
	    {LINK_LATER, "busy", "could not be written yet: tried again"},
	    {LINK_UNANSWERED, "busy", "sent, without an answer: repeated"},
	    {LINK_WAITED, "busy", "waits for what it belongs to"},
	    {LINK_LEFT_OUT, "idle", "left out"},
	    {LINK_CHOSEN, "good", "a person said which record it is"},
	    {LINK_PUT_BACK, "idle", "what stood there before was put back"},
	    {LINK_LET_GO, "good", "a person lets it be written again"}};

	*state_r = "idle";
	*text_r = "";
	for (size_t i = 0; i < BH_LEN(words); i++) {
		if (words[i].what != step->what)
			continue;
		*state_r = words[i].state;
		*text_r = words[i].text;
	}
}

json_t *
link_steps(const struct link *link, int64_t now_ms)
{
	json_t *list = json_array();

	for (size_t i = 0; i < LINK_PAST_MAX && link->past[i].what != LINK_NOTHING; i++) {
		const char *state, *text;

		step_words(&link->past[i], &state, &text);
		json_array_append_new(list,
		    json_pack("{s:I, s:o, s:s, s:s, s:o}", "at", (json_int_t)link->past[i].at_ms,
			"time", words_time_json(link->past[i].at_ms, now_ms), "state", state,
			"text", text, "code", words_json(link->past[i].code)));
	}
	return list;
}

/* "A rule refused the record: no such names": the part before the details. */
static json_t *
first_clause(const char *cause)
{
	const char *end = strstr(cause, ": ");
	char *text = end != NULL ? bh_xstrndup(cause, (size_t)(end - cause)) : bh_xstrdup(cause);
	json_t *json = words_json(text);

	free(text);
	return json;
}

json_t *
link_code_words(const char *code, const char *cause)
{
	static const struct {
		const char *code, *words;
	} own[] = {{LINK_AMBIGUOUS, "Several records match"},
	    {"MAPPING", "The mapping does not fit the value"},
	    {"MATCH", "What would decide which record it is cannot be asked"},
	    {"TAKEN", "The record belongs to another billing object"},
	    {"PARENT", "What it belongs to is not in the CRM"},
	    {"HIDDEN_FIELD", "A field cannot be seen"}, {"", "Refused"}};

	for (size_t i = 0; i < BH_LEN(own); i++)
		if (strcmp(own[i].code, code) == 0)
			return json_string(own[i].words);
	return *cause != '\0' ? first_clause(cause) : words_json(code);
}
