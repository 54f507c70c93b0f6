/*
 * Plays wire conversations: text files that say what a driver is asked to
 * do, which requests it must send, what is answered, and which results it
 * must give.  The format stands in tests/wire/README.md.  What is the same
 * for all drivers is in wire.c; a play (of destinations, of sources) brings
 * the rest.
 */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include "base/base.h"

#include <jansson.h>

#include "net/http.h"

#define WIRE_LIST_MAX 64

struct wire_texts {
	char *items[WIRE_LIST_MAX];
	size_t n;
};

/* One request that must come, and its answer. */
struct wire_exchange {
	int line;
	char *head; /* "METHOD target" */
	struct wire_texts headers;
	struct wire_texts contains;
	char *body; /* NULL: none expected */
	int status;
	struct wire_texts answer_headers;
	char *answer;
	enum bh_code broken;
	char *broken_text;
};

struct wire;

/* What one kind of drivers brings. */
struct wire_play {
	size_t size; /* of its own struct, whose first member is a struct wire */
	void (*start)(struct wire *wire);
	/*
	 * A line that is not common to all: of the stage while wire->step is NULL,
	 * else of the step.  False when it is not understood.
	 */
	bool (*read)(struct wire *wire, const char *mark, const char *text);
	/* Run the step that was read, and compare what comes of it. */
	void (*run)(struct wire *wire);
	/* Forget what belongs to the step. */
	void (*clear)(struct wire *wire);
	void (*end)(struct wire *wire);
};

struct wire {
	struct http_transport transport; /* first: perform() gets its address */
	const struct wire_play *play;
	json_t *settings, *secrets;

	int step_line;
	char *step; /* NULL in front of the first "do" */
	struct wire_exchange exchanges[WIRE_LIST_MAX];
	size_t exchanges_n, exchanges_used;

	bool failed;
	int line;
	char *why;
	size_t why_size;
};

/* Play one file.  0, or -1 with "line N: what differs" in why. */
int wire_file(const struct wire_play *play, const char *path, char *why, size_t why_size);
/*
 * Every .wire file in the folders of tests/wire whose name is_mine() takes,
 * one test per file; with arguments only those whose path holds one of them.
 * What main() returns.
 */
int wire_main(const struct wire_play *play, bool (*is_mine)(const char *folder), int argc,
    char **argv);

/* For plays.  The first difference ends the play. */
void wire_differ(struct wire *wire, int line, const char *fmt, ...) BH_PRINTF(3, 4);
void wire_texts_add(struct wire *wire, struct wire_texts *texts, const char *text);
void wire_texts_release(struct wire_texts *texts);
/* NULL, and a difference, when text is no JSON. */
json_t *wire_parse(struct wire *wire, int line, const char *text);
bool wire_is_same(const json_t *a, const json_t *b);
/* Text at name, or "". */
const char *wire_member(const json_t *json, const char *name);
/* A difference when one of the stage's secrets stands in text. */
void wire_no_secrets(struct wire *wire, int line, const char *text);
/*
 * Compare what a call gave with "ok", or the code's name, seconds, and a text that
 * the error's sentence holds; and no secret stands there.
 */
void wire_code(struct wire *wire, int line, const char *words, int rc, const struct bh_err *err);

#endif
