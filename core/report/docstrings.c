// SPDX-License-Identifier: Apache-2.0
/* A tokenizer that knows only what can hide the end of a line or of a
   string: strings with their prefixes, comments, brackets, backslashes, and
   f-strings, which may hold all of these again.

   It needs no stack of indents: in a text that compiles the top of that
   stack is always the column of the latest logical line, so a logical line
   is indented exactly when it begins further right than the one before. */
#include "docstrings.h"

#include <stdbool.h>
#include <string.h>

enum {
    TAB_SIZE = 8,
    /* CPython gives up at 150 open f-strings and 200 open brackets. */
    MAX_NESTING = 256,
};

typedef struct {
    const char *at;  /* borrowed */
    const char *end; /* borrowed */
    size_t line;     /* number of the line that `at` is on */
    int minor;
    unsigned nesting; /* replacement fields that are open */
} scanner;

/* What may stand before a quote. */
typedef struct {
    bool formatted; /* an f-string or t-string that is not a STRING token */
    bool raw;
} prefix;

/* The quotes that end a string. */
typedef struct {
    char mark;
    bool triple;
} quotes;

static void scan_code(scanner *s, bool replacement);
static void scan_fstring_text(scanner *s, quotes q, bool raw,
                              bool specification);

static bool
is_word(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') ||
           (u >= '0' && u <= '9') || u == '_' || u >= 0x80;
}

static bool
is_quote(char c)
{
    return c == '"' || c == '\'';
}

static void
skip_char(scanner *s)
{
    s->line += *s->at == '\n';
    s->at++;
}

static void
skip_comment(scanner *s)
{
    const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
    s->at = newline == NULL ? s->end : newline;
}

/* Whether `word` in front of a quote is part of the string, and how. */
static bool
read_prefix(const scanner *s, const char *word, size_t len, prefix *out)
{
    if (len > 2) {
        return false;
    }
    unsigned b = 0, f = 0, r = 0, t = 0, u = 0;
    for (size_t i = 0; i < len; i++) {
        switch (word[i] | 0x20) {
        case 'b':
            b++;
            break;
        case 'f':
            f++;
            break;
        case 'r':
            r++;
            break;
        case 't':
            t++;
            break;
        case 'u':
            u++;
            break;
        default:
            return false;
        }
    }
    if (b + f + t + u > 1 || r > 1 || (u == 1 && r == 1) ||
        (t == 1 && s->minor < 14)) {
        return false;
    }
    out->formatted = t == 1 || (f == 1 && s->minor >= 12);
    out->raw = r == 1;
    return true;
}

/* At the opening quotes: steps behind them. */
static quotes
open_quotes(scanner *s)
{
    quotes q = {.mark = *s->at, .triple = false};
    s->at++;
    if (s->end - s->at >= 2 && s->at[0] == q.mark && s->at[1] == q.mark) {
        q.triple = true;
        s->at += 2;
    }
    return q;
}

/* Steps over the closing quotes, if this is where they are. */
static bool
close_quotes(scanner *s, quotes q)
{
    if (*s->at != q.mark) {
        return false;
    }
    if (!q.triple) {
        s->at++;
        return true;
    }
    if (s->end - s->at >= 3 && s->at[1] == q.mark && s->at[2] == q.mark) {
        s->at += 3;
        return true;
    }
    return false;
}

static void
scan_plain_string(scanner *s)
{
    quotes q = open_quotes(s);
    while (s->at < s->end && !close_quotes(s, q)) {
        if (*s->at == '\\' && s->end - s->at >= 2) {
            s->at++;
        }
        skip_char(s);
    }
}

/* At a backslash in the text of an f-string. */
static void
skip_escape(scanner *s, bool raw)
{
    s->at++;
    if (s->at == s->end || *s->at == '{' || *s->at == '}') {
        return; /* the brace keeps its meaning */
    }
    bool named = *s->at == 'N' && !raw;
    skip_char(s);
    if (named && s->at < s->end && *s->at == '{') {
        const char *brace = memchr(s->at, '}', (size_t)(s->end - s->at));
        s->at = brace == NULL ? s->end : brace + 1;
    }
}

/* At the opening brace of a replacement field: steps behind its end. */
static void
scan_replacement(scanner *s, quotes q, bool raw)
{
    if (s->nesting == MAX_NESTING) {
        s->at = s->end; /* not a text that compiles */
        return;
    }
    s->nesting++;
    s->at++;
    scan_code(s, true);
    /* A colon leads into the format specification, whose end leads back. */
    while (s->at < s->end && *s->at == ':') {
        s->at++;
        scan_fstring_text(s, q, raw, true);
        scan_code(s, true);
    }
    s->at += s->at < s->end; /* the closing brace */
    s->nesting--;
}

/* Scans the text of an f-string up to its closing quotes, or, if it is a
   format specification, up to the brace that ends the replacement field. */
