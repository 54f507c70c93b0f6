/*
 * Messages between client and keeper: what is written reads back; what is
 * cut, stretched or changed anywhere is refused or walkable, and a running keeper that is
 * sent garbage goes on serving others.
 */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/proc.h"
#include "base/text.h"
#include "store/keeper.h"
#include "store/wire.h"
#include "unit.h"

static struct wire_slice
slice(const char *text)
{
	return (struct wire_slice){text, strlen(text)};
}

/* A commit with every kind of operation. */
static void
make_commit(struct bh_buf *out, struct bh_buf *checks, struct bh_buf *ops)
{
	const struct wire_op all[] = {
	    {.kind = WIRE_PUT, .key = slice("key"), .value = slice("value")},
	    {.kind = WIRE_PUT, .key = slice("k")},
	    {.kind = WIRE_DELETE, .key = slice("gone")},
	    {.kind = WIRE_APPEND,
		.key = slice("J"),
		.suffix = slice("sfx"),
		.value = slice("event")},
	    {.kind = WIRE_PUT_STAMPED, .key = slice("index"), .value = slice("x")},
	};
	struct wire_commit commit = {.id = "0123456789abcde",
	    .first_sent_ms = 77,
	    .floor = 5,
	    .checks_n = 2,
	    .ops_n = BH_LEN(all)};

	wire_add_check(checks, "a", 1, 0);
	wire_add_check(checks, "bc", 2, UINT64_MAX);
	for (size_t i = 0; i < BH_LEN(all); i++)
		wire_add_op(ops, &all[i]);
	commit.checks = (struct wire_slice){checks->data, checks->len};
	commit.ops = (struct wire_slice){ops->data, ops->len};
	wire_add_commit_head(out, &commit);
	bh_buf_add(out, checks->data, checks->len);
	bh_buf_add(out, ops->data, ops->len);
}

static void
make_get(struct bh_buf *out)
{
	wire_add_head(out, WIRE_GET);
	wire_add_u32(out, 2);
	wire_add_key(out, "first", 5);
	wire_add_key(out, "second\0key", 10);
}

static void
make_scan(struct bh_buf *out)
{
	const struct wire_scan scan = {.prefix = slice("pre"),
	    .from = slice("prefix"),
	    .has_from = true,
	    .reverse = true,
	    .max = 9};

	wire_add_scan(out, &scan);
}

