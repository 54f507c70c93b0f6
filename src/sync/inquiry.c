/* See inquiry.h. */
#include "base/base.h"

#include "sync/inquiry.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/inquiry.h"
#include "state/trail.h"
#include "sync/person_document.h"

#define TELL_MS 1000 /* how far it is is told so often */

/* One run. */
struct run {
	const struct sync_context *context;
	struct inquiry inquiry;
	struct person *person;
	const struct trail_entry *noted; /* goes with the state; NULL nothing */
	int64_t told_ms;
	struct person_done done, before; /* of this run; of those that were interrupted */
	struct person_done told;         /* of this run, as it stands in the store */
};

/* -- files -- */

static void
remove_files(const struct conf *conf)
{
	char *dir = conf_path(conf, INQUIRY_DIR);
	const struct dirent *entry;
	DIR *handle = opendir(dir);

	while (handle != NULL && (entry = readdir(handle)) != NULL)
		(void)unlinkat(dirfd(handle), entry->d_name, 0);
	if (handle != NULL)
		closedir(handle);
	(void)rmdir(dir);
	free(dir);
}

/* -- what is told -- */

static int
store_state(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct run *run = arg;
	struct inquiry now;
	bool is_ours;

	if (inquiry_get(txn, &now, err) < 0)
		return -1;
	is_ours = now.asked_ms == run->inquiry.asked_ms;
	inquiry_release(&now);
	if (!is_ours)
		return 1;
	inquiry_put(txn, &run->inquiry);
	if (run->noted != NULL)
		trail_add(txn, 0, run->noted);
	return 0;
}

static int
tell(struct run *run, enum inquiry_state state, struct bh_err *err)
{
	run->inquiry.state = state;
	run->told_ms = bh_mono_ms();
	return store_run(run->context->store, store_state, run, NULL, err) < 0 ? -1 : 0;
}

static json_t *
counts(const size_t n[PERSON__MAX])
{
	json_t *object = json_object();

	for (int part = 0; part < PERSON__MAX; part++)
		if (n[part] != 0)
			json_object_set_new(object, person_part_name((enum person_part)part),
			    json_integer((json_int_t)n[part]));
	return object;
}

/* What went, in this run and in those before. */
static void
sum_erased(struct run *run, struct person_done *sum)
{
	for (int part = 0; part < PERSON__MAX; part++)
		sum->n[part] = run->before.n[part] + run->done.n[part];
	json_object_set_new(run->inquiry.facts, "erased", counts(sum->n));
}

/* Something went since it was told last: a run that dies now would not know of it. */
static bool
has_erased(const struct run *run)
{
	return run->inquiry.state == INQUIRY_ERASING &&
	       memcmp(&run->done, &run->told, sizeof(run->done)) != 0;
}

/* After each page. */
static int
on_page(void *arg, size_t read, struct bh_err *err)
{
	struct run *run = arg;
	bool is_stopping = sync_is_stopping(run->context);
	struct person_done sum;

	run->inquiry.read = (int64_t)read;
	if (!is_stopping && !has_erased(run) && bh_mono_ms() - run->told_ms < TELL_MS)
		return 0;
	if (run->inquiry.state == INQUIRY_ERASING)
		sum_erased(run, &sum);
	run->told = run->done;
	if (tell(run, run->inquiry.state, err) < 0)
		return -1;
	return is_stopping ? bh_fail(err, BH_UNAVAILABLE, "told to stop") : 0;
}

static json_t *
customers(const struct person *person)
{
	json_t *list = json_array();

	for (size_t i = 0; i < person_customers(person) && i < INQUIRY_RECORDS_MAX; i++) {
		struct mirror_id id = person_object(person, i);

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "connection",
						id.connection, "account", id.account, "id", id.id));
	}
	return list;
}

static int
find(struct run *run, struct bh_err *err)
{
	const char *connection = run->inquiry.connection;

	if (person_find(run->context, run->inquiry.who, *connection != '\0' ? connection : NULL,
		&run->person, err) < 0)
		return -1;
	person_watch(run->person, on_page, run);
	return 0;
}

