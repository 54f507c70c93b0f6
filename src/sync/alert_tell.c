/* See alert_tell.h and alert_target.h. */
#include "base/base.h"

#include "sync/alert_tell.h"

#include "base/clock.h"
#include "base/text.h"
#include "sync/alert_target.h"

#define TEXT_MAX 16384
#define DETAIL_MAX 300 /* bytes of an incident's text */
#define ANSWER_MAX 4096
#define ANSWER_SHOWN 60
#define TIMEOUT_MS 20000

/* -- what is to be told -- */

static void
sooner(int64_t *next_ms, int64_t at_ms)
{
	if (at_ms < *next_ms)
		*next_ms = at_ms;
}

enum alert_news
alert_news(const struct alert_incident *incident, const struct alert_target *target,
    int64_t remind_ms, int64_t quiet_end_ms, int64_t now_ms, int64_t *next_ms)
{
	int64_t told_ms = bh_json_int(incident->told, target->code, 0);
	int64_t due_ms = incident->due_ms;
	enum alert_news news = ALERT_NEW;

	if (incident->cured_ms != 0) {
		if (told_ms == 0)
			return ALERT_NO_NEWS;
		news = ALERT_CURED;
		due_ms = 0;
	} else if (incident->priority < target->least) {
		return ALERT_NO_NEWS;
	} else if (told_ms != 0) {
		if (!incident->is_reminded || remind_ms == 0)
			return ALERT_NO_NEWS;
		news = ALERT_REMINDER;
		due_ms = told_ms + remind_ms;
	}
	if (quiet_end_ms > due_ms && incident->priority != ALERT_HIGH)
		due_ms = quiet_end_ms;
	if (due_ms <= now_ms)
		return news;
	sooner(next_ms, due_ms);
	return ALERT_NO_NEWS;
}

/* -- words -- */

void
alert_message_begin(struct alert_message *message)
{
	memset(message, 0, sizeof(*message));
	bh_buf_init(&message->text, TEXT_MAX);
}

void
alert_message_release(struct alert_message *message)
{
	bh_buf_release(&message->text);
}

/* One line of what others wrote. */
static void
add_line(struct bh_buf *out, const char *text, size_t max)
{
	char *line = bh_xstrndup(text, max);

	bh_utf8_mend(line, strlen(text) > max);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	bh_buf_adds(out, line);
	free(line);
}

void
alert_message_add(struct alert_message *message, enum alert_news news,
    const struct alert_incident *incident)
{
	static const char *const words[] = {"", "", "Still: ", "Over: "};
	struct bh_buf *out = &message->text;
	bool is_link =
	    bh_has_prefix(incident->link, "https://") || bh_has_prefix(incident->link, "http://");

	if (message->n == 0)
		snprintf(message->subject, sizeof(message->subject), "%s%.200s", words[news],
		    incident->title);
	message->n++;
	message->cured += news == ALERT_CURED;
	message->opened += news != ALERT_CURED;
	if (message->n > ALERT_LINES_MAX)
		return;
	bh_buf_adds(out, words[news]);
	add_line(out, incident->title, sizeof(incident->title));
	bh_buf_addc(out, '\n');
	if (news != ALERT_CURED && incident->text[0] != '\0') {
		bh_buf_adds(out, "  ");
		add_line(out, incident->text, DETAIL_MAX);
		bh_buf_addc(out, '\n');
	}
	if (news != ALERT_CURED && is_link) {
		bh_buf_adds(out, "  ");
		add_line(out, incident->link, sizeof(incident->link));
		bh_buf_addc(out, '\n');
	}
}

void
alert_message_end(struct alert_message *message, const char *url)
{
	if (message->n > ALERT_LINES_MAX)
		bh_buf_addf(&message->text, "and %zu more\n", message->n - ALERT_LINES_MAX);
	if (message->n > 1 && message->cured == 0)
		snprintf(message->subject, sizeof(message->subject), "%zu alerts", message->n);
	else if (message->n > 1)
		snprintf(message->subject, sizeof(message->subject), "%zu alerts, %zu over",
		    message->opened, message->cured);
	bh_utf8_mend(message->subject, true);
	if (url[0] != '\0')
		bh_buf_addf(&message->text, "%s/alerts\n", url);
}

void
alert_message_test(struct alert_message *message, const struct alert_target *target,
    const char *url)
{
	snprintf(message->subject, sizeof(message->subject), "Alerts arrive here");
	message->n = 1;
	bh_buf_adds(&message->text, "A message on trial: alerts of Billhook arrive here, as ");
	add_line(&message->text, target->name[0] != '\0' ? target->name : target->code,
	    sizeof(target->name));
	bh_buf_adds(&message->text, ".\n");
	alert_message_end(message, url);
}

