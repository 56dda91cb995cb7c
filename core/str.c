/* Borrowed text: comparing without case, UTF-8, and the nearest of several names. */
#include "core/str.h"

/* Longer names are not worth a hint; it also bounds the rows of the distance table. */
#define NEAREST_LENGTH_MAX 96

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_nocase(Str a, Str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool text_equal_nocase(const char *a, const char *b)
{
    return str_equal_nocase(str_of(a), str_of(b));
}

bool str_starts_with(Str text, Str prefix)
{
    return text.length >= prefix.length &&
           (prefix.length == 0 || memcmp(text.data, prefix.data, prefix.length) == 0);
}

static bool ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_trim(Str text)
{
    while (text.length != 0 && ascii_is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length != 0 && ascii_is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}

/* Bytes of the well-formed sequence at the start, 0 when there is none (Unicode, table 3-7). */
static size_t utf8_sequence(const unsigned char *bytes, size_t length)
{
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t size = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : 4;
    if (lead < 0xC2 || lead > 0xF4 || length < size)
        return 0;
    unsigned char low = 0x80, high = 0xBF;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F; /* no surrogates */
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    return size;
}

size_t str_utf8_valid_prefix(Str text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t at = 0;
    while (at < text.length) {
        uint64_t word;
        if (text.length - at >= sizeof(word)) {
            memcpy(&word, bytes + at, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        size_t size = utf8_sequence(bytes + at, text.length - at);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

size_t str_utf8_length(Str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* Optimal string alignment distance: insert, delete, replace, swap neighbours, each costs one. */
static size_t edit_distance(Str a, Str b)
{
    uint16_t rows[3][NEAREST_LENGTH_MAX + 1];
    uint16_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.length; j++)
        last[j] = (uint16_t)j;
    for (size_t i = 1; i <= a.length; i++) {
        char a_now = ascii_lower(a.data[i - 1]);
        now[0] = (uint16_t)i;
        for (size_t j = 1; j <= b.length; j++) {
            char b_now = ascii_lower(b.data[j - 1]);
            unsigned best = last[j - 1] + (a_now != b_now ? 1u : 0u);
            if (last[j] + 1u < best)
                best = last[j] + 1u;
            if (now[j - 1] + 1u < best)
                best = now[j - 1] + 1u;
            if (i > 1 && j > 1 && a_now == ascii_lower(b.data[j - 2]) &&
                ascii_lower(a.data[i - 2]) == b_now && before[j - 2] + 1u < best)
                best = before[j - 2] + 1u;
            now[j] = (uint16_t)best;
        }
        uint16_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.length];
}

/* The only candidate that begins with the name, which is some letters long: "host" of a hostname.
 */
static const char *only_longer(Str name, const char *const *candidates, size_t count)
{
    const char *found = NULL;
    for (size_t i = 0; i < count && name.length >= 4; i++) {
        Str candidate = str_of(candidates[i]);
        if (candidate.length <= name.length ||
            !str_equal_nocase(name, (Str){candidate.data, name.length}))
            continue;
        if (found != NULL)
            return NULL;
        found = candidates[i];
    }
    return found;
}

const char *str_nearest(const char *name, const char *const *candidates, size_t count)
{
    Str wanted = str_of(name);
    if (wanted.length == 0 || wanted.length > NEAREST_LENGTH_MAX)
        return NULL;
    /* A third of the letters may be wrong, but never all of them. */
    size_t bound = (wanted.length + 2) / 3;
    if (bound >= wanted.length)
        bound = wanted.length - 1;
    const char *nearest = NULL;
    size_t nearest_distance = bound + 1;
    for (size_t i = 0; i < count; i++) {
        Str candidate = str_of(candidates[i]);
        size_t longer = candidate.length > wanted.length ? candidate.length : wanted.length;
        size_t shorter = candidate.length > wanted.length ? wanted.length : candidate.length;
        if (candidate.length > NEAREST_LENGTH_MAX || longer - shorter >= nearest_distance)
            continue;
        size_t distance = edit_distance(wanted, candidate);
        if (distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    /* "Id" for "id" is found with a bound of zero; so is a name of one letter. */
    if (nearest == NULL)
        for (size_t i = 0; i < count; i++)
            if (text_equal_nocase(name, candidates[i]))
                return candidates[i];
    const char *longer = nearest_distance > 1 ? only_longer(wanted, candidates, count) : NULL;
    return longer != NULL ? longer : nearest;
}