/* -- looking -- */

static int
write_document(struct run *run, FILE *out, struct bh_err *err)
{
	struct person_document document = {.out = out,
	    .asked = run->inquiry.who,
	    .records = json_array(),
	    .records_max = INQUIRY_RECORDS_MAX};
	json_t *facts = run->inquiry.facts;
	int rc = person_document(run->person, &document, err);

	json_object_clear(facts);
	json_object_set_new(facts, "found", counts(document.n));
	json_object_set_new(facts, "customers", customers(run->person));
	json_object_set_new(facts, "records", document.records);
	json_object_set_new(facts, "more", json_integer((json_int_t)document.more));
	json_object_set_new(facts, "rest", person_rest(run->context->conf));
	return rc;
}

/* Under its name at once and as a whole. */
static int
write_file(struct run *run, struct bh_err *err)
{
	char *path = inquiry_path(run->context->conf->data_dir, &run->inquiry);
	char *part = bh_xasprintf("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	struct stat is;
	int rc;

	if (out == NULL && fd >= 0)
		close(fd);
	rc = out != NULL ? write_document(run, out, err)
			 : bh_fail_errno(err, BH_STORAGE, "cannot write the document");
	if (rc == 0 && (fsync(fd) < 0 || fstat(fd, &is) < 0 || rename(part, path) < 0))
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write the document");
	if (rc == 0)
		run->inquiry.bytes = is.st_size;
	if (out != NULL)
		fclose(out);
	free(part);
	free(path);
	return rc;
}

/* "person-20261122-175900.json" */
static void
name_it(struct inquiry *inquiry)
{
	char at[BH_CLOCK_TEXT], digits[16];
	size_t n = 0;

	bh_rfc3339(at, bh_now_ms());
	for (const char *c = at; *c != '\0' && n < 14; c++)
		if (*c >= '0' && *c <= '9')
			digits[n++] = *c;
	digits[n] = '\0';
	snprintf(inquiry->name, sizeof(inquiry->name), "person-%.8s-%.6s.json", digits, digits + 8);
}

static int
look(struct run *run, struct bh_err *err)
{
	char *dir = conf_path(run->context->conf, INQUIRY_DIR);
	int rc = tell(run, INQUIRY_LOOKING, err);

	remove_files(run->context->conf);
	if (rc == 0)
		rc = bh_make_dir(dir, err);
	free(dir);
	if (rc < 0 || find(run, err) < 0)
		return -1;
	name_it(&run->inquiry);
	if (write_file(run, err) < 0)
		return -1;
	run->inquiry.until_ms = bh_now_ms() + INQUIRY_KEPT_MS;
	return tell(run, INQUIRY_LOOKED, err);
}

/* -- erasing -- */

/* Records that the look did not see; the rest of them stands there already. */
static int
keep_record(void *arg, const json_t *link)
{
	struct run *run = arg;
	json_t *records = json_object_get(run->inquiry.facts, "records"), *known;
	size_t i;

	json_array_foreach (records, i, known)
		if (strcmp(bh_json_str(known, "record"), bh_json_str(link, "record")) == 0)
			return 0;
	if (json_array_size(records) < INQUIRY_RECORDS_MAX)
		json_array_append_new(records, json_deep_copy(link));
	return 0;
}

static void
take_before(struct run *run)
{
	const json_t *erased = json_object_get(run->inquiry.facts, "erased");

	for (int part = 0; part < PERSON__MAX; part++)
		run->before.n[part] =
		    (size_t)bh_json_int(erased, person_part_name((enum person_part)part), 0);
}

/* Whom it was about is forgotten here, in one commit with what is noted. */
static int
tell_erased(struct run *run, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "person",
	    .subject = "person",
	    .by = run->inquiry.by};
	struct person_done sum;
	int rc;

	sum_erased(run, &sum);
	person_done_text(&sum, &text);
	bh_buf_addf(&text, ", in the browser by %.72s", run->inquiry.by);
	entry.text = bh_buf_str(&text);
	json_object_set_new(run->inquiry.facts, "rest", person_rest(run->context->conf));
	run->inquiry.who[0] = run->inquiry.name[0] = '\0';
	run->inquiry.until_ms = bh_now_ms() + INQUIRY_KEPT_MS;
	run->noted = &entry;
	rc = tell(run, INQUIRY_ERASED, err);
	run->noted = NULL;
	bh_buf_release(&text);
	return rc;
}