static void
test_commit(void **state)
{
	struct bh_buf out = BH_BUF_INIT(10000), checks = BH_BUF_INIT(10000),
		      ops = BH_BUF_INIT(10000);
	struct wire_request request;
	struct wire_check check;
	struct wire_op op;
	struct bh_err err;

	(void)state;
	make_commit(&out, &checks, &ops);
	if (wire_decode(&request, out.data, out.len, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(request.type, WIRE_COMMIT);
	assert_memory_equal(request.commit.id, "0123456789abcde", 16);
	assert_true(request.commit.first_sent_ms == 77 && request.commit.floor == 5);
	assert_int_equal(bh_get_be64((unsigned char *)out.data + WIRE_FIRST_SENT_AT), 77);
	assert_true(is_wire_next_check(&request.commit.checks, &check));
	assert_true(is_wire_next_check(&request.commit.checks, &check));
	assert_int_equal(check.key.len, 2);
	assert_true(check.version == UINT64_MAX);
	assert_false(is_wire_next_check(&request.commit.checks, &check));
	for (int i = 0; i < 4; i++)
		assert_true(is_wire_next_op(&request.commit.ops, &op));
	assert_int_equal(op.kind, WIRE_APPEND);
	assert_memory_equal(op.suffix.data, "sfx", 3);
	assert_memory_equal(op.value.data, "event", 5);
	assert_true(is_wire_next_op(&request.commit.ops, &op));
	assert_false(is_wire_next_op(&request.commit.ops, &op));
	bh_buf_release(&out);
	bh_buf_release(&checks);
	bh_buf_release(&ops);
}

static void
test_scan(void **state)
{
	struct bh_buf out = BH_BUF_INIT(10000);
	struct wire_request request;

	(void)state;
	make_scan(&out);
	assert_int_equal(wire_decode(&request, out.data, out.len, NULL), 0);
	assert_true(request.scan.reverse && request.scan.has_from && !request.scan.keys_only);
	assert_int_equal(request.scan.max, 9);
	assert_memory_equal(request.scan.from.data, "prefix", 6);
	bh_buf_release(&out);
}

static void
test_answers(void **state)
{
	struct bh_buf out = BH_BUF_INIT(10000);
	struct bh_err err = {.code = BH_LIMITED, .retry_after_s = 30, .text = "slowly"}, got;
	const struct wire_value value = {.is_found = true, .version = 7, .value = slice("v")};
	const struct wire_entry entry = {.key = slice("k"), .version = 8, .value = slice("")};
	struct wire_value value_back;
	struct wire_entry entry_back;
	struct wire_slice body;

	(void)state;
	wire_add_error(&out, &err);
	assert_int_equal(wire_decode_answer(out.data, out.len, &body, &got), -1);
	assert_int_equal(got.code, BH_LIMITED);
	assert_int_equal(got.retry_after_s, 30);
	assert_string_equal(got.text, "slowly");
	bh_buf_reset(&out);
	wire_add_head(&out, WIRE_OK);
	wire_add_value(&out, &value);
	wire_add_entry(&out, &entry);
	assert_int_equal(wire_decode_answer(out.data, out.len, &body, &got), 0);
	assert_true(is_wire_value(&body, &value_back));
	assert_string_equal(value_back.value.data, "v");
	assert_true(is_wire_entry(&body, &entry_back));
	assert_string_equal(entry_back.value.data, "");
	assert_int_equal(body.len, 0);
	/* A keeper of another version, or something that is none. */
	assert_int_equal(wire_decode_answer("\2o", 2, &body, &got), -1);
	assert_int_equal(got.code, BH_UNAVAILABLE);
	assert_int_equal(wire_decode_answer("", 0, &body, &got), -1);
	assert_int_equal(wire_decode_answer("\1e\0\0\0\0\0", 7, &body, &got), -1);
	assert_int_equal(got.code, BH_UNAVAILABLE);
	assert_int_equal(wire_decode_answer("\1e\377\0\0\0\0", 7, &body, &got), -1);
	assert_int_equal(got.code, BH_UNAVAILABLE);
	bh_buf_release(&out);
}

/* -- hostile bytes -- */

/* In memory of its own, so that a sanitizer sees one byte too many. */
static int
decode_copy(const char *data, size_t len)
{
	char *copy = malloc(len != 0 ? len : 1);
	struct wire_request request;
	int rc;

	memcpy(copy, data, len);
	rc = wire_decode(&request, copy, len, NULL);
	free(copy);
	return rc;
}

static void
test_cut(void **state)
{
	struct bh_buf out[3] = {BH_BUF_INIT(10000), BH_BUF_INIT(10000), BH_BUF_INIT(10000)};
	struct bh_buf checks = BH_BUF_INIT(10000), ops = BH_BUF_INIT(10000);

	(void)state;
	make_commit(&out[0], &checks, &ops);
	make_get(&out[1]);
	make_scan(&out[2]);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(decode_copy(out[i].data, out[i].len), 0);
		for (size_t len = 0; len < out[i].len; len++)
			assert_int_equal(decode_copy(out[i].data, len), -1);
		bh_buf_addc(&out[i], 'x');
		assert_int_equal(decode_copy(out[i].data, out[i].len), -1);
		bh_buf_release(&out[i]);
	}
	bh_buf_release(&checks);
	bh_buf_release(&ops);
}

/* Every byte set to every value: nothing may be read outside, whatever comes of it. */
static void
test_changed(void **state)
{
	struct bh_buf out = BH_BUF_INIT(10000), checks = BH_BUF_INIT(10000),
		      ops = BH_BUF_INIT(10000);
	size_t accepted = 0;

	(void)state;
	make_commit(&out, &checks, &ops);
	for (size_t at = 0; at < out.len; at++) {
		char was = out.data[at];

		for (int value = 0; value < 256; value++) {
			out.data[at] = (char)value;
			accepted += decode_copy(out.data, out.len) == 0;
		}
		out.data[at] = was;
	}
	/* Ids, versions and letters are free; lengths and counts are not. */
	assert_true(accepted > 0 && accepted < out.len * 256);
	bh_buf_release(&out);
	bh_buf_release(&checks);
	bh_buf_release(&ops);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name, *data;
		size_t len;
	} cases[] = {
#define CASE(name, bytes) {name, bytes, sizeof(bytes) - 1}
	    CASE("nothing", ""),
	    CASE("another version", "\2p"),
	    CASE("unknown type", "\1?"),
	    CASE("an answer", "\1o"),
	    CASE("get of nothing", "\1g\0\0\0\0"),
	    CASE("get of four billion", "\1g\377\377\377\377\0\1a"),
	    CASE("get of an empty key", "\1g\0\0\0\1\0\0"),
	    CASE("get of our own key", "\1g\0\0\0\1\0\2\0f"),
	    CASE("scan of nothing", "\1s\0\0\0\0\0\0\0\0\0"),
	    CASE("scan of too many", "\1s\0\0\1\206\241\0\0\0\0"),
	    CASE("scan with unknown flags", "\1s\10\0\0\0\1\0\0\0\0"),
	    CASE("scan of our own keys", "\1s\0\0\0\0\1\0\1\0\0\0"),
	    CASE("scan from our own keys", "\1s\4\0\0\0\1\0\0\0\1\0"),
	    CASE("scan from outside", "\1s\4\0\0\0\1\0\1a\0\1b"),
	    CASE("scan from nowhere", "\1s\4\0\0\0\1\0\1a\0\0"),
	    CASE("scan with a hidden start", "\1s\0\0\0\0\1\0\1a\0\1a"),
	    CASE("backup to nowhere", "\1b\0\0"),
	    CASE("backup with NUL", "\1b\0\3a\0b"),
	    CASE("ping with more", "\1px"),
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++)
		if (decode_copy(cases[i].data, cases[i].len) == 0)
			fail_msg("%s was taken", cases[i].name);
	assert_int_equal(decode_copy("\1s\0\0\1\206\240\0\0\0\0", 11), 0);
	assert_int_equal(decode_copy("\1p", 2), 0);
}

