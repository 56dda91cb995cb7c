/* `.test` files: blocks that start with "== word arguments" and last to the next such line. */
#ifndef CLI_TEST_FILE_H
#define CLI_TEST_FILE_H

#include "core/arena.h"
#include "core/buffer.h"

typedef struct TestBlock {
    uint32_t line; /* of the heading */
    Str word;      /* "query", "feed", … */
    Str rest;      /* the heading's arguments */
    Str body;      /* the lines after it */
    Buffer actual; /* what came instead; used by --update */
    bool has_actual;
} TestBlock;

typedef struct TestFile {
    const char *path;
    Buffer text;
    TestBlock *blocks;
    uint32_t block_count;
} TestFile;

/* False with a message on standard error when the file cannot be read or has an unknown heading. */
bool test_file_open(TestFile *file, const char *path);
void test_file_close(TestFile *file);
/* Writes the file anew with every `actual` in place of its block's body. */
bool test_file_update(const TestFile *file);

/* The heading's arguments, one after the other; false at the end. */
bool test_next_word(Str *rest, Str *word);

/* The body's lines without comments ('#' first), blank lines and surrounding space, sorted if
 * asked; each ends with a newline. */
void test_lines(Str body, bool sorted, Buffer *out);

#endif
