// SPDX-License-Identifier: Apache-2.0
/* Code that every frame runs from RESUME straight to the end, unless an
 * exception stops it. So what says which line events a frame has is the
 * location table alone, and how far it came.
 *
 * Workload: most bodies of modules and classes, once each. Whether code is
 * straight is asked right before it runs; the table can be read much later.
 */
#ifndef XT_STRAIGHT_H
#define XT_STRAIGHT_H

#include "instr.h"

/* Whether a view's code, which may be what the interpreter has made of it to
   run, is straight, and its location table as long as it; then *start is the
   code unit behind RESUME. */
bool xt_straight_is(const xt_code_view *view, uint32_t *start);

/* Reads events. */
typedef struct {
    xt_location_reader places;
    uint32_t start; /* the code unit behind RESUME */
    uint32_t from;  /* events before this code unit are passed over, */
    uint32_t to;    /* those from here on left out */
    int32_t line;   /* of the table's entries so far */
    uint32_t unit;  /* where the latest event's instruction begins */
} xt_straight;

/* Begins with the `len` bytes of a location table, which must outlive it; one
   that is not sound ends early. Its entries begin where instructions do, as
   those of all compilers. */
xt_straight xt_straight_begin(const void *table, size_t len, int first_line,
                              uint32_t start);

/* Finds the next event: way->line, way->unit. False if there is none. */
bool xt_straight_next(xt_straight *way);

#endif
