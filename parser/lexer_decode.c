/* What quoted tokens mean: '…' and `…` with doubled quotes, E'…' with backslashes, U&'…' with code
 * points, x'…' with hexadecimal digits.
 *
 * Invariant: decoded strings and names are well-formed UTF-8 without zero bytes, so they can be
 * held as C strings; bytes may be anything. */
#include "parser/lexer.h"

#include <ctype.h>
#include <string.h>

#include "core/str.h"

typedef struct LexerDecode {
    Str text;
    size_t at;  /* next byte of the body */
    size_t end; /* of the body */
    char *out;
    size_t length;
    Error *error;
} LexerDecode;

static bool lexer_decode_fail(const LexerDecode *decode, size_t length, const char *message)
{
    error_set(decode->error, ERROR_SYNTAX, "%s", message);
    return error_at(decode->error, (int64_t)decode->at, (int64_t)length);
}

static int lexer_hex(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Up to `digits` hexadecimal digits from `from`; how many there were. */
static size_t lexer_read_hex(const LexerDecode *decode, size_t from, size_t digits, uint32_t *value)
{
    *value = 0;
    size_t count = 0;
    while (count < digits && from + count < decode->end) {
        int digit = lexer_hex(decode->text.data[from + count]);
        if (digit < 0)
            break;
        *value = *value << 4 | (uint32_t)digit;
        count++;
    }
    return count;
}

static bool lexer_put_code_point(LexerDecode *decode, uint32_t code)
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return lexer_decode_fail(decode, 1, "the escape is not a Unicode character");
    char *out = decode->out + decode->length;
    if (code < 0x80) {
        out[0] = (char)code;
        decode->length += 1;
    } else if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        decode->length += 2;
    } else if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        decode->length += 3;
    } else {
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 0x3f));
        out[2] = (char)(0x80 | (code >> 6 & 0x3f));
        out[3] = (char)(0x80 | (code & 0x3f));
        decode->length += 4;
    }
    return true;
}

/* A UTF-16 surrogate pair written as two escapes is one character. */
static bool lexer_decode_unicode(LexerDecode *decode, size_t prefix, size_t digits)
{
    uint32_t code;
    if (lexer_read_hex(decode, decode->at + prefix, digits, &code) != digits)
        return lexer_decode_fail(decode, prefix, "the escape lacks hexadecimal digits");
    size_t used = prefix + digits;
    if (code >= 0xd800 && code <= 0xdbff && decode->at + used + prefix < decode->end &&
        memcmp(decode->text.data + decode->at, decode->text.data + decode->at + used, prefix) ==
            0) {
        uint32_t low;
        size_t found = lexer_read_hex(decode, decode->at + used + prefix, digits, &low);
        if (found == digits && low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            used *= 2;
        }
    }
    if (!lexer_put_code_point(decode, code))
        return false;
    decode->at += used;
    return true;
}

static bool lexer_decode_octal(LexerDecode *decode)
{
    uint32_t code = 0;
    size_t used = 1;
    while (used < 4 && decode->at + used < decode->end) {
        char c = decode->text.data[decode->at + used];
        if (c < '0' || c > '7')
            break;
        code = code * 8 + (uint32_t)(c - '0');
        used++;
    }
    if (code > 0x7f)
        return lexer_decode_fail(decode, used, "an octal escape above \\177 is no character");
    if (!lexer_put_code_point(decode, code))
        return false;
    decode->at += used;
    return true;
}

static bool lexer_decode_backslash(LexerDecode *decode)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    /* The lexer found a closing quote behind it, so a character follows the backslash. */
    char c = decode->text.data[decode->at + 1];
    if (c == 'u')
        return lexer_decode_unicode(decode, 2, 4);
    if (c == 'U')
        return lexer_decode_unicode(decode, 2, 8);
    if (c >= '0' && c <= '7')
        return lexer_decode_octal(decode);
    const char *letter = strchr(letters, c);
    bool known = c != '\0' && letter != NULL;
    if (!known && c != '\\' && c != '\'' && c != '"')
        return lexer_decode_fail(decode, 2, "unknown escape in a string");
    decode->out[decode->length++] = known ? meanings[letter - letters] : c;
    decode->at += 2;
    return true;
}

static bool lexer_decode_code_point(LexerDecode *decode)
{
    char next = decode->at + 1 < decode->end ? decode->text.data[decode->at + 1] : '\0';
    if (next == '\\') {
        decode->out[decode->length++] = '\\';
        decode->at += 2;
        return true;
    }
    return next == '+' ? lexer_decode_unicode(decode, 2, 6) : lexer_decode_unicode(decode, 1, 4);
}

static bool lexer_decode_bytes(LexerDecode *decode, const Token *token)
{
    if ((decode->end - decode->at) % 2 != 0) {
        error_set(decode->error, ERROR_SYNTAX, "a binary literal needs an even number of digits");
        return error_at(decode->error, (int64_t)token->offset, (int64_t)token->length);
    }
    while (decode->at < decode->end) {
        uint32_t byte;
        if (lexer_read_hex(decode, decode->at, 2, &byte) != 2)
            return lexer_decode_fail(decode, 1, "a binary literal takes hexadecimal digits only");
        decode->out[decode->length++] = (char)byte;
        decode->at += 2;
    }
    return true;
}

static bool lexer_decode_text(LexerDecode *decode, char quote, char prefix)
{
    while (decode->at < decode->end) {
        char c = decode->text.data[decode->at];
        bool fine = true;
        if (c == '\0')
            return lexer_decode_fail(decode, 1, "the statement has a zero byte in it");
        if (c == '\\' && prefix == 'E') {
            fine = lexer_decode_backslash(decode);
        } else if (c == '\\' && prefix == 'U') {
            fine = lexer_decode_code_point(decode);
        } else {
            decode->out[decode->length++] = c;
            decode->at += c == quote ? 2 : 1; /* inside, a quote is doubled */
        }
        if (!fine)
            return false;
    }
    return true;
}

bool lexer_decode(Str text, Token *token, Arena *arena, Error *error)
{
    const char *data = text.data + token->offset;
    size_t open = token->kind == TOKEN_BYTES ? 1 : 0;
    char prefix = '\0';
    if (token->kind == TOKEN_STRING && data[0] != '\'') {
        prefix = (char)toupper((unsigned char)data[0]);
        open = prefix == 'U' ? 2 : 1;
    }
    LexerDecode decode = {.text = text,
                          .at = token->offset + open + 1,
                          .end = token->offset + token->length - 1,
                          .out = arena_alloc(arena, token->length + 4),
                          .error = error};
    bool fine = token->kind == TOKEN_BYTES ? lexer_decode_bytes(&decode, token)
                                           : lexer_decode_text(&decode, data[open], prefix);
    if (!fine)
        return false;
    decode.out[decode.length] = '\0';
    token->text = decode.out;
    token->text_length = decode.length;
    if (token->kind == TOKEN_NAME && decode.length == 0) {
        error_set(error, ERROR_SYNTAX, "a quoted name cannot be empty");
        return error_at(error, (int64_t)token->offset, (int64_t)token->length);
    }
    return true;
}
