/* A copy of everything: made by a job, fetched as one file, removed again. */
#include "base/base.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "state/backup.h"
#include "state/trail.h"
#include "web/form.h"
#include "web/live.h"
#include "web/page.h"
#include "web/page_user.h"
#include "web/session.h"
#include "web/words.h"

static const struct form_field password_fields[] = {
    {"password", "Your password", FORM_PASSWORD, 1, USER_PASSWORD_MOST, "current-password"},
};

/* -- what there is -- */

/* The file, where there is one: 0, -1. */
static int
open_file(const struct exchange *exchange, const struct backup *backup, struct stat *is)
{
	char *path = backup_path(exchange->site->conf->data_dir, backup);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	free(path);
	if (fd >= 0 && (fstat(fd, is) < 0 || !S_ISREG(is->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A file that is gone, as in a store that was itself put back from a copy, is none. */
static int
find_backup(struct exchange *exchange, struct backup *backup, struct bh_err *err)
{
	struct stat is;
	int fd;

	if (backup_get(exchange_read(exchange), backup, err) < 0)
		return -1;
	if (backup->state != BACKUP_READY)
		return 0;
	fd = open_file(exchange, backup, &is);
	if (fd < 0)
		*backup = (struct backup){BACKUP_NONE};
	else
		close(fd);
	return 0;
}

static const char *
state_of(const struct backup *backup)
{
	switch (backup->state) {
	case BACKUP_ASKED:
	case BACKUP_COPYING:
		return "busy";
	case BACKUP_READY:
		return "good";
	case BACKUP_FAILED:
		return "bad";
	case BACKUP_NONE:
	case BACKUP__MAX:
	default:
		return "idle";
	}
}

/* At most all of it: while it is copied the store grows. */
static int64_t
written_of(const struct exchange *exchange, const struct backup *backup)
{
	int64_t written =
	    backup->state == BACKUP_COPYING ? backup_written(exchange->site->conf->data_dir) : 0;

	return written < backup->bytes ? written : backup->bytes;
}

static json_t *
copying_text(const struct backup *backup, int64_t written)
{
	if (backup->bytes <= 0)
		return json_string("Everything is being copied. Billhook goes on meanwhile.");
	return json_sprintf(
	    "Everything is being copied: %.1f of about %.1f MiB are written. Billhook goes on meanwhile.",
	    (double)written / 1048576, (double)backup->bytes / 1048576);
}

static json_t *
text_of(const struct backup *backup, int64_t written)
{
	switch (backup->state) {
	case BACKUP_ASKED:
		return json_string("A copy is asked for, and begins in a moment.");
	case BACKUP_COPYING:
		return copying_text(backup, written);
	case BACKUP_READY:
		return json_string("A copy is ready.");
	case BACKUP_FAILED:
		return json_sprintf("The copy could not be made. %s", backup->note);
	case BACKUP_NONE:
	case BACKUP__MAX:
	default:
		return json_string("There is no copy at the moment.");
	}
}

/* What changes while a person looks. */
static void
add_live(const struct exchange *exchange, const struct backup *backup, json_t *model, json_t *live)
{
	int64_t written = written_of(exchange, backup);
	int percent = backup->bytes > 0 ? (int)(written * 100 / backup->bytes) : 0;
	bool is_busy = backup->state == BACKUP_ASKED || backup->state == BACKUP_COPYING;

	live_set(live, model, "backup", "state", json_string(state_of(backup)));
	live_set(live, model, "backup", "text", text_of(backup, written));
	live_set(live, model, "backup", "percent", json_sprintf("%d", percent));
	live_set_shown(live, model, "backup", "is_busy", is_busy);
	json_object_set_new(live, "newest",
	    json_sprintf("%lld-%s", (long long)backup->asked_ms, state_of(backup)));
}

static json_t *
file_view(const struct backup *backup, int64_t now_ms)
{
	char until[WORDS_MAX];

	if (backup->state != BACKUP_READY)
		return json_null();
	words_age(until, backup->until_ms, now_ms);
	return json_pack("{s:s, s:o, s:o, s:s, s:b}", "name", backup->name, "size",
	    json_sprintf("%.1f MiB", (double)backup->bytes / 1048576), "made",
	    words_time_json(backup->made_ms, now_ms), "until", until, "has_key", backup->has_key);
}

static const char *
notice(const struct exchange *exchange)
{
	static const struct user_notice notices[] = {{"removed", "The file is removed."}};

	return user_notice(exchange, notices, BH_LEN(notices));
}

/* errors: of the form that fetches it; NULL none. */
static int
show(struct exchange *exchange, int status, const json_t *errors, struct bh_err *err)
{
	const char *base = exchange->request->base;
	json_t *model = json_object(), *live = json_object();
	struct backup backup;

	if (find_backup(exchange, &backup, err) < 0) {
		json_decref(model);
		json_decref(live);
		return -1;
	}
	add_live(exchange, &backup, model, live);
	json_object_set(model, "newest", json_object_get(live, "newest"));
	json_object_set_new(model, "settings_url", json_sprintf("%s/settings", base));
	json_object_set_new(model, "base_url", json_sprintf("%s/settings/backup", base));
	json_object_set_new(model, "done", json_string(notice(exchange)));
	json_object_set_new(model, "file", file_view(&backup, bh_now_ms()));
	json_object_set_new(model, "fields",
	    form_view(password_fields, BH_LEN(password_fields), NULL, errors));
	json_object_set_new(model, "data_dir", words_json(exchange->site->conf->data_dir));
	json_decref(live);
	return exchange_page(exchange, status, "backup", "Backup", model, err);
}

int
page_backup(struct exchange *exchange, struct bh_err *err)
{
	return user_is_admin(exchange) ? show(exchange, 200, NULL, err) : 0;
}

int
page_backup_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *model, *live;
	struct backup backup;

	if (!user_is_admin(exchange))
		return 0;
	if (find_backup(exchange, &backup, err) < 0)
		return -1;
	model = json_object();
	live = json_object();
	add_live(exchange, &backup, model, live);
	response_json(exchange->response, 200, live);
	json_decref(model);
	return 0;
}

/* -- buttons -- */

struct press {
	const struct exchange *exchange;
	bool has_key;
	const char *text; /* for the trail */
	int (*act)(struct store_txn *txn, const struct press *press, struct bh_err *err);
};

static int
ask_for(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	return backup_ask(txn, press->has_key, bh_now_ms(), err);
}

static int
keep_a_while(struct store_txn *txn, const struct press *press BH_UNUSED, struct bh_err *err)
{
	return backup_end(txn, bh_now_ms() + BACKUP_FETCHED_MS, err);
}

static int
end_now(struct store_txn *txn, const struct press *press BH_UNUSED, struct bh_err *err)
{
	return backup_end(txn, bh_now_ms(), err);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "backup",
	    .subject = "store",
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = press->act(txn, press, err);

	if (rc != 0)
		return rc;
	snprintf(text, sizeof(text), "%s, in the browser by %.72s", press->text, entry.by);
	trail_add(txn, 0, &entry);
	return 0;
}

static int
do_press(struct exchange *exchange, const struct press *press, const char *done, struct bh_err *err)
{
	char path[64];

	if (store_run(exchange->site->store, press_in, (void *)(uintptr_t)press, NULL, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/settings/backup%s", done);
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}

static int
make(struct exchange *exchange, struct bh_err *err)
{
	const char *key = request_field(exchange->request, "key");
	struct press press = {.exchange = exchange,
	    .has_key = key != NULL && strcmp(key, "yes") == 0,
	    .act = ask_for};

	press.text = press.has_key ? "a copy with the key was asked for" : "a copy was asked for";
	return do_press(exchange, &press, "", err);
}

static int
drop(struct exchange *exchange, struct bh_err *err)
{
	struct press press = {.exchange = exchange, .act = end_now, .text = "the copy was removed"};

	return do_press(exchange, &press, "?done=removed", err);
}

/* -- fetching it -- */

static int
refuse(struct exchange *exchange, const char *text, struct bh_err *err)
{
	json_t *errors = json_pack("{s:s}", "password", text);
	int rc = show(exchange, 400, errors, err);

	json_decref(errors);
	return rc;
}

/* Noted before it is sent: that it leaves is what counts. */
static int
send(struct exchange *exchange, const struct backup *backup, struct bh_err *err)
{
	const struct press press = {.exchange = exchange,
	    .act = keep_a_while,
	    .text = backup->has_key ? "the copy with the key was fetched" : "the copy was fetched"};
	struct stat is;
	int fd = open_file(exchange, backup, &is);

	if (fd < 0)
		return show(exchange, 404, NULL, err);
	if (store_run(exchange->site->store, press_in, (void *)(uintptr_t)&press, NULL, err) < 0) {
		close(fd);
		return -1;
	}
	response_stream(exchange->response, fd, (uint64_t)is.st_size, "application/x-tar",
	    backup->name);
	return 0;
}

static int
fetch(struct exchange *exchange, struct bh_err *err)
{
	const char *password = request_field(exchange->request, "password");
	struct backup backup;
	int rc;

	if (password == NULL || *password == '\0')
		return refuse(exchange, "Please fill in: Your password.", err);
	if (strlen(password) > USER_PASSWORD_MOST)
		return refuse(exchange, "That is not your password.", err);
	rc = session_is_password(exchange, password, err);
	if (rc == 0)
		return refuse(exchange, "That is not your password.", err);
	if (rc < 0 || find_backup(exchange, &backup, err) < 0)
		return -1;
	return backup.state == BACKUP_READY ? send(exchange, &backup, err)
					    : show(exchange, 404, NULL, err);
}

int
page_backup_press(struct exchange *exchange, struct bh_err *err)
{
	const char *action = exchange->match.args[0];

	if (strcmp(action, "make") == 0)
		return make(exchange, err);
	if (strcmp(action, "fetch") == 0)
		return fetch(exchange, err);
	if (strcmp(action, "remove") == 0)
		return drop(exchange, err);
	exchange_error(exchange, 404, "There is no such button.");
	return 0;
}
