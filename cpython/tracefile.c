// SPDX-License-Identifier: Apache-2.0
#include "tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h> // PIPE_BUF
#include <poll.h>
#include <signal.h>
#include <stdlib.h> // realpath(), free()
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

/* Descriptors from here on, where a program does not look for its own. */
enum { FIRST_FD = 100 };

enum { BUFFER = 1 << 16 }; /* more only for a line that is longer */

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

/* Says whether writes wait, if it is ours alone to say: on Linux even
   /dev/stdout is opened anew, elsewhere that is the description of sys.stdout.
 */
static bool
set_waiting(int fd, bool waits)
{
#ifdef __linux__
    int flags = fcntl(fd, F_GETFL);
    int wanted = waits ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return flags >= 0 && fcntl(fd, F_SETFL, wanted) == 0;
#else
    (void)fd;
    (void)waits;
    return false;
#endif
}

/* Settles what a descriptor is like that was just opened. */
static void
look_at(tracefile *file, const struct stat *status)
{
    file->in_pieces = !S_ISREG(status->st_mode);
    bool never_waits =
        S_ISFIFO(status->st_mode) && set_waiting(file->fd, false);
    file->waits = file->in_pieces && !never_waits;
    if (file->waits) {
        (void)set_waiting(file->fd, true);
    }
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
    char *buffer = file == NULL ? NULL : xt_malloc(BUFFER);
    if (buffer == NULL) {
        xt_free(file);
        file = NULL;
        PyErr_NoMemory();
        goto done;
    }
    *file = (tracefile){
        .fd = fd,
        .device = status.st_dev,
        .inode = status.st_ino,
        .path = realpath(bytes, NULL),
        .bytes = buffer,
        .cap = BUFFER,
    };
    look_at(file, &status);
    fd = -1;
done:
    if (fd >= 0) {
        (void)close(fd);
    }
    Py_DECREF(name);
    return file;
}

static bool
is_it(const tracefile *file, int fd, struct stat *status)
{
    return fd >= 0 && fstat(fd, status) == 0 &&
           status->st_dev == file->device && status->st_ino == file->inode;
}

/* Whether the descriptor is that of the file; opens it once more if not. */
static bool
hold_on(tracefile *file)
{
    struct stat status;
    if (is_it(file, file->fd, &status)) {
        return true;
    }
    file->fd = -1;
    int fd = file->path == NULL ? -1 : open_high(file->path, O_NONBLOCK);
    if (!is_it(file, fd, &status)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        errno = EBADF;
        return false;
    }
    file->fd = fd;
    look_at(file, &status);
    return true;
}

