/*
 * HubSpot: what a refusal means.  The table says for each what becomes of the
 * record and what a person can do; the code below finds out which row holds,
 * because HubSpot tells the reason in half a dozen places: in a JSON array
 * inside the message, in errors[], subCategory, category, policyName,
 * errorType or only in words.  ("Error handling", "Usage guidelines")
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define RULE_OWNER 16u  /* the cause names the record that holds the value */
#define RULE_SCOPES 32u /* the cause names the missing scopes */
#define RULE_QUIET 64u  /* HubSpot's own sentence is left out */

#define FAULT_ALL (FAULT_COMMON | FAULT_SPLIT | FAULT_EMAIL | FAULT_PROPERTY)

/* The columns stand in hubspot_rules.def. */
struct rule {
	const char *code;
	const char *message;
	const char *as;
	const char *cause;
	const char *remedy;
	enum dest_outcome outcome;
	int status;
	int retry_s;
	unsigned flags;
};

#define OUR_FAULT "This is a fault of Billhook: please report it with this message"
#define BY_ITSELF "Billhook tries again by itself"

static const struct rule rules[] = {
#define RULE(status_, code_, message_, outcome_, retry_s_, flags_, as_, cause_, remedy_)           \
	{.status = (status_),                                                                      \
	    .code = (code_),                                                                       \
	    .message = (message_),                                                                 \
	    .outcome = (outcome_),                                                                 \
	    .retry_s = (retry_s_),                                                                 \
	    .flags = (flags_),                                                                     \
	    .as = (as_),                                                                           \
	    .cause = (cause_),                                                                     \
	    .remedy = (remedy_)},
#include "dest/hubspot_rules.def"
#undef RULE
};

/* One reason, as it stood in the answer; texts are borrowed from the JSON. */
struct reason {
	const char *code;
	const char *message;
	const char *property;
};

static const char *
text_at(const json_t *json, const char *name)
{
	return dest_text(json, name, NULL);
}

/* context values are arrays of texts: the first. */
static const char *
context_first(const json_t *error, const char *name)
{
	const json_t *list = json_object_get(json_object_get(error, "context"), name);

	return json_string_value(json_is_array(list) ? json_array_get(list, 0) : list);
}

/* "Property values were not valid: [{...}]": the array; new reference or NULL. */
static json_t *
values_in(const char *message)
{
	const char *start = message != NULL ? strstr(message, "not valid: [") : NULL;
	json_t *values = NULL;

	if (start != NULL)
		start = strchr(start, '[');
	if (start != NULL && bh_json_parse(start, strlen(start), &values, NULL) == 0 &&
	    !json_is_array(values)) {
		json_decref(values);
		values = NULL;
	}
	return values;
}

static struct reason
reason_of_value(const json_t *value)
{
	return (struct reason){
	    .code = text_at(value, "error"),
	    .message = text_at(value, "message"),
	    .property = text_at(value, "name"),
	};
}

static struct reason
reason_of_detail(const json_t *detail)
{
	struct reason reason = {
	    .code = text_at(detail, "code"),
	    .message = text_at(detail, "message"),
	    .property = context_first(detail, "propertyName"),
	};

	if (reason.code == NULL)
		reason.code = text_at(detail, "subCategory");
	return reason;
}

/*
 * Of several reasons the first counts; but a bad e-mail address only when
 * nothing else is wrong, because the record can be written without it.
 */
static struct reason
pick(const json_t *list, struct reason (*read)(const json_t *), json_t *emails)
{
	struct reason picked = {0};
	bool is_email = true;

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct reason reason = read(json_array_get(list, i));

		if (reason.code == NULL)
			continue;
		if (strcmp(reason.code, "INVALID_EMAIL") == 0) {
			if (reason.property != NULL)
				json_array_append_new(emails, json_string(reason.property));
			if (picked.code == NULL)
				picked = reason;
		} else if (is_email) {
			picked = reason;
			is_email = false;
		}
	}
	return picked;
}

/* A message that was cut has no whole array, but perhaps a code: copy it into out. */
static const char *
code_in(const char *message, char *out, size_t size)
{
	const char *at = message != NULL ? strstr(message, "\"error\":\"") : NULL;
	size_t len;

	if (at == NULL)
		return NULL;
	at += strlen("\"error\":\"");
	len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (len == 0 || len >= size)
		return NULL;
	memcpy(out, at, len);
	out[len] = '\0';
	return out;
}

