/* Parts of addresses on the net: URL_ENCODE, URL_DECODE, PARSE_URL, INET_ATON, INET_NTOA.
 *
 * What is no URL or address gives NULL. PARSE_URL finds its part without a copy. */
#include <stdio.h>

#include "core/str.h"
#include "functions/kernel_internal.h"

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* As forms in web pages are sent: a space is a plus. */
static bool url_encode_kernel(KernelCall *call, Error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *start = text_writer_reserve(&writer, 3 * text.length);
        char *to = start;
        for (size_t k = 0; k < text.length; k++) {
            const char c = text.data[k];
            if (is_alphanumeric(c) || c == '.' || c == '-' || c == '*' || c == '_') {
                *to++ = c;
            } else if (c == ' ') {
                *to++ = '+';
            } else {
                *to++ = '%';
                *to++ = digits[(uint8_t)c >> 4];
                *to++ = digits[(uint8_t)c & 15];
            }
        }
        kernel_put_view(call, row, text_writer_take(&writer, (size_t)(to - start)));
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Bytes of the decoded text, -1 for a percent sign without its digits. */
static int64_t url_decode(Str text, char *to)
{
    int64_t length = 0;
    for (size_t k = 0; k < text.length; k++) {
        char c = text.data[k] == '+' ? ' ' : text.data[k];
        if (c == '%') {
            const int high = k + 2 < text.length ? hex_digit(text.data[k + 1]) : -1;
            const int low = k + 2 < text.length ? hex_digit(text.data[k + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            k += 2;
        }
        to[length++] = c;
    }
    return length;
}

static bool url_decode_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *to = text_writer_reserve(&writer, text.length);
        const int64_t length = url_decode(text, to);
        if (length >= 0 && str_utf8_valid_prefix((Str){to, (size_t)length}) == (size_t)length)
            kernel_put_view(call, row, text_writer_take(&writer, (size_t)length));
        else
            kernel_put_null(call, row);
    }
    return true;
}

/* Parts without data are not there. */
typedef struct Url {
    Str protocol, authority, user, host, path, query, file, ref;
} Url;

static Str part(const char *from, const char *to)
{
    return (Str){from, (size_t)(to - from)};
}

static const char *find(const char *from, const char *end, char c)
{
    const char *found = from == end ? NULL : memchr(from, c, (size_t)(end - from));
    return found == NULL ? end : found;
}

static void split_authority(Url *url)
{
    const char *start = url->authority.data, *end = start + url->authority.length;
    const char *at = find(start, end, '@');
    if (at != end) {
        url->user = part(start, at);
        start = at + 1;
    }
    const char *bracket = start != end && *start == '[' ? find(start, end, ']') : start;
    url->host = part(start, find(bracket, end, ':'));
}

/* protocol:[//authority]path[?query][#ref] */
static bool url_split(Str text, Url *url)
{
    const Str trimmed = str_trim(text);
    const char *at = trimmed.data, *end = at + trimmed.length;
    *url = (Url){0};
    const char *colon = find(at, end, ':');
    if (colon == end || colon == at || (*at | 0x20) < 'a' || (*at | 0x20) > 'z')
        return false;
    for (const char *c = at; c != colon; c++)
        if (!is_alphanumeric(*c) && *c != '+' && *c != '-' && *c != '.')
            return false;
    url->protocol = part(at, colon);
    at = colon + 1;
    const char *hash = find(at, end, '#');
    if (hash != end)
        url->ref = part(hash + 1, end);
    end = hash;
    const char *question = find(at, end, '?');
    if (question != end)
        url->query = part(question + 1, end);
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        const char *path = find(at + 2, question, '/');
        url->authority = part(at + 2, path);
        split_authority(url);
        at = path;
    }
    url->path = part(at, question);
    url->file = part(at, end);
    return true;
}

static Str url_part(const Url *url, Str name)
{
    const struct {
        Str name;
        Str value;
    } parts[] = {{STR("HOST"), url->host},           {STR("PATH"), url->path},
                 {STR("QUERY"), url->query},         {STR("REF"), url->ref},
                 {STR("PROTOCOL"), url->protocol},   {STR("FILE"), url->file},
                 {STR("AUTHORITY"), url->authority}, {STR("USERINFO"), url->user}};
    for (size_t i = 0; i < array_count(parts); i++)
        if (str_equal(parts[i].name, name))
            return parts[i].value;
    return (Str){NULL, 0};
}

