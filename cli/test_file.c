/* Reading and rewriting `.test` files. */
#include "cli/test_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "core/str.h"

static const char *const words[] = {"sql",    "query", "listing", "feed",   "watermark",
                                    "clock",  "end",   "wait",    "expect", "table",
                                    "output", "text",  "error",   "only",   "file"};

/* "== word …", but not the "== Title ==" of an EXPLAIN. */
static bool is_heading(const char *at, const char *end)
{
    if (end - at <= 3 || memcmp(at, "== ", 3) != 0)
        return false;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline == NULL ? end : newline;
    return stop - at < 6 || memcmp(stop - 3, " ==", 3) != 0;
}

static bool is_known(Str word)
{
    for (size_t i = 0; i < array_count(words); i++) {
        if (str_equal(word, str_of(words[i])))
            return true;
    }
    return false;
}

bool test_next_word(Str *rest, Str *word)
{
    *rest = str_trim(*rest);
    size_t length = 0;
    while (length < rest->length && rest->data[length] != ' ')
        length++;
    *word = (Str){rest->data, length};
    rest->data += length;
    rest->length -= length;
    return length > 0;
}

static TestBlock *test_file_add(TestFile *file, uint32_t line, Str heading)
{
    file->blocks = memory_realloc(file->blocks, sizeof(TestBlock) * (file->block_count + 1));
    TestBlock *block = &file->blocks[file->block_count++];
    memset(block, 0, sizeof(*block));
    block->line = line;
    block->rest = heading;
    test_next_word(&block->rest, &block->word);
    return block;
}

static bool test_file_split(TestFile *file)
{
    const char *at = file->text.data;
    const char *end = at + file->text.length;
    TestBlock *block = NULL;
    for (uint32_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        if (is_heading(at, end)) {
            const char *stop = newline == NULL ? end : newline;
            block = test_file_add(file, line, (Str){at + 3, (size_t)(stop - at) - 3});
            block->body = (Str){next, 0};
            if (!is_known(block->word)) {
                fprintf(stderr,
                        "%s:%u: error: block \"%.*s\" does not exist\nhint: Blocks are sql, "
                        "query, listing, feed, watermark, clock, end, wait, expect, table, "
                        "output, text, error, file and only.\n",
                        file->path, line, (int)block->word.length, block->word.data);
                return false;
            }
        } else if (block != NULL) {
            block->body.length = (size_t)(next - block->body.data);
        }
        at = next;
    }
    return true;
}

bool test_file_open(TestFile *file, const char *path)
{
    memset(file, 0, sizeof(*file));
    file->path = path;
    if (!read_file(path, &file->text))
        return false;
    buffer_text(&file->text);
    return test_file_split(file);
}

void test_file_close(TestFile *file)
{
    for (uint32_t i = 0; i < file->block_count; i++)
        buffer_deinit(&file->blocks[i].actual);
    memory_free(file->blocks);
    buffer_deinit(&file->text);
}

bool test_file_update(const TestFile *file)
{
    Buffer out = {0};
    const char *from = file->text.data;
    for (uint32_t i = 0; i < file->block_count; i++) {
        const TestBlock *block = &file->blocks[i];
        if (!block->has_actual)
            continue;
        buffer_append(&out, from, (size_t)(block->body.data - from));
        buffer_append(&out, block->actual.data, block->actual.length);
        from = block->body.data + block->body.length;
        if (from < file->text.data + file->text.length)
            buffer_append_char(&out, '\n');
    }
    buffer_append(&out, from, (size_t)(file->text.data + file->text.length - from));
    FILE *stream = fopen(file->path, "wb");
    bool ok = stream != NULL && fwrite(out.data, 1, out.length, stream) == out.length;
    ok = stream != NULL && fclose(stream) == 0 && ok;
    if (!ok)
        fprintf(stderr, "error: could not write file \"%s\": %s\n", file->path, strerror(errno));
    buffer_deinit(&out);
    return ok;
}

static int compare_lines(const void *a, const void *b)
{
    const Str *left = a, *right = b;
    size_t shorter = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->data, right->data, shorter);
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

void test_lines(Str body, bool sorted, Buffer *out)
{
    Str *lines = NULL;
    size_t count = 0;
    const char *at = body.data;
    const char *end = at + body.length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        Str line = {at, (size_t)(next - at)};
        while (line.length > 0 && strchr(" \t\r\n", line.data[line.length - 1]) != NULL)
            line.length--;
        at = next;
        if (line.length == 0 || line.data[0] == '#')
            continue;
        lines = memory_realloc(lines, sizeof(*lines) * (count + 1));
        lines[count++] = line;
    }
    if (sorted && count > 0)
        qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < count; i++) {
        buffer_append_str(out, lines[i]);
        buffer_append_char(out, '\n');
    }
    memory_free(lines);
}