/* -- telling -- */

void
alert_slack_add(struct bh_buf *out, const struct alert_message *message)
{
	struct bh_buf text = BH_BUF_INIT(TEXT_MAX * (size_t)6);
	json_t *doc;

	for (const char *c = bh_buf_str(&message->text); *c != '\0'; c++) {
		if (*c == '&')
			bh_buf_adds(&text, "&amp;");
		else if (*c == '<')
			bh_buf_adds(&text, "&lt;");
		else if (*c == '>')
			bh_buf_adds(&text, "&gt;");
		else
			bh_buf_addc(&text, *c);
	}
	doc = json_pack("{s:o}", "text", bh_json_string(bh_buf_str(&text)));
	bh_json_add(out, doc);
	json_decref(doc);
	bh_buf_release(&text);
}

/* What the receiver answered may be shown, when it is a word or two. */
static void
shown_answer(char out[ANSWER_SHOWN + 1], const struct bh_buf *body)
{
	size_t n = 0;

	for (const char *c = bh_buf_str(body); *c != '\0' && n < ANSWER_SHOWN; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127 || *c == '<')
			break;
		out[n++] = *c;
	}
	out[n] = '\0';
}

static int
tell_slack(struct http_transport *transport, const struct alert_target *target,
    const struct alert_message *message, struct bh_err *err)
{
	const char *url = bh_json_str(target->secrets, "url");
	struct http_request request;
	struct http_response response;
	char answer[ANSWER_SHOWN + 1];
	int rc;

	http_request_init(&request, "POST", url != NULL ? url : "");
	http_response_init(&response);
	http_request_header(&request, "Content-Type", "application/json; charset=utf-8");
	request.timeout_ms = TIMEOUT_MS;
	request.answer_max = ANSWER_MAX;
	alert_slack_add(&request.body, message);
	rc = http_perform(transport, &request, &response, err);
	if (rc == 0 && (response.status < 200 || response.status > 299)) {
		shown_answer(answer, &response.body);
		rc = bh_fail(err, response.status == 429 ? BH_LIMITED : BH_UNAVAILABLE,
		    "the receiver answered %d %s", response.status, answer);
	}
	http_request_release(&request);
	http_response_release(&response);
	return rc;
}

void
alert_mail_of(const struct alert_target *target, struct mail *mail)
{
	const json_t *to = json_object_get(target->settings, "to"), *one;
	size_t i;

	memset(mail, 0, sizeof(*mail));
	mail->server = bh_json_str(target->settings, "server");
	mail->user = bh_json_str(target->settings, "user");
	mail->password = bh_json_str(target->secrets, "password");
	mail->from = bh_json_str(target->settings, "from");
	json_array_foreach ((json_t *)(uintptr_t)to, i, one)
		if (i < MAIL_TO_MAX)
			mail->to[mail->to_n++] = json_string_value(one);
}

static int
tell_mail(const struct alert_target *target, const struct alert_message *message,
    struct bh_err *err)
{
	char *subject = bh_xasprintf("[Billhook] %s", message->subject);
	struct mail mail;
	int rc;

	alert_mail_of(target, &mail);
	mail.subject = subject;
	mail.text = bh_buf_str(&message->text);
	mail.now_ms = bh_now_ms();
	rc = mail_send(&mail, err);
	free(subject);
	return rc;
}

int
alert_tell(struct http_transport *transport, const struct alert_target *target,
    const struct alert_message *message, struct bh_err *err)
{
	return target->kind == ALERT_SLACK ? tell_slack(transport, target, message, err)
					   : tell_mail(target, message, err);
}

/* -- is a target whole? -- */

int
alert_target_check(const struct alert_target *target, struct bh_err *err)
{
	const char *url = bh_json_str(target->secrets, "url");
	struct mail mail;

	if (alert_quiet_check(target->quiet, err) < 0)
		return -1;
	if (target->kind == ALERT_MAIL) {
		alert_mail_of(target, &mail);
		if (json_array_size(json_object_get(target->settings, "to")) > MAIL_TO_MAX)
			mail.to_n = 0;
		return mail_check(&mail, err);
	}
	if (url == NULL)
		return bh_fail(err, BH_INVALID, "it needs the address of an incoming webhook");
	return http_check_url(url, err);
}