static int
erase(struct run *run, struct bh_err *err)
{
	take_before(run);
	if (tell(run, INQUIRY_ERASING, err) < 0 || find(run, err) < 0)
		return -1;
	if (person_erase(run->person, keep_record, run, &run->done, err) < 0)
		return -1;
	return tell_erased(run, err);
}

/* -- the job -- */

static int
forget(struct run *run, struct bh_err *err)
{
	remove_files(run->context->conf);
	return tell(run, INQUIRY_NONE, err);
}

/* Without the name of whom it was about: it is asked anew. */
static int
give_up(struct run *run, const char *why, struct bh_err *err)
{
	struct person_done sum;

	bh_log(BH_WARN, "what an administrator asked about a person: %s", why);
	if (run->inquiry.state == INQUIRY_ERASING)
		sum_erased(run, &sum);
	remove_files(run->context->conf);
	run->inquiry.who[0] = run->inquiry.name[0] = '\0';
	run->inquiry.until_ms = bh_now_ms() + INQUIRY_KEPT_MS;
	snprintf(run->inquiry.note, sizeof(run->inquiry.note), "%s", why);
	return tell(run, INQUIRY_FAILED, err);
}

static int
work(struct run *run, struct sync_outcome *outcome, struct bh_err *err)
{
	bool is_erasing =
	    run->inquiry.state == INQUIRY_TOLD || run->inquiry.state == INQUIRY_ERASING;
	struct bh_err why = BH_ERR_INIT;
	int rc = is_erasing ? erase(run, &why) : look(run, &why);

	if (rc < 0 && sync_is_stopping(run->context)) {
		outcome->again_ms = bh_now_ms();
		return 0;
	}
	if (rc < 0)
		rc = give_up(run, why.text, err);
	outcome->again_ms = run->inquiry.until_ms;
	return rc;
}

int
inquiry_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct run run = {.context = context};
	struct store_txn *txn = store_begin(context->store);
	int rc = inquiry_get(txn, &run.inquiry, err);

	store_free(&txn);
	if (rc == 0 && is_inquiry_busy(&run.inquiry))
		rc = work(&run, outcome, err);
	else if (rc == 0 && run.inquiry.state != INQUIRY_NONE && run.inquiry.until_ms > bh_now_ms())
		outcome->again_ms = run.inquiry.until_ms;
	else if (rc == 0)
		rc = run.inquiry.state != INQUIRY_NONE ? forget(&run, err) : 0;
	person_free(&run.person);
	inquiry_release(&run.inquiry);
	return rc;
}

/* Not while it is itself what erases, nor what it told when it had. */
static int
forget_looked(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	struct inquiry inquiry;
	bool is_look;

	if (inquiry_get(txn, &inquiry, err) < 0)
		return -1;
	is_look = inquiry.state == INQUIRY_ASKED || inquiry.state == INQUIRY_LOOKING ||
		  inquiry.state == INQUIRY_LOOKED;
	inquiry.state = INQUIRY_NONE;
	if (is_look)
		inquiry_put(txn, &inquiry);
	inquiry_release(&inquiry);
	return is_look ? 0 : 1;
}

int
inquiry_forget(const struct sync_context *context, struct bh_err *err)
{
	remove_files(context->conf);
	return store_run(context->store, forget_looked, NULL, NULL, err) < 0 ? -1 : 0;
}
