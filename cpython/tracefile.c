// SPDX-License-Identifier: Apache-2.0
#include "tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h> // PIPE_BUF
#include <stdlib.h> // realpath(), free()
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

/* Descriptors from here on, where a program does not look for its own. */
enum { FIRST_FD = 100 };

static int
open_high(const char *path, int flags)
{
    int fd = open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) {
        return -1;
    }
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
    if (high < 0) {
        return fd; /* so many are not allowed here */
    }
    (void)close(fd);
    return high;
}

int
tracefile_share_stdout(void)
{
    int fd = fcntl(1, F_DUPFD_CLOEXEC, FIRST_FD);
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    struct stat status;
    if (flags >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        (void)fcntl(fd, F_SETFL, flags | O_APPEND);
    }
    return fd;
}

tracefile *
tracefile_open(PyObject *path, bool shared)
{
    PyObject *name;
    if (!PyUnicode_FSConverter(path, &name)) {
        return NULL;
    }
    const char *bytes = PyBytes_AS_STRING(name);
    tracefile *file = NULL;
    int fd;
    Py_BEGIN_ALLOW_THREADS /* a pipe waits for its reader */
        fd = open_high(bytes, shared ? 0 : O_CREAT | O_TRUNC);
    Py_END_ALLOW_THREADS struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        goto done;
    }
    file = xt_malloc(sizeof(*file));
    if (file == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    file->fd = fd;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->in_pieces = !S_ISREG(status.st_mode);
    file->path = realpath(bytes, NULL);
    file->len = 0;
    fd = -1;
done:
    if (fd >= 0) {
        (void)close(fd);
    }
    Py_DECREF(name);
    return file;
}

static bool
is_it(const tracefile *file, int fd)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 &&
           status.st_dev == file->device && status.st_ino == file->inode;
}

/* Whether the descriptor is that of the file; opens it once more if not. */
static bool
hold_on(tracefile *file)
{
    if (is_it(file, file->fd)) {
        return true;
    }
    file->fd = -1;
    int fd = file->path == NULL ? -1 : open_high(file->path, 0);
    if (!is_it(file, fd)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        errno = EBADF;
        return false;
    }
    file->fd = fd;
    return true;
}

void
tracefile_close(tracefile *file)
{
    if (file == NULL) {
        return;
    }
    tracefile_flush_blindly(file);
    if (is_it(file, file->fd)) {
        (void)close(file->fd);
    }
    free(file->path);
    xt_free(file);
}

/* How many of the bytes to write at once: whole lines that a pipe takes in one
   piece, if there are any. */
static size_t
piece_of(const tracefile *file, const char *bytes, size_t len)
{
    if (!file->in_pieces || len <= PIPE_BUF) {
        return len;
    }
    size_t piece = PIPE_BUF;
    while (piece > 0 && bytes[piece - 1] != '\n') {
        piece--;
    }
    return piece == 0 ? PIPE_BUF : piece;
}

static int
write_all(tracefile *file, const char *bytes, size_t len)
{
    if (!hold_on(file)) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    while (len > 0) {
        ssize_t done = write(file->fd, bytes, piece_of(file, bytes, len));
        if (done >= 0) {
            bytes += done;
            len -= (size_t)done;
        }
        else if (errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        else if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    return 0;
}

int
tracefile_flush(tracefile *file)
{
    size_t len = file->len;
    file->len = 0;
    return len == 0 ? 0 : write_all(file, file->bytes, len);
}

int
tracefile_put(tracefile *file, const char *bytes, size_t len)
{
    if (len > TRACEFILE_BUFFER - file->len) {
        if (tracefile_flush(file) < 0) {
            return -1;
        }
        if (len > TRACEFILE_BUFFER) {
            return write_all(file, bytes, len);
        }
    }
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
    return 0;
}

void
tracefile_write_blindly(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done > 0) {
            bytes += done;
            len -= (size_t)done;
        }
        else if (done == 0 || errno != EINTR) {
            return;
        }
    }
}

void
tracefile_flush_blindly(tracefile *file)
{
    size_t len = file->len;
    file->len = 0;
    if (len > 0 && hold_on(file)) {
        for (size_t at = 0; at < len;) {
            size_t piece = piece_of(file, file->bytes + at, len - at);
            tracefile_write_blindly(file->fd, file->bytes + at, piece);
            at += piece;
        }
    }
}
