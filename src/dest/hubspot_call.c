/*
 * HubSpot: requests and answers.  Requests go out in waves of a few at a time;
 * after each wave the rate headers are read, and what HubSpot said about
 * stopping is obeyed before the next.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define DAY_S 86400
#define SILENT_S 10      /* pause when nobody can be reached */
#define PATIENCE_MS 1500 /* so long our turn is waited for here */
#define BODY_MAX ((size_t)64 << 20)

/* HubSpot's own names of object types, as paths take them. */
static bool
is_standard(const char *name)
{
	static const char *const names[] = {"appointment", "call", "cart", "commerce_payment",
	    "communication", "company", "contact", "contract", "course", "deal", "discount",
	    "email", "feedback_submission", "fee", "goal_target", "invoice", "lead", "line_item",
	    "listing", "marketing_event", "meeting", "note", "order", "owner", "partner_client",
	    "payment", "postal_mail", "product", "project", "quote", "quote_template", "service",
	    "subscription", "task", "tax", "ticket", "user"};

	if (strcmp(name, "companies") == 0 || strcmp(name, "taxes") == 0)
		return true;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(names[i], name, len) == 0 &&
		    (name[len] == '\0' || strcmp(name + len, "s") == 0))
			return true;
	}
	return false;
}

bool
hubspot_is_bare(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t digits = name[0] == 'p' ? strspn(name + 1, "0123456789") : 0;

	return name[0] != '\0' && strchr(letters, name[0]) != NULL &&
	       name[strspn(name, others)] == '\0' && (digits == 0 || name[1 + digits] != '_') &&
	       !is_standard(name);
}

static void
path_part(struct bh_buf *path, const struct dest_config *config, char what, const char *a,
    const char *b)
{
	const char *text = what == 'a' ? a : b;

	if (what == 'v')
		text = dest_text(config->settings, "api_version", HUBSPOT_VERSION);
	else if (what != 'n' && config->auth->account_id[0] != '\0' && hubspot_is_bare(text))
		bh_buf_addf(path, "p%.40s_", config->auth->account_id);
	bh_percent_add(path, text, strlen(text));
}

char *
hubspot_path(const struct dest_config *config, const char *pattern, const char *a, const char *b)
{
	struct bh_buf path = BH_BUF_INIT(1u << 16);

	for (const char *s = pattern; *s != '\0'; s++) {
		if (*s == '{') {
			path_part(&path, config, s[1], a, b);
			s += 2;
		} else {
			bh_buf_addc(&path, *s);
		}
	}
	return bh_buf_steal(&path);
}

void
hubspot_request_init(struct http_request *request, const struct dest_config *config,
    const char *method, const char *path)
{
	const char *base = dest_text(config->settings, "base_url", HUBSPOT_BASE_URL);
	size_t len = strlen(base);
	char *url, *bearer;

	while (len > 0 && base[len - 1] == '/')
		len--;
	url = bh_xasprintf("%.*s%s", (int)len, base, path);
	http_request_init(request, method, url);
	free(url);
	http_request_header(request, "Accept", "application/json");
	bh_buf_init(&request->body, BODY_MAX);
	if (config->auth->access_token.len == 0)
		return;
	bearer = bh_xasprintf("Bearer %s", bh_secret_str(&config->auth->access_token));
	http_request_header(request, "Authorization", bearer);
	bh_wipe(bearer, strlen(bearer));
	free(bearer);
}

const char *
hubspot_id_text(const json_t *json, char out[32])
{
	if (!json_is_integer(json))
		return json_string_value(json);
	snprintf(out, 32, "%lld", (long long)json_integer_value(json));
	return out;
}

static int64_t
header_number(const struct http_response *response, const char *name)
{
	const char *text = http_response_header(response, name);
	uint64_t value;

	if (text == NULL || !bh_is_uint(text, strlen(text), INT32_MAX, &value))
		return -1;
	return (int64_t)value;
}

int
hubspot_retry_after(const struct http_response *response)
{
	int64_t seconds = header_number(response, "Retry-After");

	if (seconds <= 0)
		return 0;
	return seconds < DAY_S ? (int)seconds : DAY_S;
}

int
hubspot_window(const struct http_response *response)
{
	int64_t ms = header_number(response, "X-HubSpot-RateLimit-Interval-Milliseconds");

	if (ms <= 0)
		return 0;
	return ms < (int64_t)DAY_S * 1000 ? (int)((ms + 999) / 1000) : DAY_S;
}

/* Answers of one wave arrive in any order: the least that is left is the newest. */
static int64_t
least(const struct http_response *responses, size_t n, const char *name)
{
	int64_t found = -1;

	for (size_t i = 0; i < n; i++) {
		int64_t value = header_number(&responses[i], name);

		if (value >= 0 && (found < 0 || value < found))
			found = value;
	}
	return found;
}

/*
 * OAuth apps get no daily headers; search gets none at all.  Returns how many
 * calls are left by the answers of this wave, SIZE_MAX when they do not say.
 */