/* The most exact word that the envelope itself has. */
static const char *
envelope_code(const json_t *error)
{
	static const char *const members[] = {"policyName", "error", "subCategory", "errorType",
	    "category"};

	for (size_t i = 0; i < BH_LEN(members); i++) {
		const char *word = text_at(error, members[i]);

		if (word != NULL)
			return word;
	}
	return NULL;
}

/* "crm.associations.INVALID_IDENTIFIER": what stands behind the last point. */
static const char *
last_word(const char *code)
{
	const char *point = code != NULL ? strrchr(code, '.') : NULL;

	return point != NULL ? point + 1 : code;
}

static bool
is_code(const char *pattern, const char *code)
{
	size_t len = strlen(pattern);

	if (code == NULL)
		return false;
	if (pattern[len - 1] == '*')
		return strncmp(pattern, code, len - 1) == 0;
	return strcmp(pattern, code) == 0;
}

static bool
is_rule(const struct rule *rule, int status, const struct reason *reason, const char *category,
    const char *message)
{
	if (rule->status != 0 && rule->status != status && rule->status != status / 100)
		return false;
	if (rule->code != NULL && !is_code(rule->code, reason->code) &&
	    !is_code(rule->code, category))
		return false;
	return rule->message == NULL || (message != NULL && strstr(message, rule->message) != NULL);
}

static const struct rule *
find_rule(int status, const struct reason *reason, const char *category, const char *message)
{
	const struct rule *rule = rules;

	/* The last row holds for everything. */
	while (!is_rule(rule, status, reason, category, message))
		rule++;
	return rule;
}

/* The number that stands right before or right behind a marker; false without one. */
static bool
number_at(const char *message, const char *before, const char *after, char out[32])
{
	const char *at = message != NULL ? strstr(message, before != NULL ? before : after) : NULL;
	size_t len = 0;

	if (at == NULL)
		return false;
	if (before != NULL) {
		at += strlen(before);
		len = strspn(at, "0123456789");
	} else {
		while (at > message && at[-1] >= '0' && at[-1] <= '9') {
			at--;
			len++;
		}
	}
	if (len == 0 || len > 20)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

/*
 * Who holds the value.  "Cannot set ... on A. B already has that value": B.
 * "Contact already exists. Existing ID: n"; the id may be missing altogether.
 */
static void
owner_of(const json_t *error, const char *message, char out[32])
{
	const char *named = context_first(error, "existingId");
	int64_t vid;

	out[0] = '\0';
	if (named != NULL && strlen(named) <= 20 && strspn(named, "0123456789") == strlen(named))
		snprintf(out, 32, "%s", named);
	else if (number_at(message, "Existing ID: ", NULL, out) ||
		 number_at(message, NULL, " already has that value", out))
		return;
	else if (bh_is_json_int(error, "identityProfile.vid", &vid) && vid > 0)
		snprintf(out, 32, "%lld", (long long)vid);
}

static void
add_scopes(struct bh_buf *text, const json_t *error)
{
	const json_t *scopes = bh_json_at(error, "errors.0.context.requiredGranularScopes");

	if (!json_is_array(scopes))
		scopes = bh_json_at(error, "context.requiredGranularScopes");
	for (size_t i = 0; i < json_array_size(scopes) && i < 8; i++) {
		const char *scope = json_string_value(json_array_get(scopes, i));

		if (scope != NULL)
			bh_buf_addf(text, "%s%.64s", i == 0 ? ": " : ", ", scope);
	}
}

/* "another contact has ..." as a sentence of its own, with the owner where it is known. */
static void
add_owner(struct bh_buf *text, const char *owner, const char *cause)
{
	if (owner[0] != '\0')
		bh_buf_addf(text, "HubSpot record %s holds the value: %s", owner, cause);
	else
		bh_buf_addf(text, "In HubSpot %s", cause);
}

/* How much of it is ours: what follows is HubSpot's sentence; 0 all. */
static size_t
compose(struct bh_buf *text, const struct rule *rule, const struct reason *reason,
    const json_t *error, const char *owner)
{
	const char *message = reason->message;
	size_t own_len = 0;

	if ((rule->flags & RULE_OWNER) != 0)
		add_owner(text, owner, rule->cause);
	else
		bh_buf_adds(text, rule->cause);
	if ((rule->flags & RULE_SCOPES) != 0)
		add_scopes(text, error);
	else if (reason->property != NULL)
		bh_buf_addf(text, " (%.80s)", reason->property);
	if (message != NULL && (rule->flags & (RULE_QUIET | RULE_SCOPES)) == 0) {
		own_len = text->len;
		bh_buf_addf(text, ": %.300s", message);
	}
	return own_len;
}

static void
apply(struct hubspot_fault *fault, const struct rule *rule, const struct reason *reason,
    const json_t *error, int status)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	char number[16], owner[32] = "";
	const char *code = rule->as;
	size_t own_len;

	if ((rule->flags & RULE_OWNER) != 0)
		owner_of(error, reason->message, owner);
	own_len = compose(&text, rule, reason, error, owner);
	snprintf(number, sizeof(number), "HTTP_%d", status);
	if (code == NULL)
		code = reason->code != NULL ? reason->code : status != 0 ? number : "REFUSED";
	dest_result_set(&fault->result, rule->outcome, code, bh_buf_str(&text), rule->remedy);
	fault->result.own_len = own_len;
	dest_result_say(&fault->result, error);
	snprintf(fault->result.remote_id, sizeof(fault->result.remote_id), "%s", owner);
	fault->result.retry_after_s = rule->retry_s;
	fault->flags = rule->flags & FAULT_ALL;
	if (json_array_size(fault->emails) == 0)
		fault->flags &= ~FAULT_EMAIL;
	if (reason->property != NULL)
		snprintf(fault->property, sizeof(fault->property), "%s", reason->property);
	bh_buf_release(&text);
}

