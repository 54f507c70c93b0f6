/*
 * HubSpot: single calls about the portal's schema, and what their refusals mean.
 * Short limits (search allows five calls a second) are waited for here, since a
 * count or a removal is one long errand and nothing else waits for it.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

#define TRIES 4

static const struct rule {
	int status;          /* 0: any */
	const char *code;    /* NULL: any */
	const char *message; /* a part of HubSpot's sentence; NULL: any */
	const char *cause, *remedy;
} rules[] = {
    {403, "MISSING_SCOPES", NULL, NULL,
	"Grant these scopes to the token or app in HubSpot, connect again, then do this again"},
    {403, NULL, NULL, "HubSpot forbids it: a permission or the portal's plan is missing",
	"Check the token's scopes and the portal's plan, then do this again"},
    {0, "INVALID_NAME", NULL, "HubSpot does not take this name", "Choose another name"},
    {0, NULL, "unique properties", "No more properties with unique values fit on this object",
	"Remove one that nobody needs (ten are allowed), then do this again"},
    {0, NULL, "limit", "The portal has as many of these as it may",
	"Remove some that nobody needs, or buy more in HubSpot, then do this again"},
    {0, "CANNOT_DELETE_PROPERTY_IN_USE", NULL,
	"Something in HubSpot uses it: a list, a workflow, a form or another object",
	"Take it out of there, then do this again"},
    {0, "EXISTING_OBJECT_RECORDS", NULL, "It has records still",
	"Remove them in HubSpot, then do this again"},
    {0, NULL, NULL, "HubSpot refuses it",
	"Correct what the text says in HubSpot, then do this again"},
};

static bool
holds(const struct rule *rule, int status, const char *code, const char *message)
{
	return (rule->status == 0 || rule->status == status) &&
	       (rule->code == NULL || strcmp(rule->code, code) == 0) &&
	       (rule->message == NULL || strstr(message, rule->message) != NULL);
}

/* fault tells HubSpot's own word, and which scopes are missing. */
static void
refuse(struct hubspot_refusal *refusal, int status, const json_t *error,
    const struct hubspot_fault *fault)
{
	const char *message = dest_text(error, "message", "");
	const struct rule *rule = rules;
	char text[400];

	while (!holds(rule, status, fault->result.code, message))
		rule++;
	if (rule->cause == NULL)
		snprintf(text, sizeof(text), "%s", fault->result.cause);
	else
		snprintf(text, sizeof(text), "%s%s%.250s", rule->cause,
		    message[0] != '\0' ? ": " : "", message);
	refusal->status = status;
	snprintf(refusal->code, sizeof(refusal->code), "%s", fault->result.code);
	dest_copy(refusal->cause, sizeof(refusal->cause), text);
	snprintf(refusal->remedy, sizeof(refusal->remedy), "%s", rule->remedy);
}

void
hubspot_refusal_of_item(struct hubspot_refusal *refusal, const json_t *error)
{
	struct hubspot_fault fault;

	hubspot_fault_item(&fault, error);
	refuse(refusal, 0, error, &fault);
	hubspot_fault_release(&fault);
}

json_t *
hubspot_failure(const char *name, const struct hubspot_refusal *refusal)
{
	return json_pack("{s:s, s:o, s:o, s:s}", "name", name, "code",
	    bh_json_string(refusal->code), "cause", bh_json_string(refusal->cause), "remedy",
	    refusal->remedy);
}

void
hubspot_reply_release(struct hubspot_reply *reply)
{
	json_decref(reply->body);
	reply->body = NULL;
}

static int
take(const struct http_response *response, struct hubspot_reply *reply, struct bh_err *err)
{
	struct hubspot_answer answer;
	struct hubspot_fault fault;
	int rc = 0;

	hubspot_answer_read(&answer, response);
	if (hubspot_is_good(&answer)) {
		reply->body = json_incref(answer.body);
	} else {
		hubspot_fault_answer(&fault, &answer);
		if (fault.result.outcome == DEST_REJECTED)
			refuse(&reply->refusal, response->status, answer.body, &fault);
		else
			rc = hubspot_fail(&answer, err);
		hubspot_fault_release(&fault);
	}
	hubspot_answer_release(&answer);
	return rc;
}

static int
ask_once(struct dest_config *config, const char *method, const char *path, const json_t *body,
    struct hubspot_reply *reply, struct bh_err *err)
{
	struct hubspot_talk talk = {.config = config};
	struct http_request request;
	struct http_response response;
	int rc;

	config->usage.pause_s = 0;
	hubspot_request_init(&request, config, method, path);
	if (body != NULL) {
		http_request_header(&request, "Content-Type", "application/json");
		bh_json_add(&request.body, body);
	}
	http_response_init(&response);
	hubspot_perform(&talk, &request, &response, 1);
	rc = take(&response, reply, err);
	http_response_release(&response);
	http_request_release(&request);
	return rc;
}

int
hubspot_try(struct dest_config *config, const char *method, const char *path, const json_t *body,
    struct hubspot_reply *reply, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	*reply = (struct hubspot_reply){.body = NULL};
	if (config->auth->access_token.len == 0)
		return bh_fail(err, BH_DENIED, "there is no access token yet");
	for (int i = 0; i < TRIES; i++) {
		rc = ask_once(config, method, path, body, reply, &why);
		if (rc == 0 || why.code != BH_LIMITED || why.retry_after_s > HUBSPOT_WINDOW_S ||
		    i + 1 == TRIES)
			break;
		bh_sleep_ms(why.retry_after_s * 1000);
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}