static size_t
note_usage(struct dest_config *config, const struct http_response *responses, size_t n)
{
	struct dest_usage *usage = &config->usage, told = {0};
	int64_t limit = least(responses, n, "X-HubSpot-RateLimit-Max");
	int64_t left = least(responses, n, "X-HubSpot-RateLimit-Remaining");
	int64_t window = least(responses, n, "X-HubSpot-RateLimit-Interval-Milliseconds");
	int64_t day = least(responses, n, "X-HubSpot-RateLimit-Daily");
	int64_t day_left = least(responses, n, "X-HubSpot-RateLimit-Daily-Remaining");
	int64_t calls = left;

	if (limit >= 0 && left >= 0) {
		told.burst_limit = usage->burst_limit = limit;
		told.burst_left = usage->burst_left = left;
		told.burst_window_ms = usage->burst_window_ms =
		    window > 0 ? (int)window : HUBSPOT_WINDOW_S * 1000;
	}
	if (day >= 0 && day_left >= 0) {
		told.day_limit = usage->day_limit = day;
		told.day_used = usage->day_used = day_left < day ? day - day_left : 0;
	}
	hubspot_pace_note(config, &told);
	if (day_left >= 0 && (calls < 0 || day_left < calls))
		calls = day_left;
	return calls >= 0 ? (size_t)calls : SIZE_MAX;
}

/* result: the answer that says so, why unless there is one. */
static void
stop_talk(struct hubspot_talk *talk, enum bh_code code, int pause_s, const char *why,
    const struct dest_result *result)
{
	struct dest_usage *usage = &talk->config->usage;

	if (pause_s > usage->pause_s)
		usage->pause_s = pause_s;
	if (talk->stop.code != BH_OK && talk->stop.retry_after_s >= pause_s)
		return;
	if (result != NULL)
		dest_result_fail(result, code, &talk->stop);
	else
		bh_fail(&talk->stop, code, "%s", why);
	talk->stop.retry_after_s = pause_s;
}

/* Who else is to know of it?  wide: calls were in flight. */
static void
spread_stop(struct hubspot_talk *talk, const struct http_response *response,
    const struct dest_result *result, bool is_search, size_t wide)
{
	if (response->status == 423)
		hubspot_pace_narrow(talk->config, wide);
	else if (is_search && strcmp(result->code, "SECONDLY") == 0)
		hubspot_pace_rest(talk->config);
	else if (response->status == 429 || response->status == 477)
		hubspot_pace_stop(talk->config, result->retry_after_s, result->cause);
}

/* Does this answer forbid further calls? */
static void
note_stop(struct hubspot_talk *talk, const struct http_response *response, bool is_search,
    size_t wide)
{
	struct hubspot_answer answer;
	struct hubspot_fault fault;
	int status = response->status;

	if (status == 0 && response->err.code == BH_UNAVAILABLE) {
		stop_talk(talk, BH_UNAVAILABLE, SILENT_S, response->err.text, NULL);
		return;
	}
	if (status != 401 && status != 423 && status != 429 && status != 477)
		return;
	hubspot_answer_read(&answer, response);
	hubspot_fault_answer(&fault, &answer);
	if (strcmp(fault.result.code, "DAILY") == 0 && hubspot_retry_after(response) == 0)
		fault.result.retry_after_s = hubspot_day_left(talk->config);
	spread_stop(talk, response, &fault.result, is_search, wide);
	stop_talk(talk, status == 401 ? BH_DENIED : BH_LIMITED, fault.result.retry_after_s, NULL,
	    &fault.result);
	hubspot_fault_release(&fault);
	hubspot_answer_release(&answer);
}

/* With more to send: an empty bucket is not asked, since refused calls count as well. */
static void
note_empty(struct hubspot_talk *talk)
{
	const struct dest_usage *usage = &talk->config->usage;

	if (usage->day_limit > 0 && usage->day_used >= usage->day_limit)
		stop_talk(talk, BH_LIMITED, hubspot_day_left(talk->config),
		    "The calls that HubSpot allows in a day are used up", NULL);
	else
		stop_talk(talk, BH_LIMITED, (usage->burst_window_ms + 999) / 1000,
		    "The calls that HubSpot allows in ten seconds are used up", NULL);
}

static bool
is_search(const struct http_request *request)
{
	static const char end[] = "/search";
	size_t len = strlen(request->url);

	return len >= sizeof(end) && strcmp(request->url + len - strlen(end), end) == 0;
}