/* The value of key=value in a query. */
static Str query_value(Str query, Str key)
{
    const char *at = query.data, *end = at + query.length;
    while (at != NULL && at <= end) {
        const char *next = find(at, end, '&');
        const Str pair = part(at, next);
        if (pair.length > key.length && pair.data[key.length] == '=' &&
            str_equal((Str){pair.data, key.length}, key))
            return part(at + key.length + 1, next);
        if (next == end)
            break;
        at = next + 1;
    }
    return (Str){NULL, 0};
}

static bool parse_url_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str name = kernel_str(call, 1, row);
        Url url;
        Str found = {NULL, 0};
        if (url_split(kernel_str(call, 0, row), &url))
            found = url_part(&url, name);
        if (found.data != NULL && call->arg_count > 2)
            found = str_equal(name, STR("QUERY")) ? query_value(found, kernel_str(call, 2, row))
                                                  : (Str){NULL, 0};
        if (found.data == NULL)
            kernel_put_null(call, row);
        else
            kernel_put_str(call, row, found);
    }
    return true;
}

/* "1.2.3.4", or fewer parts of which the last fills what is left; -1 for others. */
static int64_t address_number(Str text)
{
    uint64_t parts[4] = {0};
    uint32_t count = 0;
    bool digit = false;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        if (c >= '0' && c <= '9') {
            parts[count] = parts[count] * 10 + (uint64_t)(c - '0');
            digit = true;
            if (parts[count] > UINT32_MAX)
                return -1;
        } else if (c == '.' && digit && count < 3) {
            count++;
            digit = false;
        } else {
            return -1;
        }
    }
    if (!digit)
        return -1;
    uint64_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i] > 255)
            return -1;
        number |= parts[i] << (24 - 8 * i);
    }
    return parts[count] >> (32 - 8 * count) != 0 ? -1 : (int64_t)(number | parts[count]);
}

static bool inet_aton_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const int64_t number = address_number(str_trim(kernel_str(call, 0, row)));
        ((int64_t *)call->out->data)[row] = number;
        if (number < 0)
            kernel_put_null(call, row);
    }
    return true;
}

static bool inet_ntoa_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const int64_t number = kernel_i64(call, 0, row);
        if (number < 0 || number > UINT32_MAX) {
            kernel_put_null(call, row);
            continue;
        }
        char text[16];
        const int length = snprintf(text, sizeof(text), "%u.%u.%u.%u", (unsigned)(number >> 24),
                                    (unsigned)(number >> 16 & 255), (unsigned)(number >> 8 & 255),
                                    (unsigned)(number & 255));
        kernel_put_view(call, row, string_view_copy(call->arena, text, (size_t)length));
    }
    return true;
}

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"URL_ENCODE", "(STRING) -> STRING", url_encode_kernel, NULL, 0, CATEGORY,
     "The text as application/x-www-form-urlencoded."},
    {"URL_DECODE", "(STRING) -> STRING", url_decode_kernel, NULL, FUNCTION_NULLABLE_RESULT,
     CATEGORY, "The text behind application/x-www-form-urlencoded; NULL when it is none."},
    {"PARSE_URL", "(STRING, STRING, STRING?) -> STRING", parse_url_kernel, NULL,
     FUNCTION_NULLABLE_RESULT, CATEGORY,
     "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO; with QUERY "
     "and a key, the key's value."},
    {"INET_ATON", "(STRING) -> BIGINT", inet_aton_kernel, NULL, FUNCTION_NULLABLE_RESULT, CATEGORY,
     "The number of an IPv4 address; NULL when it is none."},
    {"INET_NTOA", "(BIGINT) -> STRING", inet_ntoa_kernel, NULL, FUNCTION_NULLABLE_RESULT, CATEGORY,
     "The IPv4 address of a number; NULL when there is none."},
    {0},
};

extern const FunctionFamily fn_url;
const FunctionFamily fn_url = {functions};
