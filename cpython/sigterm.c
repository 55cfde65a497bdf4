// SPDX-License-Identifier: Apache-2.0
#include "sigterm.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static void (*at_arrival)(void);
static void (*before_end)(void);

void
sigterm_call(void (*first)(void), void (*last)(void))
{
    at_arrival = first;
    before_end = last;
}

static void
end_by_default(void)
{
    if (before_end != NULL) {
        before_end();
    }
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    /* In a handler, it comes when that returns. */
    (void)kill(getpid(), SIGTERM);
}

#ifdef __linux__
#include <errno.h>
#include <time.h>

#include "hook.h"

/* --- The signal -----------------------------------------------------------
 *
 * Python runs handlers when it looks for signals, which may be late: what
 * comes just before a call that blocks is seen when that returns, and what
 * comes to a child before Python knows of the fork is forgotten
 * (Modules/signalmodule.c, _PySignal_AfterFork). By default SIGTERM ends a
 * process at once. So it is sent again by a timer, until our function is
 * called; and if that takes too long, or there is no timer, the process ends
 * as it would without us.
 */
enum { TICK_NS = 10 * 1000 * 1000, MOST_TICKS = 100 };

static timer_t timer;
static volatile sig_atomic_t has_timer;
static volatile sig_atomic_t ticks;
static void (*python_handler)(int); /* what Python has installed */

static bool
set_timer(long nanoseconds)
{
    const struct itimerspec spec = {
        .it_interval = {.tv_nsec = nanoseconds},
        .it_value = {.tv_nsec = nanoseconds},
    };
    return has_timer && timer_settime(timer, 0, &spec, NULL) == 0;
}

static void
on_signal(int number)
{
    int before = errno;
    if (at_arrival != NULL) {
        at_arrival();
    }
    if ((ticks == 0 && !set_timer(TICK_NS)) || ++ticks > MOST_TICKS) {
        end_by_default();
    }
    python_handler(number);
    errno = before;
}

/* Puts our handler in front of that of Python. */
static void
take_signal(void)
{
    struct sigaction action;
    if (sigaction(SIGTERM, NULL, &action) == 0 &&
        (action.sa_flags & SA_SIGINFO) == 0 &&
        action.sa_handler != on_signal && action.sa_handler != SIG_DFL &&
        action.sa_handler != SIG_IGN) {
        python_handler = action.sa_handler;
        action.sa_handler = on_signal;
        (void)sigaction(SIGTERM, &action, NULL);
    }
}

/* A timer is not inherited by a forked child: there, this makes a new one. */
static void
make_timer(void)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL,
        .sigev_signo = SIGTERM,
    };
    ticks = 0;
    has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

/* --- The handler of Python ------------------------------------------------
 */

static PyObject *handler;  /* owned: what Python calls, or NULL */
static PyObject *function; /* owned: what that calls */

/* Whether Python's own handler is in place, and may have had the signal. */
static bool unsure;

/* _thread.interrupt_main() calls the handler and sends no signal. It does
   nothing where the system handles the signal. */
static bool
is_simulated(void)
{
    struct sigaction now;
    return ticks == 0 && !unsure && sigaction(SIGTERM, NULL, &now) == 0 &&
           ((now.sa_flags & SA_SIGINFO) != 0 ||
            now.sa_handler != python_handler);
}

static PyObject *
call_function(PyObject *Py_UNUSED(module), PyObject *args)
{
    if (is_simulated()) {
        Py_RETURN_NONE;
    }
    (void)set_timer(0);
    PyObject *called = Py_XNewRef(function);
    if (called == NULL) {
        Py_RETURN_NONE;
    }
    PyObject *result = PyObject_CallObject(called, args);
    Py_DECREF(called);
    return result;
}

static PyMethodDef handler_definition = {"sigterm", call_function,
                                         METH_VARARGS, NULL};

/* --- What the program sees ------------------------------------------------
 */

static hooked_function set_signal = {.name = "signal"};
static hooked_function get_signal = {.name = "getsignal"};

typedef PyObject *fast_function(PyObject *, PyObject *const *, Py_ssize_t);

static PyObject *
call_original(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    fast_function *original =
        (fast_function *)(void (*)(void))set_signal.original->ml_meth;
    return original(module, args, nargs);
}

static bool
is_number(PyObject *object, long number)
{
    int overflow = 0;
    return PyLong_Check(object) &&
           PyLong_AsLongAndOverflow(object, &overflow) == number &&
           overflow == 0;
}

/* What the program is to see in place of a handler; takes the reference. */
static PyObject *
disguised(PyObject *found)
{
    if (found != NULL && found == handler) {
        Py_DECREF(found);
        return PyLong_FromLong((long)(intptr_t)SIG_DFL);
    }
    return found;
}

