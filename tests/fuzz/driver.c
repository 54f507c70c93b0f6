/*
 * main() for a fuzz target where there is no fuzzer: replays files, and with
 * --mutate makes new inputs from them.  The same seed makes the same inputs.
 *
 *   fuzz-X                                replay tests/fuzz/corpus/X
 *   fuzz-X [--mutate N] [--seed S] [--seconds T] FILE-OR-DIRECTORY ...
 *
 * The inputs are run in a child.  What it worked on stands in shared memory,
 * so that an input that kills it, or that it does not return from, is written
 * to crash-fuzz-X in the current directory; run with this file to see it again.
 */
#include "base/base.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"

#define INPUT_MAX (1 << 20)
#define MUTANT_MAX (64 << 10) /* long inputs are slow and find little */
#define HANG_MS 20000         /* longest time for one input, sanitizers included */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	char *name;
	unsigned char *data;
	size_t len;
};

static struct input *inputs;
static size_t inputs_n;

/* What the child does now, seen by the parent. */
struct progress {
	uint64_t runs;
	char name[PATH_MAX];
	size_t len;
	unsigned char data[INPUT_MAX];
};
static struct progress *progress;

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
	exit(2);
}

/* -- reading -- */

static void
add_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct input input = {bh_xstrdup(path), bh_xmalloc(INPUT_MAX), 0};

	if (file == NULL)
		die("cannot open", path);
	input.len = fread(input.data, 1, INPUT_MAX, file);
	if (ferror(file))
		die("cannot read", path);
	fclose(file);
	input.data = bh_xrealloc(input.data, input.len);
	inputs = bh_xrealloc(inputs, (inputs_n + 1) * sizeof(inputs[0]));
	inputs[inputs_n++] = input;
}

static void
add_path(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n;

	if (stat(path, &st) < 0)
		die("cannot open", path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	/* Sorted: the order of a directory is not the same everywhere. */
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		die("cannot read", path);
	for (int i = 0; i < n; i++) {
		char *below = bh_xasprintf("%s/%s", path, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.')
			add_path(below);
		free(below);
		free(entries[i]);
	}
	free(entries);
}

/* -- mutating -- */

static uint64_t random_state = 1;

/* Marsaglia's xorshift64*: repeatable, which is all that is asked here. */
static uint64_t
next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1du;
}

/* 0 to n - 1; 0 for n 0. */
static size_t
below(size_t n)
{
	return n != 0 ? (size_t)(next_random() >> 11) % n : 0;
}

struct mutant {
	unsigned char data[MUTANT_MAX];
	size_t len;
};

/* Put len bytes in at at; what grows over the end is cut off. */
static void
insert(struct mutant *m, size_t at, const void *data, size_t len)
{
	size_t behind = m->len - at;

	if (len > MUTANT_MAX - at)
		len = MUTANT_MAX - at;
	if (behind > MUTANT_MAX - at - len)
		behind = MUTANT_MAX - at - len;
	memmove(m->data + at + len, m->data + at, behind);
	memcpy(m->data + at, data, len);
	m->len = at + len + behind;
}

static void
flip_bit(struct mutant *m)
{
	if (m->len != 0)
		m->data[below(m->len)] ^= (unsigned char)(1u << below(8));
}

static void
set_byte(struct mutant *m)
{
	static const unsigned char bytes[] = {0, 1, 0x7f, 0x80, 0xc3, 0xed, 0xf4, 0xff, ' ', '"',
	    '\\', '\n', '{', '}', '[', ']', '0', '9', '-', '.', ',', '=', '%', '&', '/', '<'};

	if (m->len != 0)
		m->data[below(m->len)] = bytes[below(sizeof(bytes))];
}

static void
remove_some(struct mutant *m)
{
	size_t at = below(m->len), len = 1 + below(below(2) ? 4 : m->len - at);

	if (len > m->len - at)
		len = m->len - at;
	memmove(m->data + at, m->data + at + len, m->len - at - len);
	m->len -= len;
}

static void
cut(struct mutant *m)
{
	m->len = below(m->len + 1);
}

static void
insert_token(struct mutant *m)
{
	static const char *const tokens[] = {"{{", "}}", "{{{", "{{#a}}", "{{/a}}",
	    "\"id\":", "null", "true", "[]", "{}", "1e999", "-9223372036854775808",
	    "9223372036854775808", "\\u0000", "\\ud800", "\xf0\x9f\x98\x80", "\xed\xa0\x80",
	    "\xff\xff\xff\xff", "\r\n\r\n", "t=1,v1=", "../", "%00", "%", "; ",
	    "1970-01-01T00:00:00Z"};
	const char *token = tokens[below(BH_LEN(tokens))];

	insert(m, below(m->len + 1), token, strlen(token));
}

static void
repeat_some(struct mutant *m)
{
	unsigned char copy[256];
	size_t at = below(m->len), len = below(sizeof(copy));

	if (len > m->len - at)
		len = m->len - at;
	memcpy(copy, m->data + at, len);
	for (size_t times = below(20); times > 0; times--)
		insert(m, at, copy, len);
}

/* Our beginning, another input's end. */
static void
splice(struct mutant *m)
{
	const struct input *other = &inputs[below(inputs_n)];
	size_t from = below(other->len), at = below(m->len + 1);

	m->len = at;
	insert(m, at, other->data + from, other->len - from);
}

static void
mutate(struct mutant *m)
{
	static void (*const ways[])(struct mutant * m) = {flip_bit, flip_bit, set_byte, set_byte,
	    remove_some, cut, insert_token, insert_token, repeat_some, splice};
	const struct input *from = &inputs[below(inputs_n)];

	m->len = from->len < MUTANT_MAX ? from->len : MUTANT_MAX;
	memcpy(m->data, from->data, m->len);
	snprintf(progress->name, sizeof(progress->name), "a mutation of %s", from->name);
	for (size_t times = 1 + below(6); times > 0; times--)
		ways[below(BH_LEN(ways))](m);
}

/* -- running -- */

static void
run_one(const unsigned char *data, size_t len)
{
	/* A copy of exactly this size: reading behind it is seen by the sanitizer. */
	unsigned char *copy = bh_xmalloc(len);

	memcpy(copy, data, len);
	memcpy(progress->data, data, len);
	progress->len = len;
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	progress->runs++;
}

static void
ignore_line(enum bh_level level BH_UNUSED, const char *text BH_UNUSED)
{
}

static void
run_all(uint64_t mutations, int64_t until_ms)
{
	static struct mutant mutant;

	bh_log_hook(ignore_line);
	for (size_t i = 0; i < inputs_n; i++) {
		snprintf(progress->name, sizeof(progress->name), "%s", inputs[i].name);
		run_one(inputs[i].data, inputs[i].len);
	}
	for (uint64_t i = 0; i < mutations && bh_mono_ms() < until_ms; i++) {
		mutate(&mutant);
		run_one(mutant.data, mutant.len);
	}
}

static int
keep_crash(const char *target, const char *why)
{
	char *path = bh_xasprintf("crash-%s", target);
	FILE *file = fopen(path, "we");

	fprintf(stderr, "%s: %s after %llu inputs, in %s; kept as %s\n", target, why,
	    (unsigned long long)progress->runs, progress->name, path);
	if (file == NULL || fwrite(progress->data, 1, progress->len, file) != progress->len)
		fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(errno));
	if (file != NULL)
		fclose(file);
	free(path);
	return 1;
}

