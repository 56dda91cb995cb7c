/* A growable run of bytes: text being printed, rows being encoded, a file being read.
 *
 * Invariant: `data` has room for `length` bytes and a terminating zero, which buffer_text() writes.
 * Ownership: the buffer owns `data`; buffer_deinit gives it back. Zero-initialised is empty. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <string.h>

#include "core/base.h"

typedef struct Buffer {
    char *data;
    size_t length;
    size_t capacity;
} Buffer;

void buffer_deinit(Buffer *buffer);
/* Room for `more` bytes after `length`; returns where they start. */
char *buffer_reserve(Buffer *buffer, size_t more);
void buffer_append_slow(Buffer *buffer, const void *data, size_t bytes);
void buffer_printf(Buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* The contents as a C string, valid until the next change. */
const char *buffer_text(Buffer *buffer);

static inline void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
}

static inline void buffer_append(Buffer *buffer, const void *data, size_t bytes)
{
    if (buffer->capacity - buffer->length < bytes) {
        buffer_append_slow(buffer, data, bytes);
        return;
    }
    if (bytes != 0)
        memcpy(buffer->data + buffer->length, data, bytes);
    buffer->length += bytes;
}

static inline void buffer_append_str(Buffer *buffer, Str text)
{
    buffer_append(buffer, text.data, text.length);
}

static inline void buffer_append_text(Buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

static inline void buffer_append_char(Buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

/* Text of unknown origin for a message: control characters and what is not UTF-8 as \xNN, behind
 * about `bytes` of it "..." for the rest. */
void buffer_append_excerpt(Buffer *buffer, Str text, size_t bytes);
/* Decimal digits. */
void buffer_append_i64(Buffer *buffer, int64_t value);
/* At least `width` digits, zeros in front. */
void buffer_append_padded(Buffer *buffer, uint64_t value, uint32_t width);

/* Fixed-width little-endian integers, and the readers for them: the form of everything that is
 * stored (checkpoints, source positions, pending sink rows). */
void buffer_append_u8(Buffer *buffer, uint8_t value);
void buffer_append_u32(Buffer *buffer, uint32_t value);
void buffer_append_u64(Buffer *buffer, uint64_t value);
/* Length (u32) and bytes. */
void buffer_append_bytes(Buffer *buffer, Str bytes);

/* Reads what the appenders wrote. After a short read `failed` stays set and every further value is
 * zero, so a decoder checks once at the end. */
typedef struct Reader {
    const char *next;
    const char *end;
    bool failed;
} Reader;

static inline Reader reader_of(Str bytes)
{
    return (Reader){bytes.data, bytes.data + bytes.length, false};
}

uint8_t reader_u8(Reader *reader);
uint32_t reader_u32(Reader *reader);
uint64_t reader_u64(Reader *reader);
Str reader_bytes(Reader *reader); /* borrows from the input */
static inline bool reader_done(const Reader *reader)
{
    return reader->failed || reader->next == reader->end;
}

#endif
