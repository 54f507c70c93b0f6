/*
 * Plays wire conversations: text files that say what a destination is asked
 * to do, which requests it must send, what is answered, and which results it
 * must give.  The format stands in tests/wire/README.md.
 */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include "base/base.h"

/* Play one file.  0, or -1 with "line N: what differs" in why. */
int wire_play(const char *path, char *why, size_t why_size);

#endif