/* Wait for the child as long as it makes progress. */
static int
watch(pid_t pid, const char *target)
{
	int64_t since_ms = bh_mono_ms();
	uint64_t runs = 0;
	char why[60];
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		bh_sleep_ms(5);
		if (progress->runs != runs) {
			runs = progress->runs;
			since_ms = bh_mono_ms();
		} else if (bh_mono_ms() - since_ms > HANG_MS) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return keep_crash(target, "no end in sight");
		}
	}
	if (status == 0)
		return 0;
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "ended by signal %d", WTERMSIG(status));
	else
		snprintf(why, sizeof(why), "ended with status %d", WEXITSTATUS(status));
	return keep_crash(target, why);
}

static uint64_t
number(const char *option, const char *text)
{
	uint64_t value;

	if (text == NULL || !bh_is_uint(text, strlen(text), INT32_MAX, &value)) {
		fprintf(stderr, "%s wants a number\n", option);
		exit(2);
	}
	return value;
}

/* The corpus that bears the target's name: fuzz-map has tests/fuzz/corpus/map. */
static void
add_own_corpus(const char *target)
{
	const char *top = getenv("BH_SRCDIR");
	char *path = bh_xasprintf("%s/tests/fuzz/corpus/%s", top != NULL ? top : ".",
	    bh_has_prefix(target, "fuzz-") ? target + 5 : target);

	add_path(path);
	free(path);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *target = slash != NULL ? slash + 1 : argv[0];
	uint64_t mutations = 0, seconds = 3600;
	pid_t pid, parent = getpid();
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mutate") == 0)
			mutations = number(argv[i], argv[i + 1]), i++;
		else if (strcmp(argv[i], "--seed") == 0)
			random_state = number(argv[i], argv[i + 1]) * 2 + 1, i++;
		else if (strcmp(argv[i], "--seconds") == 0)
			seconds = number(argv[i], argv[i + 1]), i++;
		else
			add_path(argv[i]);
	}
	if (inputs_n == 0)
		add_own_corpus(target);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	if (progress == MAP_FAILED)
		die("cannot map", "memory");
	pid = fork();
	if (pid < 0)
		die("cannot", "fork");
	if (pid == 0) {
		bh_die_with_parent(parent);
		run_all(mutations, bh_mono_ms() + (int64_t)seconds * 1000);
		exit(0);
	}
	status = watch(pid, target);
	printf("%s: %llu inputs\n", target, (unsigned long long)progress->runs);
	for (size_t i = 0; i < inputs_n; i++) {
		free(inputs[i].name);
		free(inputs[i].data);
	}
	free(inputs);
	return status;
}