static void
scan_fstring_text(scanner *s, quotes q, bool raw, bool specification)
{
    while (s->at < s->end) {
        char c = *s->at;
        bool doubled = s->end - s->at >= 2 && s->at[1] == c;
        if (specification && (c == '}' || (c == '\n' && !q.triple))) {
            return; /* scan_code goes on */
        }
        if (!specification && (c == '{' || c == '}') && doubled) {
            s->at += 2;
        }
        else if (c == '{') {
            scan_replacement(s, q, raw);
        }
        else if (c == '\\') {
            skip_escape(s, raw);
        }
        else if (!specification && close_quotes(s, q)) {
            return;
        }
        else {
            skip_char(s);
        }
    }
}

/* At the opening quotes of a string. */
static void
scan_string(scanner *s, prefix p)
{
    if (!p.formatted) {
        scan_plain_string(s);
        return;
    }
    quotes q = open_quotes(s);
    scan_fstring_text(s, q, p.raw, false);
}

/* Reads the string that begins here, behind its prefix or at its quotes.
   Returns false, standing behind the word if there is one, when what begins
   here is no string. */
static bool
scan_word_or_string(scanner *s, prefix *p)
{
    const char *word = s->at;
    while (s->at < s->end && is_word(*s->at)) {
        s->at++;
    }
    if (s->at == s->end || !is_quote(*s->at) ||
        !read_prefix(s, word, (size_t)(s->at - word), p)) {
        return false;
    }
    scan_string(s, *p);
    return true;
}

/* Scans code up to the newline that ends the statement; or, in a replacement
   field of an f-string, up to its closing brace or to the colon before its
   format specification. Stops in front of it. */
static void
scan_code(scanner *s, bool replacement)
{
    size_t depth = 0;
    while (s->at < s->end) {
        char c = *s->at;
        prefix p;
        switch (c) {
        case '\n':
            if (depth == 0 && !replacement) {
                return;
            }
            skip_char(s);
            break;
        case '#':
            skip_comment(s);
            break;
        case '\\':
            s->at++;
            if (s->at < s->end) {
                skip_char(s);
            }
            break;
        case '(':
        case '[':
        case '{':
            depth++;
            s->at++;
            break;
        case ')':
        case ']':
        case '}':
            if (depth == 0 && replacement) {
                return;
            }
            depth -= depth > 0;
            s->at++;
            break;
        case ':':
            if (depth == 0 && replacement) {
                return;
            }
            s->at++;
            break;
        default:
            if (is_word(c) || is_quote(c)) {
                if (!scan_word_or_string(s, &p) && s->at < s->end &&
                    is_quote(*s->at)) {
                    scan_plain_string(s);
                }
            }
            else {
                s->at++;
            }
        }
    }
}

/* At the start of a line: steps to its first token and says in which column
   that is. Returns false, at the start of the next line, when the line is
   blank or only a comment. */
static bool
start_statement(scanner *s, size_t *column)
{
    size_t width = 0;
    size_t joined = 0; /* the width in front of the first backslash */
    bool joins = false;
    for (; s->at < s->end; s->at++) {
        if (*s->at == ' ') {
            width++;
        }
        else if (*s->at == '\t') {
            width = (width / TAB_SIZE + 1) * TAB_SIZE;
        }
        else if (*s->at == '\f') {
            width = 0;
        }
        else if (*s->at == '\\' && s->end - s->at >= 2 && s->at[1] == '\n') {
            if (s->minor < 12 ? !joins : joined == 0) {
                joined = width;
            }
            joins = true;
            s->at++;
            s->line++;
        }
        else {
            break;
        }
    }
    if (joins && s->minor < 12) {
        /* Up to 3.11 Python's tokenizer is another one than the compiler's:
           it looks at the first line alone, and sees no blank one in it. */
        *column = joined;
        return true;
    }
    if (s->at < s->end && *s->at == '#') {
        skip_comment(s);
    }
    if (s->at == s->end) {
        return false;
    }
    if (*s->at == '\n') {
        skip_char(s);
        return false;
    }
    *column = joined > 0 ? joined : width;
    return true;
}

xt_status
xt_docstrings_find(const char *text, size_t len, int minor, xt_bitset *lines)
{
    scanner s = {.at = text, .end = text + len, .line = 1, .minor = minor};
    size_t previous = 0;
    bool first = true;
    while (s.at < s.end) {
        size_t column;
        if (!start_statement(&s, &column)) {
            first = false;
            continue;
        }
        prefix p;
        size_t from = s.line;
        if ((first || column > previous) && scan_word_or_string(&s, &p) &&
            !p.formatted) {
            for (size_t line = from; line <= s.line; line++) {
                xt_status status = xt_bitset_add(lines, line);
                if (status != XT_OK) {
                    return status;
                }
            }
        }
        first = false;
        previous = column;
        scan_code(&s, false);
        s.line += s.at < s.end;
        s.at += s.at < s.end; /* the newline */
    }
    return XT_OK;
}