static void
read_error(struct hubspot_fault *fault, int status, const json_t *error)
{
	const char *message = text_at(error, "message");
	const char *category = text_at(error, "category");
	json_t *values = values_in(message);
	struct reason reason;
	char word[64];

	*fault = (struct hubspot_fault){.emails = json_array()};
	reason = pick(values, reason_of_value, fault->emails);
	if (reason.code == NULL)
		reason = pick(json_object_get(error, "errors"), reason_of_detail, fault->emails);
	if (reason.code == NULL)
		reason.code = code_in(message, word, sizeof(word));
	if (reason.code == NULL)
		reason.code = envelope_code(error);
	if (reason.message == NULL)
		reason.message = message;
	if (reason.property == NULL)
		reason.property = context_first(error, "propertyName");
	if (reason.property == NULL)
		reason.property = context_first(error, "properties");
	reason.code = last_word(reason.code);
	/* Beside an exact code the sentence may quote a person's value: it is not looked at. */
	if (values != NULL)
		message = NULL;
	apply(fault, find_rule(status, &reason, category, message), &reason, error, status);
	json_decref(values);
}

void
hubspot_fault_item(struct hubspot_fault *fault, const json_t *error)
{
	read_error(fault, 0, error);
}

/* No answer: the code of the transport's error tells whether anything can have been written. */
static void
read_silence(struct hubspot_fault *fault, const struct bh_err *err)
{
	enum dest_outcome outcome = DEST_UNCERTAIN;
	const char *code = "NO_ANSWER";

	*fault = (struct hubspot_fault){.flags = FAULT_COMMON};
	if (err->code == BH_UNAVAILABLE) {
		outcome = DEST_LATER;
		code = "UNREACHABLE";
	} else if (err->code == BH_LIMITED) {
		outcome = DEST_LATER;
		code = "LIMITED";
	} else if (err->code == BH_DENIED) {
		outcome = DEST_AUTH;
		code = "AUTHENTICATION";
	}
	dest_result_set(&fault->result, outcome, code, err->text, BY_ITSELF);
	fault->result.retry_after_s = err->retry_after_s;
}

void
hubspot_fault_answer(struct hubspot_fault *fault, const struct hubspot_answer *answer)
{
	int told;

	if (answer->response->status == 0) {
		read_silence(fault, &answer->response->err);
		return;
	}
	read_error(fault, answer->response->status, answer->body);
	told = hubspot_retry_after(answer->response);
	if (told == 0 && answer->response->status == 429 &&
	    fault->result.retry_after_s == HUBSPOT_WINDOW_S)
		told = hubspot_window(answer->response);
	if (told > 0 && fault->result.outcome == DEST_LATER)
		fault->result.retry_after_s = told;
}

void
hubspot_fault_release(struct hubspot_fault *fault)
{
	json_decref(fault->emails);
	fault->emails = NULL;
}
