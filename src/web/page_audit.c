/* The audit trail: which person did what, newest first, with filters in the address. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "web/cursor.h"
#include "web/page.h"
#include "web/page_user.h"
#include "web/words.h"

#define SHOWN 50
#define LOOKED_AT 2000 /* entries that one page looks at for those that fit */
#define FACTS_SHOWN 50

/* What entries are called, and which; those that are not here are "other". */
static const struct kind {
	const char *name, *label;
	const char *const *what;
} kinds[] = {
    {"signin", "Signing in", (const char *const[]){"signin", NULL}},
    {"user", "Users", (const char *const[]){"user", NULL}},
    {"config", "Settings and mappings", (const char *const[]){"config", NULL}},
    {"preview", "Previews and re-syncs", (const char *const[]){"preview", "resync", NULL}},
    {"person", "Personal data", (const char *const[]){"person", NULL}},
    {"records", "Records and events",
	(const char *const[]){"link", "new", "skip", "retry", "sync", "match", "replay", "undo",
	    "redo", NULL}},
};
/* All of them together, to tell what is other. */
static const char *const known[] = {"signin", "user", "config", "preview", "resync", "link", "new",
    "skip", "retry", "sync", "match", "replay", "undo", "redo", "person", NULL};

struct audit {
	struct exchange *exchange;
	const char *user, *kind;
	struct trail_query query;
	struct bh_buf after;
	json_t *entries;
	bool more;
};

static const char *
query(const struct exchange *exchange, const char *name)
{
	const char *text = request_query(exchange->request, name);

	return text != NULL && strlen(text) <= 72 ? text : "";
}

static void
read_query(struct audit *audit)
{
	audit->user = query(audit->exchange, "user");
	audit->kind = query(audit->exchange, "kind");
	audit->query.by = *audit->user != '\0' ? audit->user : NULL;
	for (size_t i = 0; i < BH_LEN(kinds); i++)
		if (strcmp(kinds[i].name, audit->kind) == 0)
			audit->query.what = kinds[i].what;
	if (strcmp(audit->kind, "other") == 0) {
		audit->query.what = known;
		audit->query.is_other = true;
	}
	cursor_read(audit->exchange->request, &audit->after);
}

/* -- showing -- */

static const char *
label_of(const char *what)
{
	for (size_t i = 0; i < BH_LEN(kinds); i++)
		for (const char *const *one = kinds[i].what; *one != NULL; one++)
			if (strcmp(*one, what) == 0)
				return kinds[i].label;
	return "Other";
}

/* Who it was, for people. */
static const char *
name_of(const char *by)
{
	return strcmp(by, "?") == 0 ? "nobody known" : by;
}

/* What was changed, line by line, where an entry tells so. */
static json_t *
lines_of(const json_t *facts)
{
	json_t *lines = json_array(), *one;
	size_t i;

	if (!json_is_array(facts))
		return lines;
	json_array_foreach ((json_t *)(uintptr_t)facts, i, one)
		if (json_is_string(one) && i < FACTS_SHOWN)
			json_array_append_new(lines, json_pack("{s:O}", "line", one));
	return lines;
}

static json_t *
row(const json_t *entry, int64_t now_ms)
{
	const char *what = bh_json_str(entry, "what"), *by = bh_json_str(entry, "by");
	const char *subject = bh_json_str(entry, "subject"), *text = bh_json_str(entry, "text");
	json_t *lines = lines_of(json_object_get(entry, "facts"));

	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "time",
	    words_time_json(bh_json_int(entry, "at", 0), now_ms), "who",
	    name_of(by != NULL ? by : ""), "kind", label_of(what != NULL ? what : ""), "what",
	    what != NULL ? what : "", "subject", subject != NULL ? subject : "", "text",
	    text != NULL ? text : "", "has_lines", json_array_size(lines) > 0, "lines", lines);
}

static json_t *
rows_of(const json_t *entries)
{
	json_t *rows = json_array(), *entry;
	int64_t now_ms = bh_now_ms();
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)entries, i, entry)
		json_array_append_new(rows, row(entry, now_ms));
	return rows;
}

static void
add_choice(json_t *list, const char *value, const char *label, const char *chosen, bool *found)
{
	bool is_chosen = strcmp(value, chosen) == 0;

	*found = *found || is_chosen;
	json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "value", words_json(value),
					"label", words_json(label), "is_chosen", is_chosen));
}

static json_t *
kinds_view(const char *chosen)
{
	json_t *list = json_array();
	bool found = false;

	for (size_t i = 0; i < BH_LEN(kinds); i++)
		add_choice(list, kinds[i].name, kinds[i].label, chosen, &found);
	add_choice(list, "other", "Other", chosen, &found);
	return list;
}

/* The users of now, who is none, and who was asked for: it may be one who is removed. */
static int
add_users(const struct audit *audit, json_t *model, struct bh_err *err)
{
	json_t *names, *one, *list = json_array();
	bool found = *audit->user == '\0';
	size_t i;
	int rc = account_users(exchange_read(audit->exchange), &names, err);

	json_array_foreach (names, i, one)
		add_choice(list, json_string_value(one), json_string_value(one), audit->user,
		    &found);
	add_choice(list, "command line", "the command line", audit->user, &found);
	add_choice(list, "?", "nobody known", audit->user, &found);
	if (!found)
		add_choice(list, audit->user, audit->user, audit->user, &found);
	json_object_set_new(model, "users", list);
	json_decref(names);
	return rc;
}

static json_t *
older_url(const struct audit *audit)
{
	struct bh_buf url = BH_BUF_INIT(4096);
	json_t *text;

	bh_buf_addf(&url, "%s/settings/audit?user=", audit->exchange->request->base);
	bh_percent_add(&url, audit->user, strlen(audit->user));
	bh_buf_adds(&url, "&kind=");
	bh_percent_add(&url, audit->kind, strlen(audit->kind));
	bh_buf_addc(&url, '&');
	cursor_add(&url, &audit->after);
	text = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

static int
show(const struct audit *audit, struct bh_err *err)
{
	const char *base = audit->exchange->request->base;
	json_t *model = json_pack("{s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "settings_url",
	    json_sprintf("%s/settings", base), "action", json_sprintf("%s/settings/audit", base),
	    "kinds", kinds_view(audit->kind), "is_filtered",
	    *audit->user != '\0' || *audit->kind != '\0', "has_entries",
	    json_array_size(audit->entries) > 0, "entries", rows_of(audit->entries), "older_url",
	    audit->more ? older_url(audit) : json_string(""));

	if (add_users(audit, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	return exchange_page(audit->exchange, 200, "audit", "Audit trail", model, err);
}

int
page_audit(struct exchange *exchange, struct bh_err *err)
{
	struct audit audit = {.exchange = exchange, .after = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	int rc;

	if (!user_is_admin(exchange))
		return 0;
	read_query(&audit);
	rc = trail_audit(exchange_read(exchange), &audit.query, LOOKED_AT, SHOWN, &audit.after,
	    &audit.entries, &audit.more, err);
	if (rc == 0)
		rc = show(&audit, err);
	json_decref(audit.entries);
	bh_buf_release(&audit.after);
	return rc;
}
