// SPDX-License-Identifier: Apache-2.0
/* The file that printed lines go to: a file descriptor with a buffer of ours.
 *
 * It is written to in appending mode and in whole buffers, so that processes
 * that share it do not overwrite each other. A program may close descriptors
 * that it has not opened (a daemon does), and open files of its own under
 * their numbers: so before each write the file is looked at, and opened once
 * more if it is not the same.
 */
#ifndef XT_TRACEFILE_H
#define XT_TRACEFILE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* How long to wait, without a byte written, for a pipe that nobody reads. A
   process that is to die must not be kept from it. */
typedef enum { TRACEFILE_FOREVER, TRACEFILE_A_WHILE } tracefile_patience;

typedef struct {
    _Atomic(int) fd;
    dev_t device; /* these two say which file it is */
    ino_t inode;
    bool in_pieces;      /* not a regular file: what is written at once must be
                            short, or others may write in its midst */
    _Atomic(bool) waits; /* a write may have to wait: that to a terminal does,
                            or it would not be in one piece */
    char *path;          /* owned: absolute */
    /* The buffer: of `len` bytes, `done` are in the file already. A signal may
       end the process at any time, and then the rest is written: so only who
       puts something in may empty it. */
    char *bytes; /* owned */
    size_t cap;
    _Atomic(size_t) len;
    _Atomic(size_t) done;
    _Atomic(bool) taken; /* by a thread that is just writing */
} tracefile;

/* Opens the file at `path` (str, bytes or path-like) and empties it, unless
   others print to it already. NULL with an OSError that names it, or another
   exception. */
tracefile *tracefile_open(PyObject *path, bool shared);

/* A descriptor of the standard output where a program does not look for it,
   for other processes that print there, too: at its end, if it is a file. -1
   if there is none. */
int tracefile_share_stdout(void);

/* Writes what is left and closes the file. NULL is allowed. */
void tracefile_close(tracefile *file);

/* A pipe is full, and nothing was taken in: to be called again after
   tracefile_wait(), which needs no GIL and does not wait for long, and the
   handlers of signals. */
enum { TRACEFILE_FULL = 1 };

/* Takes in some bytes: 0, TRACEFILE_FULL, or -1 with a MemoryError, or with an
   OSError and then without what was in the buffer. */
int tracefile_put(tracefile *file, const char *bytes, size_t len);

/* Writes the buffer to the file: the same. */
int tracefile_flush(tracefile *file);

void tracefile_wait(const tracefile *file);

/* The same without an exception, and without a need for the GIL: for the end
   of the process, or a signal handler, which may have come while this or
   another thread writes. What cannot be written stays. */
void tracefile_flush_blindly(tracefile *file, tracefile_patience patience);

/* Takes in some bytes, up to 4096: the same, but what must be written before
   is lost if it cannot be. */
void tracefile_put_blindly(tracefile *file, const char *bytes, size_t len,
                           tracefile_patience patience);

/* No write waits from now on: for a process that dies. */
void tracefile_hurry(tracefile *file);

/* Drops the buffer: its time is over. */
void tracefile_drop(tracefile *file);

/* The same in a forked child, where it is the parent's. */
void tracefile_forget(tracefile *file);

/* Writes to a descriptor until all is written or nothing goes: the same. */
void tracefile_write_blindly(int fd, const char *bytes, size_t len,
                             tracefile_patience patience);

#endif
