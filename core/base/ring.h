// SPDX-License-Identifier: Apache-2.0
/* The last lines of many, ready to be written.
 *
 * Workload: a line is put in for every line that a program runs; what is held
 * is read once, when the program dies, perhaps by a signal handler that has
 * interrupted xt_ring_put() or that runs beside it in another thread. So a
 * line that is being changed has the length 0 meanwhile: it is then missing,
 * and never half of one and half of another.
 */
#ifndef XT_RING_H
#define XT_RING_H

#include <stddef.h>

#include "status.h"

/* Longer lines are cut, so that what a ring takes is bounded. */
enum { XT_RING_LINE_MAX = 4096 };

typedef struct {
    char *bytes; /* owned */
    size_t cap;
    volatile size_t len; /* 0: nothing to be read here */
} xt_ring_line;

/* Zero is a valid ring that holds nothing and takes nothing. */
typedef struct {
    xt_ring_line *lines; /* owned: `cap` of them */
    size_t cap;
    size_t total; /* lines that were put in: the next goes to total % cap */
    size_t taken; /* of these, how many were taken out */
} xt_ring;

/* Makes a zero ring one that holds `cap` lines. XT_NOMEM leaves it zero. */
xt_status xt_ring_init(xt_ring *ring, size_t cap);
void xt_ring_fini(xt_ring *ring);

/* Drops all lines, keeps the memory. */
void xt_ring_clear(xt_ring *ring);

/* Puts a line in, in the place of the oldest one if the ring is full. What is
   too long ends in "..." and a line feed. XT_NOMEM costs that line alone. */
xt_status xt_ring_put(xt_ring *ring, const char *bytes, size_t len);

/* Takes out the oldest line, of which there must be one. */
void xt_ring_take(xt_ring *ring);

/* How many lines are held. */
size_t xt_ring_len(const xt_ring *ring);

/* The line at a place, from the oldest (0) on. Borrowed until the next put.
   May be called by a signal handler. */
const xt_ring_line *xt_ring_at(const xt_ring *ring, size_t place);

#endif
