/* Errors are filled in place: no allocation, so that running out of memory can be told too. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"

/* Text that was cut in the middle of a UTF-8 sequence loses the torn rest. */
static void error_trim_torn(char *text, size_t capacity)
{
    size_t length = strlen(text);
    if (length + 1 < capacity)
        return;
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0)
        text[start - 1] = '\0';
}

PRINTF_LIKE(3, 0)
static void error_format(char *text, size_t capacity, const char *format, va_list arguments)
{
    assert(format != NULL);
    vsnprintf(text, capacity, format, arguments);
    error_trim_torn(text, capacity);
}

bool error_set(Error *error, ErrorCode code, const char *format, ...)
{
    if (error == NULL)
        return false;
    error_clear(error);
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    error_format(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return false;
}

bool error_detail(Error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    error_format(error->detail, sizeof(error->detail), format, arguments);
    va_end(arguments);
    return false;
}

bool error_hint(Error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    error_format(error->hint, sizeof(error->hint), format, arguments);
    va_end(arguments);
    return false;
}

bool error_place(Error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    error_format(error->place, sizeof(error->place), format, arguments);
    va_end(arguments);
    return false;
}

bool error_at(Error *error, int64_t sql_offset, int64_t sql_length)
{
    if (error == NULL || error->sql_offset >= 0)
        return false;
    error->sql_offset = sql_offset;
    error->sql_length = sql_length;
    return false;
}

bool error_prefix(Error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    char prefix[sizeof(error->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof(prefix), format, arguments);
    va_end(arguments);
    size_t prefix_length = strlen(prefix);
    size_t room = sizeof(error->message) - 1;
    size_t message_length = strlen(error->message);
    if (prefix_length + message_length > room)
        message_length = room - prefix_length;
    memmove(error->message + prefix_length, error->message, message_length);
    memcpy(error->message, prefix, prefix_length);
    error->message[prefix_length + message_length] = '\0';
    error_trim_torn(error->message, sizeof(error->message));
    return false;
}

void error_clear(Error *error)
{
    error->code = ERROR_NONE;
    error->message[0] = error->detail[0] = error->hint[0] = error->place[0] = '\0';
    error->sql_offset = -1;
    error->sql_length = -1;
}

bool error_retryable(const Error *error)
{
    return error->code == ERROR_NETWORK || error->code == ERROR_BUSY;
}

const char *error_code_name(ErrorCode code)
{
    static const char *const names[] = {
        [ERROR_NONE] = "none",
        [ERROR_SYNTAX] = "syntax",
        [ERROR_NAME] = "name",
        [ERROR_TYPE] = "type",
        [ERROR_OPTION] = "option",
        [ERROR_UNSUPPORTED] = "unsupported",
        [ERROR_DATA] = "data",
        [ERROR_SCHEMA] = "schema",
        [ERROR_IO] = "io",
        [ERROR_NETWORK] = "network",
        [ERROR_BUSY] = "busy",
        [ERROR_ACCESS] = "access",
        [ERROR_POSITION] = "position",
        [ERROR_STATE] = "state",
        [ERROR_LIMIT] = "limit",
        [ERROR_CANCELLED] = "cancelled",
        [ERROR_INTERNAL] = "internal",
    };
    return (size_t)code < array_count(names) ? names[code] : "unknown";
}

void error_print(const Error *error, struct Buffer *out)
{
    buffer_printf(out, "ERROR: %s", error->message);
    if (error->place[0] != '\0')
        buffer_printf(out, "\nPLACE: %s", error->place);
    if (error->detail[0] != '\0')
        buffer_printf(out, "\nDETAIL: %s", error->detail);
    if (error->hint[0] != '\0')
        buffer_printf(out, "\nHINT: %s", error->hint);
}