/* How many of n calls go out now; 0: it would take too long, and talk->stop tells how long. */
static size_t
await_turn(struct hubspot_talk *talk, size_t n, bool searches)
{
	struct hubspot_wait wait;
	size_t taken = hubspot_pace_take(talk->config, n, searches, &wait);

	while (taken == 0 && wait.ms <= PATIENCE_MS) {
		bh_sleep_ms((int)wait.ms);
		taken = hubspot_pace_take(talk->config, n, searches, &wait);
	}
	if (taken != 0 && wait.ms > 0)
		bh_sleep_ms((int)wait.ms);
	if (taken == 0)
		stop_talk(talk, BH_LIMITED, (int)((wait.ms + 999) / 1000),
		    wait.why[0] != '\0'
			? wait.why
			: "The calls that HubSpot allows in ten seconds are used up",
		    NULL);
	return taken;
}

void
hubspot_perform(struct hubspot_talk *talk, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct dest_config *config = talk->config;
	size_t wide = hubspot_count(config, "concurrency", 32, HUBSPOT_CONCURRENCY);
	bool searches = n > 0 && is_search(&requests[0]);
	int held = searches ? hubspot_pace_hold(config) : -1;
	size_t done = 0;

	while (done < n && talk->stop.code == BH_OK) {
		size_t wave = await_turn(talk, n - done < wide ? n - done : wide, searches);
		size_t left;

		if (wave == 0)
			break;
		config->transport->perform(config->transport, requests + done, responses + done,
		    wave);
		config->calls += (int64_t)wave;
		left = note_usage(config, responses + done, wave);
		for (size_t i = done; i < done + wave; i++)
			note_stop(talk, &responses[i], searches, wave);
		done += wave;
		if (left < wide)
			wide = left;
		if (done < n && wide == 0)
			note_empty(talk);
	}
	hubspot_pace_release(config, held);
	for (; done < n; done++)
		responses[done].err = talk->stop;
}

void
hubspot_answer_read(struct hubspot_answer *answer, const struct http_response *response)
{
	*answer = (struct hubspot_answer){.response = response};
	if (response->status == 0 || response->body.len == 0)
		return;
	if (bh_json_parse(response->body.data, response->body.len, &answer->body, NULL) == 0 &&
	    !json_is_object(answer->body)) {
		json_decref(answer->body);
		answer->body = NULL;
	}
}

void
hubspot_answer_release(struct hubspot_answer *answer)
{
	json_decref(answer->body);
	answer->body = NULL;
}

bool
hubspot_is_good(const struct hubspot_answer *answer)
{
	return answer->response->status / 100 == 2;
}

int
hubspot_fail(const struct hubspot_answer *answer, struct bh_err *err)
{
	static const enum bh_code codes[DEST__MAX] = {
	    [DEST_LATER] = BH_UNAVAILABLE,
	    [DEST_UNCERTAIN] = BH_UNCERTAIN,
	    [DEST_REJECTED] = BH_INVALID,
	    [DEST_AUTH] = BH_DENIED,
	};
	struct hubspot_fault fault;
	enum bh_code code;

	if (answer->response->status == 0) {
		if (err != NULL)
			*err = answer->response->err;
		return -1;
	}
	hubspot_fault_answer(&fault, answer);
	code = codes[fault.result.outcome];
	if (code == BH_UNAVAILABLE && fault.result.retry_after_s > 0)
		code = BH_LIMITED;
	dest_result_fail(&fault.result, code, err);
	if (err != NULL)
		err->retry_after_s = fault.result.retry_after_s;
	hubspot_fault_release(&fault);
	return -1;
}

static void
add_body(struct http_request *request, const struct hubspot_ask *ask)
{
	if (ask->body == NULL)
		return;
	http_request_header(request, "Content-Type", "application/json");
	request->secret_body = ask->is_secret;
	bh_json_add(&request->body, ask->body);
}

int
hubspot_ask(struct dest_config *config, const struct hubspot_ask *ask, json_t **body_r,
    struct bh_err *err)
{
	struct hubspot_talk talk = {.config = config};
	struct hubspot_answer answer;
	struct http_request request;
	struct http_response response;
	int rc = 0;

	*body_r = NULL;
	if (config->auth->access_token.len == 0)
		return bh_fail(err, BH_DENIED, "there is no access token yet");
	config->usage.pause_s = 0;
	hubspot_request_init(&request, config, ask->method, ask->path);
	add_body(&request, ask);
	http_response_init(&response);
	hubspot_perform(&talk, &request, &response, 1);
	hubspot_answer_read(&answer, &response);
	if (!hubspot_is_good(&answer))
		rc = hubspot_fail(&answer, err);
	else if (answer.body == NULL)
		rc = bh_fail(err, BH_UNAVAILABLE,
		    "HubSpot's answer is not the JSON that it should be");
	else
		*body_r = json_incref(answer.body);
	hubspot_answer_release(&answer);
	http_response_release(&response);
	if (ask->is_secret)
		bh_buf_wipe(&request.body);
	http_request_release(&request);
	return rc;
}

int
hubspot_get(struct dest_config *config, const char *path, json_t **body_r, struct bh_err *err)
{
	const struct hubspot_ask ask = {.method = "GET", .path = path};

	return hubspot_ask(config, &ask, body_r, err);
}
