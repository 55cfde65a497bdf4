// SPDX-License-Identifier: Apache-2.0
/* Where the lines go that the options of printing ask for: to the sys.stdout
 * of the moment, to a file, or into a ring of which something is seen only
 * when the program dies. What is put in is one line each time.
 */
#ifndef XT_OUTPUT_H
#define XT_OUTPUT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "buf.h"
#include "linelog.h"
#include "ring.h"
#include "tracefile.h"

/* What a line is: it decides about its colour. */
typedef enum {
    OUTPUT_LINE,   /* "file(number):  source" */
    OUTPUT_HEADER, /* a function begins */
    OUTPUT_RETURN,
    OUTPUT_RAISE,
    OUTPUT_VARIABLE,
} output_kind;

/* Nothing more is put in, as a signal is going to end the process: SIGTERM has
   come, or a handler of ours is writing what there is, in some thread. Set by
   handlers. */
typedef enum { OUTPUT_OPEN, OUTPUT_ENDS, OUTPUT_DYING } output_closing;

typedef struct {
    tracefile *file; /* owned, or NULL */
    /* Lines are put into one of them, while the other is shown, or empty. Of
       no lines: none is kept. */
    xt_ring rings[2];
    _Atomic(int) filled;
    bool headed; /* the line before those that are shown is put out */
    bool colored;
    PyObject *terminal;   /* owned: the sys.stdout that colours are for; NULL:
                             any. Set while there are colours. */
    char prefix[24];      /* what each line begins with, or "" */
    xt_buf scratch;       /* where a line is put together */
    sync_section section; /* held while a line is put together, and kept */
    _Atomic(int) closed;  /* an output_closing */
} output;

/* Zero is a valid output, to sys.stdout. */
void output_fini(output *out);

/* Has the last `lines` kept, instead. XT_NOMEM leaves the output as it was. */
xt_status output_keep_last(output *out, size_t lines);

static inline bool
output_keeps_last(const output *out)
{
    return out->rings[0].cap > 0;
}

/* Has each line begin with the number of this process. */
void output_name_process(output *out);

/* Puts out a line of text that ends in a line feed, `indent` places to the
   right, with a time stamp if `log` has them. -1 with an exception. */
int output_put(output *out, line_log *log, output_kind kind, PyObject *text,
               int indent);

/* The same for text in UTF-8, in which "surrogateescape" holds. */
int output_put_bytes(output *out, line_log *log, output_kind kind,
                     const char *bytes, size_t len, int indent);

/* Writes what was put out and is still held back. -1 with an exception. */
int output_flush(output *out);

/* Writes the last lines to the file, or else to sys.stderr, and drops them.
   Other threads may go on meanwhile. -1 with an exception. */
int output_show_last(output *out);

/* What output_rescue() is for: the process goes on, so it waits for a full
   pipe only a while, and what is left then stays; it ends; or it is ended by a
   signal, and must not be kept from it for longer than that while. */
typedef enum { OUTPUT_GOES_ON, OUTPUT_LEAVES, OUTPUT_DIES } output_occasion;

/* Writes what is held back, and the ring if the program dies. For signal
   handlers and the end of the process: it needs no GIL and raises nothing. */
void output_rescue(output *out, output_occasion occasion);

/* Drops what is held back: in a forked child, where it is the parent's. */
void output_forget(output *out);

#endif