void
tracefile_close(tracefile *file)
{
    if (file == NULL) {
        return;
    }
    tracefile_flush_blindly(file, TRACEFILE_A_WHILE);
    struct stat status;
    if (is_it(file, file->fd, &status)) {
        (void)close(file->fd);
    }
    free(file->path);
    xt_free(file->bytes);
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
 * and that noted, while signals are blocked and no other thread does so. That
 * is not for a write that may wait: it would keep the signals from the
 * process. Such a piece counts as written before, so that it is lost if the
 * process dies while it waits.
 */

enum { TICK_MS = 10 };

/* False if another thread is just writing a piece: errno says to try again. */
static bool
take_turn(tracefile *file)
{
    if (!atomic_exchange(&file->taken, true)) {
        return true;
    }
    (void)poll(NULL, 0, 1);
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

static bool
is_empty(const tracefile *file)
{
    return file->done >= file->len;
}

/* Writes one piece. False if that fails: errno says why. */
static bool
write_some(tracefile *file)
{
    if (!hold_on(file)) {
        return false;
    }
    if (file->waits && !wait_for(file->fd, 0)) {
        errno = EAGAIN;
        return false;
    }
    size_t at = file->done;
    const char *bytes = file->bytes + at;
    size_t piece = piece_of(file, bytes, file->len - at);
    if (file->waits) {
        file->done = at + piece;
    }
    ssize_t written = write(file->fd, bytes, piece);
    file->done = written < 0 ? at : at + (size_t)written;
    if (written == 0) {
        errno = EIO;
    }
    return written > 0;
}

/* The same, or nothing if there is none left. */
static bool
write_piece(tracefile *file)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    if (!file->waits) {
        sigfillset(&blocked);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
    bool well = take_turn(file);
    if (well) {
        well = is_empty(file) || write_some(file);
        file->taken = false;
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return well;
}

/* The same with the GIL, which what may wait does without. */
static bool
write_piece_apart(tracefile *file)
{
    if (!file->waits) {
        return write_piece(file);
    }
    bool well;
    int error;
    Py_BEGIN_ALLOW_THREADS;
    well = write_piece(file);
    error = errno;
    Py_END_ALLOW_THREADS;
    errno = error;
    return well;
}

int
tracefile_flush(tracefile *file)
{
    while (!is_empty(file) || file->taken) {
        if (write_piece_apart(file)) {
            continue;
        }
        if (errno == EAGAIN || errno == EINTR) {
            return TRACEFILE_FULL;
        }
        tracefile_drop(file);
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

/* Begins anew with a buffer that is empty, and has room for that much. False
   if there is no memory for it. */
static bool
begin_anew(tracefile *file, size_t len)
{
    if (len > file->cap) {
        char *bytes = xt_malloc(len);
        if (bytes == NULL) {
            return false;
        }
        char *before = file->bytes;
        file->bytes = bytes;
        atomic_signal_fence(memory_order_seq_cst);
        file->cap = len;
        xt_free(before);
    }
    file->len = 0; /* first: done may be more, and not less */
    file->done = 0;
    return true;
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
    if (len > file->cap - file->len) {
        int result = tracefile_flush(file);
        if (result != 0) {
            return result;
        }
        if (!begin_anew(file, len)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    append(file, bytes, len);
    return 0;
}

/* --- Blindly ------------------------------------------------------------- */

enum { PATIENCE_MS = 3000 };

/* When the patience ends, in milliseconds; it begins anew with each piece. */
static int64_t
end_of(tracefile_patience patience)
{
    struct timespec now;
    if (patience == TRACEFILE_FOREVER ||
        clock_gettime(CLOCK_MONOTONIC, &now) < 0) {
        return INT64_MAX;
    }
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + PATIENCE_MS;
}

static bool
is_over(int64_t end)
{
    return end != INT64_MAX && end_of(TRACEFILE_A_WHILE) - PATIENCE_MS >= end;
}

void
tracefile_write_blindly(int fd, const char *bytes, size_t len,
                        tracefile_patience patience)
{
    int64_t end = end_of(patience);
    while (fd >= 0 && len > 0 && !is_over(end)) {
        if (!wait_for(fd, TICK_MS)) {
            continue;
        }
        ssize_t written = write(fd, bytes, len);
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
            end = end_of(patience);
        }
        else if (written == 0 || (errno != EINTR && errno != EAGAIN)) {
            return;
        }
    }
}

void
tracefile_flush_blindly(tracefile *file, tracefile_patience patience)
{
    int64_t end = end_of(patience);
    while (!is_empty(file) && !is_over(end)) {
        if (write_piece(file)) {
            end = end_of(patience);
        }
        else if (errno != EAGAIN && errno != EINTR) {
            return;
        }
        else {
            (void)wait_for(file->fd, TICK_MS);
        }
    }
}

void
tracefile_put_blindly(tracefile *file, const char *bytes, size_t len,
                      tracefile_patience patience)
{
    if (len > file->cap - file->len) {
        tracefile_flush_blindly(file, patience);
        tracefile_drop(file);
        if (!begin_anew(file, 0) || len > file->cap) {
            return;
        }
    }
    append(file, bytes, len);
}

void
tracefile_hurry(tracefile *file)
{
    struct stat status;
    if (!file->waits) {
        return;
    }
    if (is_it(file, file->fd, &status) && set_waiting(file->fd, false)) {
        file->waits = false;
    }
    file->taken = false; /* perhaps by this thread, which was interrupted */
}

void
tracefile_drop(tracefile *file)
{
    file->done = (size_t)file->len;
}

void
tracefile_forget(tracefile *file)
{
    tracefile_drop(file);
    file->taken = false; /* by another thread, which is not here */
}
