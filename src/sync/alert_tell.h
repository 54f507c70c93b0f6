/* What is to be told to a target of alerts, in which words, and telling it. */
#ifndef SYNC_ALERT_TELL_H
#define SYNC_ALERT_TELL_H

#include "net/http.h"
#include "net/mail.h"
#include "state/alert.h"

enum alert_news {
	ALERT_NO_NEWS = 0,
	ALERT_NEW,
	ALERT_REMINDER,
	ALERT_CURED
};
/*
 * What a target is to hear of an incident now.  quiet_end_ms: see alert_quiet_end().  Of what
 * is to be told later *next_ms gets the time, when that is earlier.
 */
enum alert_news alert_news(const struct alert_incident *incident, const struct alert_target *target,
    int64_t remind_ms, int64_t quiet_end_ms, int64_t now_ms, int64_t *next_ms);

/* A message of several lines, one incident each; what goes beyond ALERT_LINES_MAX is counted. */
#define ALERT_LINES_MAX 20
struct alert_message {
	struct bh_buf text;
	char subject[240];
	size_t n, opened, cured;
};
void alert_message_begin(struct alert_message *message);
void alert_message_add(struct alert_message *message, enum alert_news news,
    const struct alert_incident *incident);
/* url: where to look; "" none. */
void alert_message_end(struct alert_message *message, const char *url);
/* A message on trial. */
void alert_message_test(struct alert_message *message, const struct alert_target *target,
    const char *url);
void alert_message_release(struct alert_message *message);

/* The text as Slack takes it: {"text": ...}. */
void alert_slack_add(struct bh_buf *out, const struct alert_message *message);
/* A target's settings as a mail without words; borrowed from it. */
void alert_mail_of(const struct alert_target *target, struct mail *mail);

/* 0 it was taken; -1 with a reason that names neither address nor secret. */
int alert_tell(struct http_transport *transport, const struct alert_target *target,
    const struct alert_message *message, struct bh_err *err);

#endif
