/* See first.h.  Keys: Ag is there when the list of first steps is put away. */
#include "base/base.h"

#include "state/first.h"

#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/account.h"

#define GROUP (FIRST_CODE_LEN / 4)
#define BEGINNING_MAX 1000 /* a store that holds more is no new one */

int
first_is_open(struct store_txn *txn, struct bh_err *err)
{
	json_t *names = NULL;
	int rc = account_users(txn, &names, err);

	if (rc == 0)
		rc = json_array_size(names) == 0;
	json_decref(names);
	return rc;
}

/* -- the code -- */

static char *
code_path(const char *data_dir)
{
	return bh_xasprintf("%s/" FIRST_CODE_FILE, data_dir);
}

static void
make_code(char code[FIRST_CODE_TEXT])
{
	char id[BH_ID_LEN + 1];

	bh_random_id(id);
	snprintf(code, FIRST_CODE_TEXT, "%.*s-%.*s-%.*s-%.*s", GROUP, id, GROUP, id + GROUP, GROUP,
	    id + 2 * (size_t)GROUP, GROUP, id + 3 * (size_t)GROUP);
	bh_wipe(id, sizeof(id));
}

/* Letters and digits alone, in lower case; false when it is of another length. */
static bool
is_bare(const char *text, char bare[FIRST_CODE_LEN + 1])
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (!isalnum((unsigned char)*text))
			continue;
		if (n == FIRST_CODE_LEN)
			return false;
		bare[n++] = (char)tolower((unsigned char)*text);
	}
	bare[n] = '\0';
	return n == FIRST_CODE_LEN;
}

/* The first line of the file; false: there is none that could be a code. */
static bool
is_code_read(const char *path, char code[FIRST_CODE_TEXT])
{
	char bare[FIRST_CODE_LEN + 1];
	FILE *file = fopen(path, "re");
	bool is_read;

	if (file == NULL)
		return false;
	is_read = fgets(code, FIRST_CODE_TEXT, file) != NULL && is_bare(code, bare);
	fclose(file);
	bh_wipe(bare, sizeof(bare));
	return is_read;
}

/* Under its name at once and as a whole; who comes second takes the first one's. */
static int
write_code(const char *path, const char *code, struct bh_err *err)
{
	char *temp = bh_xasprintf("%s.%d", path, (int)getpid());
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;

	if (fd < 0 || bh_write_full(fd, code, strlen(code), NULL) < 0 ||
	    bh_write_full(fd, "\n", 1, NULL) < 0 || rename(temp, path) < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", path);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		unlink(temp);
	free(temp);
	return rc;
}

int
first_code(const char *data_dir, char code[FIRST_CODE_TEXT], struct bh_err *err)
{
	char *path = code_path(data_dir), own[FIRST_CODE_TEXT];
	int rc = 0;

	if (!is_code_read(path, own)) {
		make_code(own);
		rc = write_code(path, own, err) < 0 ? -1 : 1;
	}
	if (code != NULL)
		memcpy(code, own, sizeof(own));
	bh_wipe(own, sizeof(own));
	free(path);
	return rc;
}

bool
first_is_code(const char *data_dir, const char *given)
{
	char *path = code_path(data_dir);
	char code[FIRST_CODE_TEXT], bare[FIRST_CODE_LEN + 1], its[FIRST_CODE_LEN + 1];
	bool is_it = is_code_read(path, code) && is_bare(code, its) && is_bare(given, bare) &&
		     bh_is_equal_secret(bare, FIRST_CODE_LEN, its, FIRST_CODE_LEN);

	bh_wipe(code, sizeof(code));
	bh_wipe(bare, sizeof(bare));
	bh_wipe(its, sizeof(its));
	free(path);
	return is_it;
}

void
first_code_drop(const char *data_dir)
{
	char *path = code_path(data_dir);

	unlink(path);
	free(path);
}

/* -- the list of first steps -- */

void
first_put_away(struct store_txn *txn)
{
	store_put(txn, "Ag", 2, "1", 1);
}

int
first_is_away(struct store_txn *txn, struct bh_err *err)
{
	return store_peek(txn, "Ag", 2, NULL, err);
}

/* Anything else is somebody's data. */
static bool
is_of_beginning(const struct store_entry *entry)
{
	static const char *const families[] = {"Au", "AS", "Af", "Ag", "Jx", "Jy", "Jz", "Ni", "Nl",
	    "Qj", "Qd", "Tr", "Tw", "Vs", "Vn"};

	for (size_t i = 0; i < BH_LEN(families); i++)
		if (entry->key_len >= 2 && memcmp(entry->key, families[i], 2) == 0)
			return true;
	return false;
}

int
first_clear(struct store_txn *txn, struct bh_err *err)
{
	const struct store_scan scan = {.max = BEGINNING_MAX, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (more || !is_of_beginning(&entries[i]))
			return 0;
	for (size_t i = 0; i < n; i++)
		store_delete(txn, entries[i].key, entries[i].key_len);
	return n > 0;
}
