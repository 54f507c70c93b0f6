/*
 * Any sender of JSON: facts and the envelope.  What stands where is settings:
 * how it is signed (generic_verify.c), which members name the event, and the
 * reader's table for the objects.
 */
#include "base/base.h"

#include "source/generic.h"

#include "base/crypt.h"
#include "base/text.h"

#define HEADER "header:"
#define TYPE_FALLBACK "event" /* of a sender that tells no type */

static const char *
setting(const struct source_config *config, const char *name)
{
	const char *text = bh_json_str(config->settings, name);

	return text != NULL ? text : "";
}

/* Whether path is "/member": then it can be looked up without parsing. */
static bool
is_top_member(const char *path)
{
	return path[0] == '/' && path[1] != '\0' && strpbrk(path + 1, "/~") == NULL;
}

/* The body, parsed when it is first needed; stays NULL when it cannot be. */
static const json_t *
parsed(const struct source_request *request, json_t **body)
{
	if (*body == NULL)
		bh_json_parse(request->body, request->body_len, body, NULL);
	return *body;
}

/* A word that the envelope holds at path (pointer, or header:name) into out; "" when there is none. */
static void
take_word(const struct source_request *request, const char *path, json_t **body, char *out,
    size_t size)
{
	const char *header;
	json_t *value;

	*out = '\0';
	if (*path == '\0')
		return;
	if (bh_has_prefix(path, HEADER)) {
		header = source_header(request, path + strlen(HEADER));
		if (header != NULL && strlen(header) < size)
			snprintf(out, size, "%s", header);
	} else if (!is_top_member(path) ||
		   !bh_is_json_scanned(request->body, request->body_len, path + 1, out, size)) {
		value = reader_id(reader_at(parsed(request, body), *body, path));
		if (value != NULL && json_string_length(value) < size)
			snprintf(out, size, "%s", json_string_value(value));
		json_decref(value);
	}
	if (*out != '\0' && !is_source_word(out))
		*out = '\0';
}

/* Where the sender names no event, or does not this time: equal bodies are one. */
static void
put_digest(const struct source_request *request, struct source_event *event)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	bh_sha256(digest, request->body, request->body_len);
	bh_hex(hex, digest, sizeof(digest));
	snprintf(event->id, sizeof(event->id), "sha256:%s", hex);
}

static int
identify(const struct source_config *config, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	json_t *body = NULL;

	if (!is_reader_whole(request->body, request->body_len))
		return bh_fail(err, BH_INVALID, "the body is no whole JSON object or array");
	take_word(request, setting(config, "event_id"), &body, event->id, sizeof(event->id));
	take_word(request, setting(config, "event_type"), &body, event->type, sizeof(event->type));
	json_decref(body);
	if (event->id[0] == '\0' || strcmp(event->id, READER_REST) == 0)
		put_digest(request, event);
	if (event->type[0] == '\0')
		snprintf(event->type, sizeof(event->type), TYPE_FALLBACK);
	return 0;
}

static int
normalise(const struct source_config *config, const struct source_event *event, const json_t *body,
    int64_t received_ms, struct source_result *result, struct bh_err *err)
{
	const json_t *table = json_object_get(config->settings, "reader");
	const char *path = setting(config, "event_time");
	struct source_news news = {
	    .config = config,
	    .event = event,
	    .body = body,
	    .received_ms = received_ms,
	    .account = "",
	    .live = true,
	    .result = result,
	};

	if (*path != '\0' && !is_reader_time(reader_at(body, body, path), &news.at_ms))
		return bh_fail(err, BH_INVALID, "the event has no time at %.80s", path);
	if (!is_reader_for(table, event->type, false))
		return source_leave(&news, SOURCE_UNKNOWN,
		    "no object of the reader is for this type");
	if (reader_read(&news, table, err) < 0)
		return -1;
	if (result->changes.n == 0)
		return source_leave(&news, SOURCE_IGNORED, "the reader finds nothing in it");
	return 0;
}

/* A pointer, or where the front looks also a header. */
static int
check_place(const struct source_config *config, const char *name, bool may_be_header,
    struct bh_err *err)
{
	const char *path = setting(config, name);

	if (*path == '\0' || (path[0] == '/' && is_reader_path(path)) ||
	    (may_be_header && bh_has_prefix(path, HEADER) && path[strlen(HEADER)] != '\0'))
		return 0;
	return bh_fail(err, BH_INVALID, "%s must be a JSON Pointer like /id%s", name,
	    may_be_header ? " or header:NAME" : "");
}

