/*
 * Berkeley DB: see bdb.h.  The only file that includes <db.h>.
 *
 * A record is version(64) check(32) value.  The check covers key, version and
 * value: a page torn by a power failure gives an error where it is read, not
 * wrong data.  (The library's page checksums do the same for 30 us a page read
 * or written, which doubles the cost of work on a store larger than the cache; measured 2026-11.)
 *
 * The library prints nothing: its messages become log lines.
 */
#include "base/base.h"

#include "store/bdb.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include <db.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"

#define PAGE_BYTES 16384
#define LOG_BUFFER_BYTES (4u << 20)
#define LOCKS_MAX 40000 /* twice STORE_OPS_MAX: each write may split a page */
#define VERSION_LEN 8
#define HEAD_LEN (VERSION_LEN + 4)
#define MESSAGES_MAX 5 /* of the library, logged in a second */

struct bdb {
	DB_ENV *env;
	DB *db;
	DB_TXN *txn;          /* NULL: none is open */
	struct bh_buf record; /* a record being built, or read by a walk */
	bool broken;
	atomic_uint_fast64_t flushes, checkpoints;
};

/* -- flushing: the library calls us, so that a test can make the disk slow or broken -- */

static int flush_delay_ms;
static _Thread_local bool is_log_flush;

/* Files whose names are known to be durable: the database and the log file in use. */
static int dir_fd = -1;
static atomic_uint_fast64_t named[2];
static atomic_uint named_n;

/*
 * The library flushes a new log file, but not the directory that names it.
 * It holds its flush lock meanwhile, so nobody is answered in between.
 */
static int
sync_name(int fd)
{
	struct stat is;

	if (fstat(fd, &is) < 0)
		return errno;
	if (atomic_load(&named[0]) == is.st_ino || atomic_load(&named[1]) == is.st_ino)
		return 0;
	if (dir_fd < 0 || fsync(dir_fd) < 0)
		return errno != 0 ? errno : EBADF;
	atomic_store(&named[atomic_fetch_add(&named_n, 1) % 2], is.st_ino);
	return 0;
}

/*
 * Returns an error number.  The library repeats a failed fsync itself up to
 * 100 times on EIO; but the kernel reports a lost write only once, so the
 * second try would succeed without the data.  Coming through here, it is
 * not repeated, and every caller ends the process.
 */
static int
sync_file(int fd)
{
	if (flush_delay_ms > 0)
		bh_sleep_ms(flush_delay_ms);
	if (is_log_flush && bh_fault("bdb-flush"))
		return errno;
	while (fdatasync(fd) < 0)
		if (errno != EINTR)
			return errno;
	return sync_name(fd);
}

/* A full disk gives a message for each page: a few of a second are enough. */
static void
on_message(const DB_ENV *env, const char *prefix, const char *text)
{
	static atomic_int_fast64_t second;
	static atomic_int count;
	int64_t now = bh_mono_ms() / 1000;

	(void)env;
	(void)prefix;
	if (atomic_exchange(&second, now) != now)
		atomic_store(&count, 0);
	if (atomic_fetch_add(&count, 1) < MESSAGES_MAX)
		bh_log(BH_WARN, "store: %s", text);
}

static int
failed(struct bdb *bdb, struct bh_err *err, int rc, const char *what)
{
	if (rc == DB_RUNRECOVERY)
		bdb->broken = true;
	return bh_fail(err, BH_STORAGE, "%s: %s", what, db_strerror(rc));
}

/* -- opening -- */

static int
configure(struct bdb *bdb, const struct bdb_options *options)
{
	DB_ENV *env = bdb->env;
	int rc;

	env->set_errcall(env, on_message);
	rc = env->set_cachesize(env, 0, (u_int32_t)options->cache_bytes, 1);
	if (rc == 0)
		rc = env->set_lg_bsize(env, LOG_BUFFER_BYTES);
	if (rc == 0)
		rc = env->set_lg_max(env, BDB_LOG_FILE_BYTES);
	if (rc == 0)
		rc = env->set_lk_max_locks(env, LOCKS_MAX);
	if (rc == 0)
		rc = env->set_lk_max_objects(env, LOCKS_MAX);
	if (rc == 0)
		rc = env->set_lk_max_lockers(env, 2000);
	return rc;
}

