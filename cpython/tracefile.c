// SPDX-License-Identifier: Apache-2.0
#include "tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h> // PIPE_BUF
#include <poll.h>
#include <signal.h>
#include <stdlib.h> // realpath(), free()
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

/* Descriptors from here on, where a program does not look for its own. */
enum { FIRST_FD = 100 };

/* A write to a pipe must not wait: see below. */
static void
set_nonblocking(int fd)
{
#ifdef __linux__ /* elsewhere this may be the description of sys.stdout */
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
#else
    (void)fd;
#endif
}

static int
open_high(const char *path, int flags)
{
    int fd = open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) {
        return -1;
    }
    set_nonblocking(fd);
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
    file->done = 0;
    file->taken = false;
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
    int fd = file->path == NULL ? -1 : open_high(file->path, O_NONBLOCK);
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
    tracefile_flush_blindly(file, TRACEFILE_A_WHILE);
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

/* --- Writing --------------------------------------------------------------
 *
 * A signal may end the process at any time, and its handler writes the rest:
 * nothing may be lost by that, nor be written twice. So a piece is written,
 * and that noted, while signals are blocked and no other thread does so; and
 * as a pipe that is full would keep the signals from the process, none is
 * waited for in that.
 */

enum { TICK_MS = 10, MOST_TICKS = 300 };

/* False if another thread is just writing a piece: errno says to try again. */
static bool
take_turn(tracefile *file)
{
    if (!atomic_exchange(&file->taken, true)) {
        return true;
    }
    (void)poll(NULL, 0, TICK_MS);
    errno = EAGAIN;
    return false;
}

/* Waits until the descriptor can be written to. False if that takes longer, or
   a signal comes. */
static bool
wait_for(int fd, int milliseconds)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    return poll(&wanted, 1, milliseconds) > 0;
}

static void
drop(tracefile *file)
{
    file->len = 0; /* first: a handler may come in between */
    file->done = 0;
}

static bool
write_some(tracefile *file)
{
    if (file->in_pieces && !wait_for(file->fd, 0)) {
        errno = EAGAIN;
        return false;
    }
    const char *bytes = file->bytes + file->done;
    size_t left = file->len - file->done;
    ssize_t written = write(file->fd, bytes, piece_of(file, bytes, left));
    if (written < 0) {
        return false;
    }
    file->done += (size_t)written;
    if (file->done == file->len) {
        drop(file);
    }
    return true;
}

/* Writes one piece, if there is any left. False if that fails: errno says why.
 */
static bool
write_piece(tracefile *file)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    bool well = take_turn(file);
    if (well) {
        well = file->done >= file->len || (hold_on(file) && write_some(file));
        file->taken = false;
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return well;
}

int
tracefile_flush(tracefile *file)
{
    while (file->done < file->len) {
        if (write_piece(file)) {
            continue;
        }
        if (errno == EAGAIN || errno == EINTR) {
            return TRACEFILE_FULL;
        }
        drop(file);
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

void
tracefile_wait(const tracefile *file)
{
    /* A signal that comes just before it does not end it. */
    enum { LONGEST_MS = 100 };
    (void)wait_for(file->fd, LONGEST_MS);
}

static void
append(tracefile *file, const char *bytes, size_t len)
{
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}

int
tracefile_put(tracefile *file, const char *bytes, size_t len)
{
    if (len > TRACEFILE_BUFFER - file->len) {
        int result = tracefile_flush(file);
        if (result != 0) {
            return result;
        }
    }
    /* The parts of a long line stay together, whoever has to wait. */
    while (len > TRACEFILE_BUFFER) {
        append(file, bytes, TRACEFILE_BUFFER);
        bytes += TRACEFILE_BUFFER;
        len -= TRACEFILE_BUFFER;
        int result;
        while ((result = tracefile_flush(file)) == TRACEFILE_FULL) {
            tracefile_wait(file);
        }
        if (result < 0) {
            return -1;
        }
    }
    append(file, bytes, len);
    return 0;
}

void
tracefile_write_blindly(int fd, const char *bytes, size_t len,
                        tracefile_patience patience)
{
    int ticks = 0;
    while (fd >= 0 && len > 0 && ticks < MOST_TICKS) {
        if (!wait_for(fd, TICK_MS)) {
            ticks += patience == TRACEFILE_A_WHILE;
            continue;
        }
        ssize_t written = write(fd, bytes, len);
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
            ticks = 0;
        }
        else if (written == 0 || (errno != EINTR && errno != EAGAIN)) {
            return;
        }
    }
}

void
tracefile_flush_blindly(tracefile *file, tracefile_patience patience)
{
    int ticks = 0;
    while (file->done < file->len && ticks < MOST_TICKS) {
        if (write_piece(file)) {
            ticks = 0;
        }
        else if (errno != EAGAIN && errno != EINTR) {
            break;
        }
        else {
            (void)wait_for(file->fd, TICK_MS);
            ticks += patience == TRACEFILE_A_WHILE;
        }
    }
}

void
tracefile_forget(tracefile *file)
{
    drop(file);
    file->taken = false; /* by another thread, which is not here */
}
