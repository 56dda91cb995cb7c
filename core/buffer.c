/* Growable bytes. Growth doubles, so appending is amortised constant. */
#include "core/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/str.h"

#define BUFFER_FIRST_BYTES 64

void buffer_deinit(Buffer *buffer)
{
    memory_free(buffer->data);
    *buffer = (Buffer){0};
}

char *buffer_reserve(Buffer *buffer, size_t more)
{
    if (more > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4)
        memory_exhausted(more);
    size_t needed = buffer->length + more;
    /* `capacity` leaves out the byte of the terminating zero. */
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity == 0 ? BUFFER_FIRST_BYTES - 1 : buffer->capacity * 2 + 1;
        if (capacity < needed)
            capacity = needed;
        buffer->data = memory_realloc(buffer->data, capacity + 1);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void buffer_append_slow(Buffer *buffer, const void *data, size_t bytes)
{
    char *to = buffer_reserve(buffer, bytes);
    if (bytes != 0)
        memcpy(to, data, bytes);
    buffer->length += bytes;
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    char *to = buffer_reserve(buffer, BUFFER_FIRST_BYTES);
    size_t room = buffer->capacity - buffer->length + 1;
    int length = vsnprintf(to, room, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    if ((size_t)length >= room) {
        to = buffer_reserve(buffer, (size_t)length);
        vsnprintf(to, (size_t)length + 1, format, again);
    }
    va_end(again);
    buffer->length += (size_t)length;
}

const char *buffer_text(Buffer *buffer)
{
    *buffer_reserve(buffer, 0) = '\0';
    return buffer->data;
}

void buffer_append_padded(Buffer *buffer, uint64_t value, uint32_t width)
{
    char digits[40];
    char *start = digits + sizeof(digits);
    assert(width <= sizeof(digits));
    do {
        *--start = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (digits + sizeof(digits) - start < (ptrdiff_t)width)
        *--start = '0';
    buffer_append(buffer, start, (size_t)(digits + sizeof(digits) - start));
}

void buffer_append_excerpt(Buffer *buffer, Str text, size_t bytes)
{
    size_t cut = text.length;
    if (cut > bytes) { /* not within a code point */
        cut = bytes;
        while (cut > 0 && cut + 3 > bytes && ((unsigned char)text.data[cut] & 0xC0) == 0x80)
            cut--;
    }
    size_t valid = 0; /* up to here the text is known to be well-formed */
    for (size_t at = 0; at < cut; at++) {
        if (at >= valid)
            valid = at + str_utf8_valid_prefix((Str){text.data + at, cut - at});
        unsigned char byte = (unsigned char)text.data[at];
        if (at >= valid || byte < 0x20 || byte == 0x7F)
            buffer_printf(buffer, "\\x%02x", byte);
        else
            buffer_append_char(buffer, text.data[at]);
    }
    if (cut < text.length)
        buffer_append_text(buffer, "...");
}

void buffer_append_i64(Buffer *buffer, int64_t value)
{
    if (value < 0)
        buffer_append_char(buffer, '-');
    buffer_append_padded(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

void buffer_append_u8(Buffer *buffer, uint8_t value)
{
    buffer_append(buffer, &value, 1);
}

void buffer_append_u32(Buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_u64(Buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_append(buffer, bytes, sizeof(bytes));
}

void buffer_append_bytes(Buffer *buffer, Str bytes)
{
    assert(bytes.length <= UINT32_MAX);
    buffer_append_u32(buffer, (uint32_t)bytes.length);
    buffer_append_str(buffer, bytes);
}

static bool reader_has(Reader *reader, size_t bytes)
{
    if (!reader->failed && (size_t)(reader->end - reader->next) < bytes)
        reader->failed = true;
    return !reader->failed;
}

static uint64_t reader_little_endian(Reader *reader, size_t bytes)
{
    if (!reader_has(reader, bytes))
        return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(uint8_t)reader->next[i] << (8 * i);
    reader->next += bytes;
    return value;
}

uint8_t reader_u8(Reader *reader)
{
    return (uint8_t)reader_little_endian(reader, 1);
}

uint32_t reader_u32(Reader *reader)
{
    return (uint32_t)reader_little_endian(reader, 4);
}

uint64_t reader_u64(Reader *reader)
{
    return reader_little_endian(reader, 8);
}

Str reader_bytes(Reader *reader)
{
    uint32_t length = reader_u32(reader);
    if (!reader_has(reader, length))
        return (Str){"", 0};
    Str bytes = {reader->next, length};
    reader->next += length;
    return bytes;
}
