// SPDX-License-Identifier: Apache-2.0
/* What the graph says of steps, for tests of what knows nothing of it. */
#ifndef XT_TESTS_WAYS_H
#define XT_TESTS_WAYS_H

#include "analysis.h"

/* The line event of the step from one instruction to another; -1: none. */
int32_t ways_line(const analysis *of, uint32_t from, uint32_t to);

/* Whether an exception that leads to a handler fires its line (as probed.c has
   it). */
bool ways_fires(const analysis *of, uint32_t from, uint32_t handler);

/* A random number of 16 bits. */
uint32_t ways_random(uint32_t *seed);

#endif