static int
check(const struct source_config *config, struct bh_err *err)
{
	const json_t *table = json_object_get(config->settings, "reader");
	const char *currency = setting(config, "currency");

	if (generic_check_signature(config, err) < 0 ||
	    check_place(config, "event_id", true, err) < 0 ||
	    check_place(config, "event_type", true, err) < 0 ||
	    check_place(config, "event_time", false, err) < 0)
		return -1;
	if (*currency != '\0' && strlen(currency) != 3)
		return bh_fail(err, BH_INVALID, "currency must be three letters, for instance USD");
	if (table == NULL)
		return bh_fail(err, BH_INVALID, "reader is missing: which member is which field");
	return reader_check(table, err);
}

/* Which types there are stands in the reader's table. */
static const struct source_type types[] = {{NULL, SOURCE_NOT_WANTED, NULL}};

static const struct setting settings[] = {
    {"scheme", "Scheme", SETTING_CHOICE, SETTING_NEEDED,
	"hmac-sha256-hex hmac-sha256-base64 hmac-sha1-hex token basic", 0, 0, "",
	"how a request shows that it is the sender's: a signature, a secret header, or a password"},
    {"webhook", "Secret", SETTING_TEXT, SETTING_SECRET | SETTING_NEEDED, NULL,
	0, 0, "", "key of the signature, token, or user:password"},
    {"webhook_previous", "Previous secret", SETTING_TEXT,
	SETTING_SECRET | SETTING_ADVANCED, NULL, 0, 0, "",
	"still accepted, while the secret is being changed"},
    {"signature_header", "Header of the signature", SETTING_TEXT, 0, NULL, 0, 0, "",
	"X-Signature where it is left out, X-Webhook-Token for a token"},
    {"signature_prefix", "Text in front of it", SETTING_TEXT, 0, NULL, 0, 0, "",
	"for instance sha256="},
    {"signed", "What is signed", SETTING_CHOICE, 0, "body {timestamp}.{body}", 0, 0, "body",
	"the body alone, or a timestamp, a dot and the body"},
    {"timestamp_header", "Header of the timestamp", SETTING_TEXT, 0, NULL, 0, 0, "",
	"Unix seconds or milliseconds; needed where it is signed"},
    {"tolerance_s", "Age of a signature", SETTING_NUMBER, SETTING_ADVANCED, NULL, 10,
	86400, "300", "seconds by which a signed timestamp may be off"},
    {"event_id", "Id of the event", SETTING_TEXT, 0, NULL, 0, 0, "",
	"JSON Pointer (/id) or header:NAME; left out: equal bodies are one event"},
    {"event_type", "Type of the event", SETTING_TEXT, 0, NULL, 0, 0, "",
	"JSON Pointer (/type) or header:NAME; left out: every event is of the type \"event\""},
    {"event_time", "Time of the event", SETTING_TEXT, 0, NULL, 0, 0, "",
	"JSON Pointer (/created_at); left out: the order of arrival counts"},
    {"reader", "Reader", SETTING_JSON, SETTING_NEEDED, NULL, 0, 0, "",
	"table of which member is which field"},
    {"currency", "Currency", SETTING_TEXT, 0, NULL, 0, 0, "",
	"ISO 4217, for amounts that come without one"},
    {"exponents", "Decimals of currencies", SETTING_JSON, SETTING_ADVANCED, NULL, 0,
	0, "", "of the sender's smallest units, where not those of ISO 4217: {\"ISK\": 2}"},
    {"revenue", "MRR rules", SETTING_JSON, SETTING_ADVANCED, NULL, 0, 0, "",
	"Which discounts, cancellations, pauses count in MRR"},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

const struct source_driver source_generic = {
    .name = "generic",
    .title = "Generic JSON",
    .key_prefix = "generic",
    .kept_headers = (const char *const[]){"content-type", "user-agent", NULL},
    .types = types,
    .verify = generic_verify,
    .identify = identify,
    .normalise = normalise,
    .settings = settings,
    .check = check,
    .steps =
	"Let the sender POST its events as JSON to %s\n"
	"Let it sign each request in the scheme that is chosen here, with the secret that is entered here.\n"
	"Any answer of 2xx means that the event is kept; for any other it must be sent again.",
};