static void
test_op_limits(void **state)
{
	char *big = bh_xcalloc(1, STORE_VALUE_MAX + 1);
	struct bh_buf out = BH_BUF_INIT(STORE_COMMIT_MAX);
	char key[STORE_KEY_MAX + 1];
	const struct {
		struct wire_op op;
		bool is_sound;
	} cases[] = {
	    {{.kind = WIRE_PUT, .key = {key, STORE_KEY_MAX}}, true},
	    {{.kind = WIRE_PUT, .key = {key, STORE_KEY_MAX + 1}}, false},
	    {{.kind = WIRE_PUT, .key = {key, 1}, .suffix = {key, 1}}, false},
	    {{.kind = WIRE_APPEND, .key = {key, STORE_KEY_MAX - 10}, .suffix = {key, 2}}, true},
	    {{.kind = WIRE_APPEND, .key = {key, STORE_KEY_MAX - 10}, .suffix = {key, 3}}, false},
	    {{.kind = WIRE_DELETE, .key = {key, 1}, .value = {big, 1}}, false},
	    {{.kind = WIRE_PUT, .key = {key, 1}, .value = {big, STORE_VALUE_MAX}}, true},
	    {{.kind = WIRE_PUT, .key = {key, 1}, .value = {big, STORE_VALUE_MAX + 1}}, false},
	    {{.kind = WIRE_PUT_STAMPED, .key = {key, 1}, .value = {big, STORE_VALUE_MAX - 8}},
		true},
	    {{.kind = WIRE_PUT_STAMPED, .key = {key, 1}, .value = {big, STORE_VALUE_MAX - 7}},
		false},
	    {{.key = {key, 1}}, false},
	    {{.kind = WIRE_OP__MAX, .key = {key, 1}}, false},
	};

	(void)state;
	memset(key, 'k', sizeof(key));
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct wire_slice left;
		struct wire_op op;

		bh_buf_reset(&out);
		wire_add_op(&out, &cases[i].op);
		left = (struct wire_slice){out.data, out.len};
		if (is_wire_next_op(&left, &op) != cases[i].is_sound)
			fail_msg("case %zu", i);
	}
	bh_buf_release(&out);
	free(big);
}

