/* Sources: the table of drivers, and what drivers share about events and secrets. */
#include "base/base.h"

#include "source/source.h"

#include <stdarg.h>
#include <strings.h>

#include "base/crypt.h"
#include "base/text.h"
#include "source/driver.h"

#define TIE_ID_MAX 39 /* beside a prefix of 24 */

static const struct source_driver *const drivers[] = {&source_stripe, &source_lago,
    &source_lostchurn, &source_alguna, &source_generic, NULL};

const struct source_driver *
source_driver(const char *name)
{
	for (size_t i = 0; drivers[i] != NULL; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

const struct source_driver *const *
source_drivers(void)
{
	return drivers;
}

const char *
source_header(const struct source_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_n; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

struct source_want *
source_wants_add(struct source_wants *wants, const char *what, const char *account, const char *id,
    json_t *hint_take)
{
	struct source_want *want;

	if (wants->n == wants->cap) {
		wants->cap = wants->cap != 0 ? wants->cap * 2 : 8;
		wants->items = bh_xrealloc(wants->items, wants->cap * sizeof(wants->items[0]));
	}
	want = &wants->items[wants->n++];
	*want = (struct source_want){.hint = hint_take};
	snprintf(want->what, sizeof(want->what), "%s", what);
	snprintf(want->account, sizeof(want->account), "%s", account);
	snprintf(want->id, sizeof(want->id), "%s", id);
	return want;
}

void
source_wants_release(struct source_wants *wants)
{
	for (size_t i = 0; i < wants->n; i++)
		json_decref(wants->items[i].hint);
	free(wants->items);
	*wants = (struct source_wants){0};
}

void
source_result_release(struct source_result *result)
{
	object_changes_release(&result->changes);
	source_wants_release(&result->wants);
	*result = (struct source_result){0};
}

struct source_result
source_result_copy(const struct source_result *from)
{
	struct source_result to = {.outcome = from->outcome};

	for (size_t i = 0; i < from->changes.n; i++) {
		struct object_change *change = object_changes_add(&to.changes,
		    from->changes.items[i].kind, from->changes.items[i].id);

		json_decref(change->fields);
		*change = from->changes.items[i];
		json_incref(change->fields);
	}
	for (size_t i = 0; i < from->wants.n; i++) {
		const struct source_want *want = &from->wants.items[i];

		source_wants_add(&to.wants, want->what, want->account, want->id,
		    json_incref(want->hint));
	}
	return to;
}

void
source_page_release(struct source_page *page)
{
	source_result_release(&page->result);
	json_decref(page->events);
	json_decref(page->cursor);
	*page = (struct source_page){0};
}

int
source_leave(struct source_news *news, enum source_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	news->result->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(news->result->note, sizeof(news->result->note), fmt, ap);
	va_end(ap);
	return 0;
}

struct object_change *
source_change(struct source_news *news, enum object_kind kind, const json_t *id, struct bh_err *err)
{
	struct object_change *change;
	size_t len = json_string_length(id);

	if (!is_object_told(kind)) {
		bh_fail(err, BH_INVALID, "%s is nothing that a source tells",
		    object_kind_name(kind));
		return NULL;
	}
	if (len == 0 || len >= sizeof(change->id)) {
		bh_fail(err, BH_INVALID, "%s without a usable id", object_kind_name(kind));
		return NULL;
	}
	change = object_changes_add(&news->result->changes, kind, json_string_value(id));
	snprintf(change->account, sizeof(change->account), "%s", news->account);
	change->fields = json_object();
	return change;
}

void
source_want(struct source_news *news, const char *what, const char *id, json_t *hint_take)
{
	source_wants_add(&news->result->wants, what, news->account, id, hint_take);
}

void
source_tie(char tie[64], const char *prefix, const char *id)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	if (strlen(id) > TIE_ID_MAX) {
		bh_sha256(digest, id, strlen(id));
		bh_hex(hex, digest, sizeof(digest));
		id = hex;
	}
	snprintf(tie, 64, "%.24s%.39s", prefix, id);
}

void
source_tie_fields(char tie[64], const json_t *fields)
{
	char *text = bh_json_text(fields);
	unsigned char digest[BH_SHA256_LEN];

	bh_sha256(digest, text, strlen(text));
	bh_hex(tie, digest, 16);
	free(text);
}

int
source_handle(struct source_news *news, const struct source_type *types, const json_t *object,
    struct bh_err *err)
{
	const struct source_type *type = types;

	while (type->type != NULL && strcmp(type->type, news->event->type) != 0)
		type++;
	if (type->type == NULL)
		return source_leave(news, SOURCE_UNKNOWN, "a type of event that is not known here");
	if (type->handle == NULL)
		return source_leave(news, SOURCE_IGNORED, "a type of event that is not used");
	return type->handle(news, object, err);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
add_secret(struct source_secret *secrets, size_t n, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	while (len > 0 && is_space(text[0])) {
		text++;
		len--;
	}
	while (len > 0 && is_space(text[len - 1]))
		len--;
	if (len == 0 || n == SOURCE_SECRETS_MAX)
		return n;
	secrets[n] = (struct source_secret){text, len};
	return n + 1;
}

int
source_secrets(const struct source_config *config, struct source_secret secrets[SOURCE_SECRETS_MAX],
    struct bh_err *err)
{
	static const char *const names[] = {"webhook", "webhook_previous"};
	size_t n = 0;

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const json_t *value = bh_json_at(config->secrets, names[i]);
		size_t index;
		json_t *one;

		n = add_secret(secrets, n, value);
		json_array_foreach (value, index, one)
			n = add_secret(secrets, n, one);
	}
	if (n == 0)
		return bh_fail(err, BH_INVALID, "the connection has no webhook secret");
	return (int)n;
}

bool
is_source_word(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len < 256;
}

/* --- making customers ---------------------------------------------------------- */

int
source_who(const json_t *json, struct source_who *who, struct bh_err *err)
{
	const char *email = bh_json_str(json, "email");

	*who = (struct source_who){bh_json_str(json, "name"),
	    email != NULL && *email != '\0' ? email : NULL, bh_json_str(json, "crm"),
	    bh_json_str(json, "remote_id")};
	if (who->name == NULL || strspn(who->name, " \t") == strlen(who->name))
		return bh_fail(err, BH_INVALID, "a customer needs a name");
	if (who->crm == NULL ||
	    (strcmp(who->crm, "salesforce") != 0 && strcmp(who->crm, "hubspot") != 0))
		return bh_fail(err, BH_INVALID, "no place is known for ids of %.40s",
		    who->crm != NULL ? who->crm : "nothing");
	if (who->remote_id == NULL || !is_source_word(who->remote_id))
		return bh_fail(err, BH_INVALID, "the CRM's record is not named by an id");
	return 0;
}

int
source_customer_id(const json_t *answer, const char *path, char id_r[256], struct bh_err *err)
{
	const char *id = bh_json_str(answer, path);

	if (id == NULL || *id == '\0' || strlen(id) > 255)
		return bh_fail(err, BH_UNAVAILABLE, "the answer does not name the customer");
	snprintf(id_r, 256, "%s", id);
	return 0;
}