static int
open_env(struct bdb *bdb, const struct bdb_options *options)
{
	u_int32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_LOCK |
			  DB_PRIVATE | DB_THREAD;
	int rc;

	flush_delay_ms = options->flush_delay_ms;
	dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atomic_store(&named[0], 0);
	atomic_store(&named[1], 0);
	if (dir_fd < 0)
		return errno;
	rc = db_env_set_func_fsync(sync_file);
	if (rc == 0)
		rc = db_env_create(&bdb->env, 0);
	if (rc != 0)
		return rc;
	rc = configure(bdb, options);
	if (rc == 0)
		rc = bdb->env->open(bdb->env, options->dir,
		    flags | (options->is_restored ? DB_RECOVER_FATAL : DB_RECOVER), 0600);
	return rc;
}

static int
open_db(struct bdb *bdb)
{
	int rc = db_create(&bdb->db, bdb->env, 0);

	if (rc == 0)
		rc = bdb->db->set_pagesize(bdb->db, PAGE_BYTES);
	if (rc == 0)
		rc = bdb->db->open(bdb->db, NULL, BDB_FILE, NULL, DB_BTREE,
		    DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, 0600);
	return rc;
}

int
bdb_open(const struct bdb_options *options, struct bdb **bdb_r, struct bh_err *err)
{
	struct bdb *bdb = bh_xcalloc(1, sizeof(*bdb));
	int rc;

	bh_buf_init(&bdb->record, STORE_VALUE_MAX + 64);
	rc = open_env(bdb, options);
	if (rc == 0)
		rc = open_db(bdb);
	if (rc == 0) {
		*bdb_r = bdb;
		return 0;
	}
	failed(bdb, err, rc, "cannot open the database");
	bdb_close(&bdb);
	*bdb_r = NULL;
	return -1;
}

void
bdb_close(struct bdb **bdb_ptr)
{
	struct bdb *bdb = *bdb_ptr;

	if (bdb == NULL)
		return;
	if (bdb->txn != NULL)
		bdb_ops.abort(bdb);
	if (bdb->db != NULL)
		bdb->db->close(bdb->db, DB_NOSYNC);
	if (bdb->env != NULL)
		bdb->env->close(bdb->env, 0);
	if (dir_fd >= 0)
		close(dir_fd);
	dir_fd = -1;
	bh_buf_release(&bdb->record);
	free(bdb);
	*bdb_ptr = NULL;
}

bool
is_bdb_broken(const struct bdb *bdb)
{
	return bdb->broken;
}

/* -- the table -- */

static DBT
dbt_of(const struct wire_slice *slice)
{
	return (DBT){.data = (void *)(uintptr_t)slice->data, .size = (u_int32_t)slice->len};
}

/* A DBT into which the library copies at most room bytes behind what buf holds. */
static DBT
dbt_into(struct bh_buf *buf, size_t room)
{
	return (
	    DBT){.data = bh_buf_room(buf, room), .ulen = (u_int32_t)room, .flags = DB_DBT_USERMEM};
}