/* -- a keeper that is sent garbage -- */

static pid_t
start_keeper(const char *dir)
{
	const struct keeper_options options = {.data_dir = dir};
	pid_t pid = fork();

	if (pid == 0) {
		bh_log_hook(NULL);
		bh_log_fd(open("/dev/null", O_WRONLY));
		_exit(keeper_run(&options));
	}
	return pid;
}

static int
connect_raw(const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(keeper_socket_path(dir, address.sun_path, sizeof(address.sun_path), NULL),
	    0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The keeper answers with an error, or closes; it never leaves us waiting. */
static void
send_garbage(const char *dir, const void *data, size_t len)
{
	int fd = connect_raw(dir);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char answer[4096];
	ssize_t n;

	if (send(fd, data, len, MSG_NOSIGNAL) < 0 || shutdown(fd, SHUT_WR) < 0)
		goto out;
	do {
		assert_int_equal(poll(&ready, 1, 5000), 1);
		n = recv(fd, answer, sizeof(answer), 0);
	} while (n > 0);
out:
	close(fd);
}

static void
test_keeper_survives(void **state)
{
	char dir[] = "/tmp/t-wire.XXXXXX";
	const struct store_options options = {.engine = "bdb", .data_dir = dir};
	unsigned char bytes[800]; /* at least 3 * 255 */
	struct store *store;
	struct bh_err err = BH_ERR_INIT;
	int status, slow;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pid = start_keeper(dir);
	assert_int_equal(store_open(&options, &store, &err), 0);
	if (store_ping(store, &err) < 0)
		fail_msg("%s", err.text);
	slow = connect_raw(dir);
	assert_int_equal(send(slow, "\0\0\1\0\1g", 6, 0), 6); /* a message that never ends */
	for (int i = 0; i < 200; i++) {
		size_t len;

		bh_random(bytes, sizeof(bytes));
		len = bytes[0] + 2u * bytes[1];
		/* Half of them with a fitting length, a version and a likely type. */
		if (i % 2 == 0 && len >= 6) {
			bh_put_be32(bytes, (uint32_t)len - 4);
			bytes[4] = WIRE_VERSION;
			bytes[5] = (unsigned char)"gscwptb!oe"[i / 2 % 10];
		}
		if (i % 2 == 0 && len >= 6 && bytes[5] == WIRE_BACKUP)
			bytes[6] = 0xff; /* no path of ours */
		send_garbage(dir, bytes, len);
	}
	send_garbage(dir, "\377\377\377\377", 4);
	if (store_ping(store, &err) < 0)
		fail_msg("%s", err.text);
	close(slow);
	store_close(&store);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
remove_dirs(void **state)
{
	(void)state;
	if (fork() == 0)
		execl("/bin/sh", "sh", "-c", "rm -rf /tmp/t-wire.??????", (char *)NULL);
	wait(NULL);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commit),
	    cmocka_unit_test(test_scan),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_changed),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_op_limits),
	    cmocka_unit_test(test_keeper_survives),
	};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests_name("wire", tests, NULL, remove_dirs);
}
