/* Keyword lookup by binary search, and the nearest keyword for "did you mean".
 *
 * Invariant: the list in keyword.h is sorted; test_lexer checks it. */
#include "parser/keyword.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NEAREST_WORD_MAX 32

typedef struct KeywordEntry {
    const char *name;
    uint32_t flags;
} KeywordEntry;

static const KeywordEntry lexer_keywords[KW_COUNT] = {{"", 0},
#define KEYWORD_ROW(name, flags) {#name, flags},
                                                      PARSER_KEYWORDS(KEYWORD_ROW)
#undef KEYWORD_ROW
};

static int lexer_compare_word(Str word, const char *name)
{
    int order = strncasecmp(word.data, name, word.length);
    if (order != 0)
        return order;
    return name[word.length] == '\0' ? 0 : -1;
}

Keyword lexer_find_keyword(Str word)
{
    size_t low = 1;
    size_t high = KW_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = lexer_compare_word(word, lexer_keywords[middle].name);
        if (order == 0)
            return (Keyword)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return KW_NONE;
}

const char *lexer_keyword_name(Keyword keyword)
{
    return lexer_keywords[keyword].name;
}

uint32_t lexer_keyword_flags(Keyword keyword)
{
    return lexer_keywords[keyword].flags;
}

static uint32_t lexer_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Edit distance without case in which exchanging two neighbours counts once. */
static uint32_t lexer_distance(Str a, const char *b)
{
    uint32_t rows[3][NEAREST_WORD_MAX + 1];
    size_t b_length = strlen(b);
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (uint32_t)j;
    for (size_t i = 1; i <= a.length; i++) {
        uint32_t *row = rows[i % 3];
        const uint32_t *above = rows[(i + 2) % 3];
        const uint32_t *two_above = rows[(i + 1) % 3];
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= b_length; j++) {
            int x = toupper((unsigned char)a.data[i - 1]);
            int y = toupper((unsigned char)b[j - 1]);
            row[j] = lexer_min(above[j - 1] + (x != y), lexer_min(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && x == toupper((unsigned char)b[j - 2]) &&
                           y == toupper((unsigned char)a.data[i - 2]);
            if (swapped)
                row[j] = lexer_min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.length % 3][b_length];
}

const char *lexer_nearest_word(Str word, const char *const *candidates, size_t count)
{
    if (word.length < 2 || word.length > NEAREST_WORD_MAX)
        return NULL;
    uint32_t best = word.length < 5 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(candidates[i]) > NEAREST_WORD_MAX)
            continue;
        uint32_t distance = lexer_distance(word, candidates[i]);
        if (distance != 0 && distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
