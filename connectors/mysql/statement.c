/* Statements in the binlog: their kind and the tables they name. Not a parser: a look at words.
 *
 * It errs on the safe side: a statement that seems to name a captured table only makes the reader
 * look at the table's definition again. Cost: linear in the text, without allocation. */
#include <ctype.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/str.h"

typedef struct Word {
    Str text;
    bool quoted;
    char mark; /* a single character that is no word; 0 for words */
} Word;

static Str skip(Str text, size_t count)
{
    return (Str){text.data + count, text.length - count};
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Past white space and comments; the inside of version comments counts as text. */
static Str skip_blank(Str text)
{
    for (;;) {
        while (text.length > 0 && isspace((unsigned char)*text.data))
            text = skip(text, 1);
        if (text.length >= 2 && text.data[0] == '/' && text.data[1] == '*') {
            bool versioned = text.length > 2 &&
                             (text.data[2] == '!' ||
                              (text.data[2] == 'M' && text.length > 3 && text.data[3] == '!'));
            text = skip(text, 2);
            if (versioned) {
                while (text.length > 0 && (*text.data == 'M' || *text.data == '!' ||
                                           isdigit((unsigned char)*text.data)))
                    text = skip(text, 1);
                continue;
            }
            while (text.length >= 2 && !(text.data[0] == '*' && text.data[1] == '/'))
                text = skip(text, 1);
            text = skip(text, text.length >= 2 ? 2 : text.length);
            continue;
        }
        if (text.length >= 2 && text.data[0] == '*' && text.data[1] == '/') {
            text = skip(text, 2);
            continue;
        }
        bool line = (text.length > 0 && *text.data == '#') ||
                    (text.length >= 3 && text.data[0] == '-' && text.data[1] == '-' &&
                     isspace((unsigned char)text.data[2]));
        if (!line)
            return text;
        while (text.length > 0 && *text.data != '\n')
            text = skip(text, 1);
    }
}

/* The next word; strings come as the mark '\'' with their text left out. */
static bool next_word(Str *text, Word *word)
{
    Str rest = skip_blank(*text);
    memset(word, 0, sizeof(*word));
    if (rest.length == 0)
        return false;
    char first = *rest.data;
    if (first == '`' || first == '"' || first == '\'') {
        size_t at = 1;
        while (at < rest.length && rest.data[at] != first)
            at += rest.data[at] == '\\' && first != '`' ? 2 : 1;
        if (at > rest.length)
            at = rest.length;
        word->text = (Str){rest.data + 1, at - 1};
        word->quoted = true;
        word->mark = first == '\'' ? '\'' : 0;
        *text = skip(rest, at < rest.length ? at + 1 : at);
        return true;
    }
    size_t length = 0;
    while (length < rest.length && is_word_char(rest.data[length]))
        length++;
    if (length == 0) {
        word->mark = first;
        length = 1;
    }
    word->text = (Str){rest.data, length};
    *text = skip(rest, length);
    return true;
}

static bool word_is(const Word *word, const char *keyword)
{
    return !word->quoted && word->mark == 0 && str_equal_nocase(word->text, str_of(keyword));
}

static bool text_has_word(Str text, const char *keyword)
{
    Word word;
    while (next_word(&text, &word)) {
        if (word_is(&word, keyword))
            return true;
    }
    return false;
}

static StatementKind xa_kind(const Word *verb)
{
    if (word_is(verb, "START") || word_is(verb, "BEGIN"))
        return STATEMENT_XA_START;
    if (word_is(verb, "END"))
        return STATEMENT_XA_END;
    if (word_is(verb, "PREPARE"))
        return STATEMENT_XA_PREPARE;
    if (word_is(verb, "COMMIT"))
        return STATEMENT_XA_COMMIT;
    return STATEMENT_XA_ROLLBACK;
}

/* ALTER TABLE … DROP|TRUNCATE|EXCHANGE PARTITION takes rows away without saying which. */
static StatementKind alter_kind(Str rest)
{
    Word word, before = {{0}, false, 0};
    while (next_word(&rest, &word)) {
        if (word_is(&word, "PARTITION") &&
            (word_is(&before, "DROP") || word_is(&before, "TRUNCATE") ||
             word_is(&before, "EXCHANGE")))
            return STATEMENT_DROP_ROWS;
        before = word;
    }
    return STATEMENT_OTHER;
}

StatementKind mysql_statement_kind(Str sql)
{
    Word first, second = {{0}, false, 0};
    Str rest = sql;
    if (!next_word(&rest, &first))
        return STATEMENT_IGNORED;
    Str behind_first = rest;
    bool has_second = next_word(&rest, &second);
    if (word_is(&first, "BEGIN"))
        return STATEMENT_BEGIN;
    if (word_is(&first, "START") && word_is(&second, "TRANSACTION"))
        return STATEMENT_BEGIN;
    if (word_is(&first, "COMMIT"))
        return STATEMENT_COMMIT;
    if (word_is(&first, "ROLLBACK"))
        return word_is(&second, "TO") ? STATEMENT_IGNORED : STATEMENT_ROLLBACK;
    if (word_is(&first, "XA") && has_second)
        return xa_kind(&second);
    if (word_is(&first, "SAVEPOINT") || word_is(&first, "RELEASE") || word_is(&first, "SET"))
        return STATEMENT_IGNORED;
    static const char *const row_verbs[] = {"INSERT",  "UPDATE", "DELETE",
                                            "REPLACE", "LOAD",   "WITH"};
    for (size_t i = 0; i < array_count(row_verbs); i++) {
        if (word_is(&first, row_verbs[i]))
            return STATEMENT_ROWS;
    }
    if (word_is(&first, "TRUNCATE"))
        return STATEMENT_TRUNCATE;
    if (word_is(&first, "DROP") &&
        (word_is(&second, "TABLE") || word_is(&second, "DATABASE") || word_is(&second, "SCHEMA")))
        return STATEMENT_DROP_TABLE;
    if (word_is(&first, "ALTER") && text_has_word(behind_first, "PARTITION"))
        return alter_kind(behind_first);
    return STATEMENT_OTHER;
}

static bool name_equals(const Word *word, const char *name)
{
    /* Whether the server folds case is its configuration; a look too many does no harm. */
    return word->mark == 0 && str_equal_nocase(word->text, str_of(name));
}

bool mysql_statement_names(Str sql, Str current_database, const char *database, const char *table)
{
    Word before_dot = {{0}, false, 0};
    Word word, before = {{0}, false, '?'};
    bool after_dot = false;
    bool is_current = str_equal_nocase(current_database, str_of(database));
    while (next_word(&sql, &word)) {
        if (word.mark == '.') {
            before_dot = before;
            after_dot = true;
            before = word;
            continue;
        }
        if (word.mark == 0 && name_equals(&word, table)) {
            if (after_dot ? name_equals(&before_dot, database) : is_current)
                return true;
        }
        /* DROP DATABASE takes its tables along. */
        bool of_database = word_is(&before, "DATABASE") || word_is(&before, "SCHEMA") ||
                           word_is(&before, "EXISTS");
        if (of_database && name_equals(&word, database) && table[0] != '\0' &&
            (sql.length == 0 || *sql.data != '.'))
            return true;
        after_dot = false;
        before = word;
    }
    return false;
}
