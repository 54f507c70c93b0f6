/* E-mail: what may be used, and how a message is put together. */
#include "base/base.h"

#include "net/mail.h"
#include "unit.h"

static struct mail
sample(void)
{
	return (struct mail){.server = "smtps://mail.example.com:465",
	    .from = "billhook@example.com",
	    .to = {"ada@example.com", "bob@example.com"},
	    .to_n = 2,
	    .subject = "Over: all",
	    .text = "one\n.\nthree\n",
	    .now_ms = INT64_C(1795321771000)};
}

static void
what_may_be_used(void **state)
{
	static const struct {
		const char *server, *from, *to;
		bool is_good;
	} cases[] = {
	    {"smtps://mail.example.com", "a@example.com", "b@example.com", true},
	    {"smtp://mail.example.com:587", "a@example.com", "b@example.com", true},
	    {"smtp://127.0.0.1:2525/", "a@example.com", "b@example.com", true},
	    {"https://mail.example.com", "a@example.com", "b@example.com", false},
	    {"smtp://user:pass@mail.example.com", "a@example.com", "b@example.com", false},
	    {"smtp://mail.example.com/a%0d%0ab", "a@example.com", "b@example.com", false},
	    {"file:///etc/passwd", "a@example.com", "b@example.com", false},
	    {NULL, "a@example.com", "b@example.com", false},
	    {"smtps://mail.example.com", "a", "b@example.com", false},
	    {"smtps://mail.example.com", "A <a@example.com>", "b@example.com", false},
	    {"smtps://mail.example.com", "a@example.com\r\nBcc: c@example.com", "b@example.com",
		false},
	    {"smtps://mail.example.com", "a@example.com", "b@example.com,c@example.com", false},
	    {"smtps://mail.example.com", "a@example.com", "@example.com", false},
	    {"smtps://mail.example.com", "a@example.com", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct mail mail = {.server = cases[i].server,
		    .from = cases[i].from,
		    .to = {cases[i].to},
		    .to_n = 1};
		struct bh_err err = BH_ERR_INIT;

		if ((mail_check(&mail, &err) == 0) != cases[i].is_good)
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void
a_message_whole(void **state)
{
	struct bh_buf out = BH_BUF_INIT(10000);
	struct mail mail = sample();

	(void)state;
	mail_compose(&out, &mail, "id1");
	assert_string_equal(bh_buf_str(&out),
	    "Date: Sun, 22 Nov 2026 04:29:31 +0000\r\n"
	    "From: Billhook <billhook@example.com>\r\n"
	    "To: <ada@example.com>,\r\n <bob@example.com>\r\n"
	    "Subject: Over: all\r\n"
	    "Message-ID: <id1@example.com>\r\n"
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"
	    "b25lDQouDQp0aHJlZQ0K\r\n");
	bh_buf_release(&out);
}

/* Whatever stands in it, a subject begins no other header, and no line is too long. */
static void
subjects_stay_in_their_header(void **state)
{
	static const char *const subjects[] = {"a\r\nBcc: x@example.com",
	    "\xc3\xa4\xc3\xb6 \xe2\x82\xac", "=?UTF-8?B?eA==?=",
	    "very long, \xc3\xa4 very long, \xc3\xa4 very long, \xc3\xa4 very long, \xc3\xa4 very long, "
	    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 very long"};
	static const char *const wanted[] = {"\r\nSubject: a  Bcc: x@example.com\r\n",
	    "\r\nSubject: =?UTF-8?B?w6TDtiDigqw=?=\r\n",
	    "\r\nSubject: =?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=\r\n", "\r\nSubject: =?UTF-8?B?"};

	(void)state;
	for (size_t i = 0; i < BH_LEN(subjects); i++) {
		struct bh_buf out = BH_BUF_INIT(10000);
		struct mail mail = sample();

		mail.subject = subjects[i];
		mail_compose(&out, &mail, "id1");
		if (strstr(bh_buf_str(&out), wanted[i]) == NULL)
			fail_msg("%s", bh_buf_str(&out));
		assert_null(strstr(bh_buf_str(&out), "\r\nBcc"));
		for (const char *line = bh_buf_str(&out); *line != '\0';) {
			const char *end = strstr(line, "\r\n");

			assert_non_null(end);
			assert_true(end - line <= 86);
			line = end + 2;
		}
		bh_buf_release(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_may_be_used),
	    cmocka_unit_test(a_message_whole),
	    cmocka_unit_test(subjects_stay_in_their_header),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
