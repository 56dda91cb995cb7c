/* Character sets of the servers, to UTF-8.
 *
 * utf8, utf8mb4 and ascii need nothing; latin1, which the servers define as cp1252 with the five
 * gaps filled, has a table; the rest goes through iconv. Cost: ASCII-only text of an ASCII superset
 * is recognised and borrowed, not copied. */
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "connectors/mysql/value.h"
#include "core/str.h"

typedef enum CharsetForm { FORM_UTF8, FORM_LATIN1, FORM_SUPERSET, FORM_WIDE } CharsetForm;

struct Charset {
    const char *name;
    const char *iconv_name;
    CharsetForm
        form; /* SUPERSET: bytes below 128 alone are ASCII, as far as a text has no others */
};

static const Charset charsets[] = {
    {"utf8mb4", NULL, FORM_UTF8},
    {"utf8mb3", NULL, FORM_UTF8},
    {"utf8", NULL, FORM_UTF8},
    {"ascii", NULL, FORM_UTF8},
    {"latin1", NULL, FORM_LATIN1},
    {"armscii8", "ARMSCII-8", FORM_SUPERSET},
    {"big5", "BIG5", FORM_SUPERSET},
    {"cp1250", "CP1250", FORM_SUPERSET},
    {"cp1251", "CP1251", FORM_SUPERSET},
    {"cp1256", "CP1256", FORM_SUPERSET},
    {"cp1257", "CP1257", FORM_SUPERSET},
    {"cp850", "CP850", FORM_SUPERSET},
    {"cp852", "CP852", FORM_SUPERSET},
    {"cp866", "CP866", FORM_SUPERSET},
    {"cp932", "CP932", FORM_SUPERSET},
    {"dec8", "DEC-MCS", FORM_SUPERSET},
    {"eucjpms", "EUC-JP-MS", FORM_SUPERSET},
    {"euckr", "EUC-KR", FORM_SUPERSET},
    {"gb18030", "GB18030", FORM_SUPERSET},
    {"gb2312", "GB2312", FORM_SUPERSET},
    {"gbk", "CP936", FORM_SUPERSET},
    {"greek", "ISO-8859-7", FORM_SUPERSET},
    {"hebrew", "ISO-8859-8", FORM_SUPERSET},
    {"hp8", "HP-ROMAN8", FORM_SUPERSET},
    {"koi8r", "KOI8-R", FORM_SUPERSET},
    {"koi8u", "KOI8-U", FORM_SUPERSET},
    {"latin2", "ISO-8859-2", FORM_SUPERSET},
    {"latin5", "ISO-8859-9", FORM_SUPERSET},
    {"latin7", "ISO-8859-13", FORM_SUPERSET},
    {"macce", "MAC-CENTRALEUROPE", FORM_SUPERSET},
    {"macroman", "MACINTOSH", FORM_SUPERSET},
    {"sjis", "SJIS", FORM_SUPERSET},
    {"tis620", "TIS-620", FORM_SUPERSET},
    {"ujis", "EUC-JP", FORM_SUPERSET},
    {"ucs2", "UCS-2BE", FORM_WIDE},
    {"utf16", "UTF-16BE", FORM_WIDE},
    {"utf16le", "UTF-16LE", FORM_WIDE},
    {"utf32", "UTF-32BE", FORM_WIDE},
};

/* 0x80 to 0x9F of the servers' latin1. */
static const uint16_t latin1_upper[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

const Charset *charset_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < array_count(charsets); i++) {
        if (text_equal_nocase(charsets[i].name, name))
            return &charsets[i];
    }
    return NULL;
}

bool charset_is_utf8(const Charset *charset)
{
    return charset == NULL || charset->form == FORM_UTF8;
}

static bool is_ascii(Str text)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < text.length; i++)
        seen |= (uint8_t)text.data[i];
    return seen < 0x80;
}

static void append_code_point(Buffer *out, uint32_t c)
{
    if (c < 0x80) {
        buffer_append_char(out, (char)c);
    } else if (c < 0x800) {
        buffer_append_char(out, (char)(0xC0 | c >> 6));
        buffer_append_char(out, (char)(0x80 | (c & 0x3F)));
    } else {
        buffer_append_char(out, (char)(0xE0 | c >> 12));
        buffer_append_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

static bool convert(const char *from, Str text, Buffer *out)
{
    iconv_t handle = iconv_open("UTF-8", from);
    if (handle == (iconv_t)-1)
        return false;
    char *in = (char *)text.data;
    size_t left = text.length;
    bool good = true;
    while (good && left > 0) {
        size_t room = left * 4 + 8;
        char *start = buffer_reserve(out, room);
        char *next = start;
        size_t result = iconv(handle, &in, &left, &next, &room);
        out->length += (size_t)(next - start);
        good = result != (size_t)-1 || errno == E2BIG;
    }
    iconv_close(handle);
    return good;
}

bool charset_to_utf8(const Charset *charset, Str text, Buffer *scratch, Str *out)
{
    if (charset_is_utf8(charset) || (charset->form != FORM_WIDE && is_ascii(text))) {
        *out = text;
        return true;
    }
    buffer_clear(scratch);
    if (charset->form == FORM_LATIN1) {
        for (size_t i = 0; i < text.length; i++) {
            uint8_t c = (uint8_t)text.data[i];
            append_code_point(scratch, c >= 0x80 && c < 0xA0 ? latin1_upper[c - 0x80] : c);
        }
    } else if (!convert(charset->iconv_name, text, scratch)) {
        return false;
    }
    *out = (Str){scratch->data, scratch->length};
    return true;
}
