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

#include <stdbool.h>
#include <sys/types.h>

enum { TRACEFILE_BUFFER = 1 << 16 };

typedef struct {
    int fd;
    dev_t device; /* these two say which file it is */
    ino_t inode;
    bool in_pieces; /* not a regular file: what is written at once must be
                       short, or others may write in its midst */
    char *path;     /* owned: absolute */
    volatile size_t len;
    char bytes[TRACEFILE_BUFFER];
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

/* Takes in some bytes. -1 with an exception, an OSError mostly; they and what
   was in the buffer may be lost then. */
int tracefile_put(tracefile *file, const char *bytes, size_t len);

/* Writes the buffer to the file. -1 with an exception. */
int tracefile_flush(tracefile *file);

/* The same without an exception, and without a need for the GIL: for the end
   of the process, or a signal handler. What cannot be written is lost. */
void tracefile_flush_blindly(tracefile *file);

/* Writes to a descriptor until all is written or nothing goes: the same. */
void tracefile_write_blindly(int fd, const char *bytes, size_t len);

#endif