static int
read_version(struct bdb *bdb, DBT *key, uint64_t *version_r)
{
	unsigned char bytes[VERSION_LEN];
	DBT version = {.data = bytes,
	    .ulen = sizeof(bytes),
	    .dlen = sizeof(bytes),
	    .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
	int rc = bdb->db->get(bdb->db, bdb->txn, key, &version, 0);

	if (rc == 0 && version.size != VERSION_LEN)
		rc = DB_VERIFY_BAD;
	if (rc == 0)
		*version_r = bh_get_be64(bytes);
	return rc;
}

/* Not against malice: eight bytes a step, so that it costs next to nothing. */
static uint64_t
mix(uint64_t h, const char *data, size_t len)
{
	uint64_t chunk;

	for (; len >= sizeof(chunk); data += sizeof(chunk), len -= sizeof(chunk)) {
		memcpy(&chunk, data, sizeof(chunk));
		h = (h ^ chunk) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	chunk = len;
	if (len != 0)
		memcpy((char *)&chunk + 1, data, len);
	h = (h ^ chunk) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint32_t
check_of(const char *key, size_t key_len, uint64_t version, const char *value, size_t len)
{
	return (uint32_t)mix(mix(version, key, key_len), value, len);
}

/* Is what stands in bdb->record what was written under key? */
static int
verify(const struct bdb *bdb, const DBT *key)
{
	const unsigned char *head = (const unsigned char *)bdb->record.data;

	if (bdb->record.len >= HEAD_LEN &&
	    bh_get_be32(head + VERSION_LEN) == check_of(key->data, key->size, bh_get_be64(head),
						   bdb->record.data + HEAD_LEN,
						   bdb->record.len - HEAD_LEN))
		return 0;
	bh_log(BH_ERROR, "store: a record of %zu bytes is damaged; restore a backup",
	    bdb->record.len);
	return DB_VERIFY_BAD;
}

/* The whole record into bdb->record. */
static int
read_record(struct bdb *bdb, DBT *key)
{
	size_t room = 8192;
	DBT record;
	int rc;

	bh_buf_reset(&bdb->record);
	do {
		record = dbt_into(&bdb->record, room);
		rc = bdb->db->get(bdb->db, bdb->txn, key, &record, 0);
		room = record.size;
	} while (rc == DB_BUFFER_SMALL && room <= STORE_VALUE_MAX + HEAD_LEN);
	if (rc == 0)
		bdb->record.len = record.size;
	return rc == 0 ? verify(bdb, key) : rc;
}

static void
shrink(struct bh_buf *buf)
{
	if (buf->cap > 1u << 20)
		bh_buf_release(buf);
}

static int
bdb_read(void *table, const struct wire_slice *key, uint64_t *version_r, struct bh_buf *value,
    struct bh_err *err)
{
	struct bdb *bdb = table;
	DBT at = dbt_of(key);
	int rc = value != NULL ? read_record(bdb, &at) : read_version(bdb, &at, version_r);

	if (rc == 0 && value != NULL) {
		*version_r = bh_get_be64((const unsigned char *)bdb->record.data);
		bh_buf_add(value, bdb->record.data + HEAD_LEN, bdb->record.len - HEAD_LEN);
		shrink(&bdb->record);
	}
	if (rc == DB_NOTFOUND)
		return 0;
	return rc == 0 ? 1 : failed(bdb, err, rc, "cannot read from the database");
}

/* The next record of a walk: key in key, record in bdb->record. */
static int
step(struct bdb *bdb, DBC *cursor, DBT *key, bool keys_only, u_int32_t how)
{
	size_t room = 8192;
	DBT record;
	int rc;

	if (bdb->record.cap > room)
		room = bdb->record.cap > bdb->record.max ? bdb->record.max : bdb->record.cap - 1;
	bh_buf_reset(&bdb->record);
	do {
		record = dbt_into(&bdb->record, room);
		if (keys_only) {
			record.dlen = HEAD_LEN;
			record.flags |= DB_DBT_PARTIAL;
		}
		rc = cursor->get(cursor, key, &record, how);
		room = record.size;
	} while (rc == DB_BUFFER_SMALL && room <= STORE_VALUE_MAX + HEAD_LEN);
	if (rc == 0)
		bdb->record.len = record.size;
	return rc == 0 && record.size < HEAD_LEN ? DB_VERIFY_BAD : rc;
}

/* 0 go on, DB_NOTFOUND enough, another error.  Only what is visited need be whole. */
static int
visit(const struct bdb *bdb, const struct table_walk *walk, const DBT *key)
{
	struct wire_entry entry = {.key = {key->data, key->size},
	    .version = bh_get_be64((const unsigned char *)bdb->record.data),
	    .value = {bdb->record.data + HEAD_LEN, bdb->record.len - HEAD_LEN}};
	enum walk_step step = walk_step(walk, &entry.key);
	int rc = step == WALK_VISIT && !walk->keys_only ? verify(bdb, key) : 0;

	if (rc != 0 || step == WALK_SKIP)
		return rc;
	return step == WALK_VISIT && walk->each(walk->arg, &entry) ? 0 : DB_NOTFOUND;
}

/*
 * Place the cursor on the first record to visit.  Without its value: a
 * search that is repeated because the value did not fit would find its key overwritten.
 */
static int
place(struct bdb *bdb, DBC *cursor, const struct table_walk *walk, DBT *key)
{
	int rc;

	if (!walk->has_from)
		return step(bdb, cursor, key, true, DB_LAST);
	memcpy(key->data, walk->from.data, walk->from.len);
	key->size = (u_int32_t)walk->from.len;
	rc = step(bdb, cursor, key, true, DB_SET_RANGE);
	if (!walk->reverse)
		return rc;
	if (rc == DB_NOTFOUND)
		return step(bdb, cursor, key, true, DB_LAST);
	if (rc == 0 &&
	    (key->size != walk->from.len || memcmp(key->data, walk->from.data, key->size) != 0))
		return step(bdb, cursor, key, true, DB_PREV);
	return rc;
}

static int
start_walk(struct bdb *bdb, DBC *cursor, const struct table_walk *walk, DBT *key)
{
	int rc = place(bdb, cursor, walk, key);

	return rc == 0 && !walk->keys_only ? step(bdb, cursor, key, false, DB_CURRENT) : rc;
}

static int
bdb_walk(void *table, const struct table_walk *walk, struct bh_err *err)
{
	struct bdb *bdb = table;
	char bytes[STORE_KEY_MAX];
	DBT key = {.data = bytes, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM};
	DBC *cursor;
	int rc = bdb->db->cursor(bdb->db, bdb->txn, &cursor, 0);

	if (rc != 0)
		return failed(bdb, err, rc, "cannot read from the database");
	rc = start_walk(bdb, cursor, walk, &key);
	while (rc == 0 && (rc = visit(bdb, walk, &key)) == 0)
		rc = step(bdb, cursor, &key, walk->keys_only, walk->reverse ? DB_PREV : DB_NEXT);
	cursor->close(cursor);
	shrink(&bdb->record);
	return rc == 0 || rc == DB_NOTFOUND ? 0
					    : failed(bdb, err, rc, "cannot read from the database");
}

static int
bdb_begin(void *table, struct bh_err *err)
{
	struct bdb *bdb = table;
	int rc = bdb->env->txn_begin(bdb->env, NULL, &bdb->txn, DB_TXN_NOSYNC);

	if (rc == 0)
		return 0;
	bdb->txn = NULL;
	return failed(bdb, err, rc, "cannot begin a transaction");
}

static void
bdb_abort(void *table)
{
	struct bdb *bdb = table;
	int rc = bdb->txn->abort(bdb->txn);

	bdb->txn = NULL;
	if (rc == 0)
		return;
	bdb->broken = true;
	bh_log(BH_ERROR, "store: a transaction cannot be undone: %s", db_strerror(rc));
}

static int
bdb_commit(void *table, struct bh_err *err)
{
	struct bdb *bdb = table;
	int rc = bdb->txn->commit(bdb->txn, DB_TXN_NOSYNC);

	bdb->txn = NULL;
	if (rc == 0)
		return 0;
	bdb->broken = true;
	return failed(bdb, err, rc, "cannot commit to the database");
}

/* One search where the key exists, two where it does not. */
static int
put_record(struct bdb *bdb, DBT *key, DBT *record, bool must_be_new)
{
	int rc = bdb->db->put(bdb->db, bdb->txn, key, record, DB_NOOVERWRITE);

	if (rc == DB_KEYEXIST && !must_be_new) {
		rc = bdb->db->put(bdb->db, bdb->txn, key, record, 0);
		return rc == 0 ? DB_KEYEXIST : rc;
	}
	return rc;
}

static int
bdb_put(void *table, const struct wire_slice *key, uint64_t version, const struct wire_slice *value,
    bool must_be_new, struct bh_err *err)
{
	struct bdb *bdb = table;
	DBT at = dbt_of(key), record = {.size = 0};
	int rc;

	if (bh_fault("bdb-put"))
		return bh_fail_errno(err, BH_STORAGE, "cannot write to the database");
	bh_buf_reset(&bdb->record);
	wire_add_u64(&bdb->record, version);
	wire_add_u32(&bdb->record, check_of(key->data, key->len, version, value->data, value->len));
	bh_buf_add(&bdb->record, value->data, value->len);
	record.data = bdb->record.data;
	record.size = (u_int32_t)bdb->record.len;
	rc = put_record(bdb, &at, &record, must_be_new);
	shrink(&bdb->record);
	if (rc == 0)
		return 1;
	if (rc != DB_KEYEXIST)
		return failed(bdb, err, rc, "cannot write to the database");
	return must_be_new ? bh_fail(err, BH_INVALID, "two appends of one commit have the same key")
			   : 0;
}

static int
bdb_remove(void *table, const struct wire_slice *key, struct bh_err *err)
{
	struct bdb *bdb = table;
	DBT at = dbt_of(key);
	int rc = bdb->db->del(bdb->db, bdb->txn, &at, 0);

	if (rc == DB_NOTFOUND)
		return 0;
	return rc == 0 ? 1 : failed(bdb, err, rc, "cannot write to the database");
}

const struct table_ops bdb_ops = {
    .read = bdb_read,
    .walk = bdb_walk,
    .begin = bdb_begin,
    .put = bdb_put,
    .remove = bdb_remove,
    .commit = bdb_commit,
    .abort = bdb_abort,
};

/* -- the environment as a whole -- */

int
bdb_flush(struct bdb *bdb, struct bh_err *err)
{
	int rc;

	is_log_flush = true;
	rc = bdb->env->log_flush(bdb->env, NULL);
	is_log_flush = false;
	atomic_fetch_add(&bdb->flushes, 1);
	if (rc == 0)
		return 0;
	bdb->broken = true;
	return failed(bdb, err, rc, "cannot flush the log");
}

int
bdb_checkpoint(struct bdb *bdb, struct bh_err *err)
{
	int rc;

	if (bh_fault("bdb-checkpoint"))
		return bh_fail_errno(err, BH_STORAGE, "cannot write a checkpoint");
	rc = bdb->env->txn_checkpoint(bdb->env, 0, 0, 0);
	if (rc != 0)
		return failed(bdb, err, rc, "cannot write a checkpoint");
	atomic_fetch_add(&bdb->checkpoints, 1);
	rc = bdb->env->log_archive(bdb->env, NULL, DB_ARCH_REMOVE);
	return rc == 0 ? 0 : failed(bdb, err, rc, "cannot remove old log files");
}

int
bdb_backup(struct bdb *bdb, const char *dir, struct bh_err *err)
{
	int rc = bdb->env->backup(bdb->env, dir, DB_CREATE | DB_EXCL);

	return rc == 0 ? 0 : failed(bdb, err, rc, "cannot copy the database");
}

void
bdb_stats(struct bdb *bdb, json_t *stats)
{
	DB_LOG_STAT *log = NULL;
	DB_MPOOL_STAT *pool = NULL;
	uint64_t bytes;

	json_object_set_new(stats, "flushes", json_integer((json_int_t)atomic_load(&bdb->flushes)));
	json_object_set_new(stats, "checkpoints",
	    json_integer((json_int_t)atomic_load(&bdb->checkpoints)));
	if (bdb->env->log_stat(bdb->env, &log, 0) == 0) {
		bytes = (uint64_t)log->st_w_mbytes << 20 | log->st_w_bytes;
		json_object_set_new(stats, "log_bytes", json_integer((json_int_t)bytes));
		json_object_set_new(stats, "log_file", json_integer(log->st_cur_file));
	}
	if (bdb->env->memp_stat(bdb->env, &pool, NULL, 0) == 0) {
		json_object_set_new(stats, "cache_hits",
		    json_integer((json_int_t)pool->st_cache_hit));
		json_object_set_new(stats, "cache_misses",
		    json_integer((json_int_t)pool->st_cache_miss));
	}
	free(log);
	free(pool);
}
