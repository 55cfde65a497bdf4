// SPDX-License-Identifier: Apache-2.0
#include "endings.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "leaving.h"
#include "sigterm.h"

/* What is watched. A signal handler and a fork get no argument by which they
   could find it, so this file has state of its own: changed with
   the GIL held, and read by handlers at any time. */
enum { WATCHED_MAX = 16 };
static output *volatile watched[WATCHED_MAX];
static sync_lock lock; /* held to change that */

/* Whose lines those are: a signal may come to a child that still has those of
   its parent. */
static volatile pid_t process;

static void
rescue_all(output_occasion occasion)
{
    if (getpid() != process) {
        return;
    }
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        output *out = watched[i];
        if (out != NULL) {
            output_rescue(out, occasion);
        }
    }
}

/* Signals */

/* What kills a process if nobody takes care of it: a fault, and what others
   send. */
static const struct {
    int number;
    bool fault;
} deadly[] = {
    {SIGSEGV, true},  {SIGBUS, true},   {SIGFPE, true},  {SIGILL, true},
    {SIGABRT, true},  {SIGTERM, false}, {SIGHUP, false}, {SIGQUIT, false},
    {SIGXCPU, false}, {SIGALRM, false},
};
enum { DEADLY = sizeof(deadly) / sizeof(*deadly) };

static struct sigaction before[DEADLY];
static bool taken[DEADLY];
static _Atomic(bool) dying; /* a handler is writing, to end the process then */

/* The program would end here, and so nothing more comes of it; what is just
   being put in is finished first. */
static void
close_all(output_closing how)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (watched[i] != NULL) {
            watched[i]->closed = how;
        }
    }
}

static void
at_sigterm(void)
{
    close_all(OUTPUT_ENDS);
}

static void
on_signal(int number)
{
    size_t i = 0;
    while (deadly[i].number != number) {
        i++;
    }
    if (!deadly[i].fault) { /* other threads run on */
        if (atomic_exchange(&dying, true)) {
            return;
        }
        close_all(OUTPUT_DYING);
    }
    rescue_all(OUTPUT_DIES);
    (void)sigaction(number, &before[i], NULL);
    /* It is delivered when this handler has returned. */
    (void)raise(number);
}

/* Faults may come of a stack that has run out. */
static void
give_stack(void)
{
    enum { SIZE = 1 << 16 };
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_DISABLE) {
        /* For the life of the thread: nobody says when that ends. */
        stack = (stack_t){.ss_sp = malloc(SIZE), .ss_size = SIZE};
        if (stack.ss_sp != NULL && sigaltstack(&stack, NULL) < 0) {
            free(stack.ss_sp);
        }
    }
}

static bool
is_default(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 &&
           action->sa_handler == SIG_DFL;
}

static bool
is_ignored(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 &&
           action->sa_handler == SIG_IGN;
}

static void
take_signals(void)
{
    give_stack();
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < DEADLY; i++) {
        if (!deadly[i].fault) {
            sigaddset(&ours.sa_mask, deadly[i].number);
        }
    }
    for (size_t i = 0; i < DEADLY; i++) {
        struct sigaction now;
        if (taken[i] || sigaction(deadly[i].number, NULL, &now) < 0) {
            continue;
        }
        /* Whoever handles a fault (faulthandler) is to do so after us. */
        if (deadly[i].fault ? !is_ignored(&now) : is_default(&now)) {
            before[i] = now;
            taken[i] = sigaction(deadly[i].number, &ours, NULL) == 0;
        }
    }
}

static void
give_signals_back(void)
{
    for (size_t i = 0; i < DEADLY; i++) {
        struct sigaction now;
        if (taken[i] && sigaction(deadly[i].number, NULL, &now) == 0 &&
            (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == on_signal) {
            (void)sigaction(deadly[i].number, &before[i], NULL);
        }
        taken[i] = false;
    }
}

/* Forks */

static void
before_fork(void)
{
    /* Else another thread may be at it. */
    if (PyGILState_Check()) {
        rescue_all(OUTPUT_GOES_ON);
    }
}

static void
in_child(void)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (watched[i] != NULL) {
            output_forget(watched[i]);
        }
    }
    dying = false;
    /* Only now: each first write to a page is a place for a signal. */
    process = getpid();
}

static void
before_leaving(void)
{
    /* Another thread is to end the process, and writes before. */
    enum { TICK_MS = 100, MOST_TICKS = 200 };
    for (int i = 0; i < MOST_TICKS && dying; i++) {
        (void)poll(NULL, 0, TICK_MS);
    }
    rescue_all(OUTPUT_LEAVES);
}

static void
before_sigterm(void)
{
    rescue_all(OUTPUT_DIES);
}

static void
register_for_good(void)
{
    (void)pthread_atfork(before_fork, NULL, in_child);
    (void)Py_AtExit(before_leaving);
    sigterm_call(at_sigterm, before_sigterm);
}

/* What is watched */

static size_t
count_watched(void)
{
    size_t count = 0;
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        count += watched[i] != NULL;
    }
    return count;
}

int
endings_watch(output *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, register_for_good);
    bool found = false;
    process = getpid();
    sync_take(&lock);
    for (size_t i = 0; i < WATCHED_MAX && !found; i++) {
        if (watched[i] == NULL) {
            watched[i] = out;
            take_signals();
            found = true;
        }
    }
    sync_give(&lock);
    if (found) {
        return leaving_call(before_leaving);
    }
    PyErr_SetString(PyExc_RuntimeError,
                    "too many tracers print to files or keep last lines: "
                    "end some of their runs first");
    return -1;
}

void
endings_forget(output *out)
{
    bool found = false;
    sync_take(&lock);
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (watched[i] == out) {
            watched[i] = NULL;
            found = true;
        }
    }
    if (found && count_watched() == 0) {
        give_signals_back();
    }
    sync_give(&lock);
}