static PyObject *
signal_function(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    if (handler == NULL || nargs != 2 || !is_number(args[0], SIGTERM)) {
        return disguised(call_original(module, args, nargs));
    }
    if (!is_number(args[1], (long)(intptr_t)SIG_DFL)) {
        PyObject *before = disguised(call_original(module, args, nargs));
        if (before == NULL || ticks == 0) {
            return before;
        }
        /* It came to ours while the program was just setting its own. */
        Py_DECREF(before);
        PyObject *signal = Py_BuildValue("(iO)", SIGTERM, Py_None);
        PyObject *result = signal == NULL ? NULL : call_function(NULL, signal);
        Py_XDECREF(signal);
        return result;
    }
    PyObject *const ours[] = {args[0], handler};
    bool outer = unsure;
    unsure = true;
    PyObject *before = call_original(module, ours, 2);
    if (before != NULL) {
        take_signal();
        if (PyErr_CheckSignals() < 0) {
            Py_CLEAR(before);
        }
    }
    unsure = outer;
    return disguised(before);
}

static PyObject *
getsignal_function(PyObject *module, PyObject *number)
{
    return disguised(get_signal.original->ml_meth(module, number));
}

static const hook_choice SIGNAL[] = {
    {METH_FASTCALL, (void (*)(void))signal_function},
};
static const hook_choice GETSIGNAL[] = {
    {METH_O, (void (*)(void))getsignal_function},
};

/* --- The function ---------------------------------------------------------
 */

/* Whether the program has left SIGTERM to the system: -1 with an exception. */
static int
is_left_to_system(PyObject *module)
{
    hook_function(module, &set_signal, SIGNAL, 1);
    hook_function(module, &get_signal, GETSIGNAL, 1);
    if (set_signal.original == NULL || get_signal.original == NULL) {
        return 0;
    }
    PyObject *before = PyObject_CallMethod(module, "getsignal", "i", SIGTERM);
    if (before == NULL) {
        return -1;
    }
    bool result = is_number(before, (long)(intptr_t)SIG_DFL);
    Py_DECREF(before);
    return result;
}

/* Has Python call the handler: false if it cannot, in this thread. -1 with an
   exception. */
static int
install(PyObject *module)
{
    PyObject *number = PyLong_FromLong(SIGTERM);
    PyObject *before = NULL;
    if (number != NULL) {
        PyObject *const args[] = {number, handler};
        before = call_original(module, args, 2);
        Py_DECREF(number);
    }
    if (before == NULL && !PyErr_ExceptionMatches(PyExc_ValueError)) {
        return -1;
    }
    int result = before != NULL;
    PyErr_Clear();
    Py_XDECREF(before);
    return result;
}

static int
set_function(PyObject *module, PyObject *called)
{
    int left = is_left_to_system(module);
    if (left <= 0) {
        return left;
    }
    Py_XSETREF(function, Py_NewRef(called));
    Py_XSETREF(handler, PyCFunction_New(&handler_definition, NULL));
    if (handler == NULL) {
        return -1;
    }
    make_timer();
    unsure = true;
    int installed = install(module);
    if (installed > 0) {
        take_signal();
        installed = PyErr_CheckSignals() < 0 ? -1 : 1;
    }
    else {
        Py_CLEAR(handler);
    }
    unsure = false;
    return installed;
}

static int
set_from(PyObject *called)
{
    PyObject *module = PyImport_ImportModule("_signal");
    int result = module == NULL ? -1 : set_function(module, called);
    Py_XDECREF(module);
    return result;
}

static void
renew(void)
{
    if (handler != NULL) {
        make_timer();
    }
}
#else
static int
set_from(PyObject *Py_UNUSED(called))
{
    return 0;
}

static void
renew(void)
{
}
#endif

PyDoc_STRVAR(before_sigterm_doc,
             "before_sigterm(function, /)\n--\n\n"
             "Have function(number, frame) called when SIGTERM comes, as long "
             "as the program\nhas no handler of its own; it is to end the "
             "process. False if that cannot\nbe: in another thread than the "
             "first, with a handler that was set, on another\nsystem than "
             "Linux.");

static PyObject *
before_sigterm(PyObject *Py_UNUSED(self), PyObject *called)
{
    bool is_main = PyInterpreterState_Get() == PyInterpreterState_Main();
    int result = is_main ? set_from(called) : 0;
    return result < 0 ? NULL : PyBool_FromLong(result);
}

PyDoc_STRVAR(end_by_sigterm_doc,
             "end_by_sigterm($module, /)\n--\n\n"
             "End this process as SIGTERM does where it has no handler.");

static PyObject *
end_by_sigterm(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored))
{
    end_by_default();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(renew_sigterm_doc, "renew_sigterm($module, /)\n--\n\n"
                                "To be called in a forked child.");

static PyObject *
renew_sigterm(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored))
{
    renew();
    Py_RETURN_NONE;
}

PyMethodDef sigterm_methods[] = {
    {"before_sigterm", before_sigterm, METH_O, before_sigterm_doc},
    {"end_by_sigterm", end_by_sigterm, METH_NOARGS, end_by_sigterm_doc},
    {"renew_sigterm", renew_sigterm, METH_NOARGS, renew_sigterm_doc},
    {NULL, NULL, 0, NULL},
};
