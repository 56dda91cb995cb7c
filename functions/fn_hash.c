/* Message digests as hexadecimal text: MD5, SHA1, SHA224 to SHA512, SHA2.
 *
 * OpenSSL computes them. A call looks its algorithm up once, when it is bound, and keeps one
 * context for a batch; SHA2 with a length that is no literal looks up all four. */
#include <openssl/evp.h>

#include "functions/kernel_internal.h"

#define SHA2_LENGTHS 4

typedef struct HashPlan {
    EVP_MD *algorithms[SHA2_LENGTHS]; /* one, or SHA2's by length */
} HashPlan;

static void algorithm_free(void *algorithm)
{
    EVP_MD_free(algorithm);
}

static bool find_algorithm(const FunctionSite *site, const char *name, EVP_MD **out, Error *error)
{
    *out = EVP_MD_fetch(NULL, name, NULL);
    if (*out == NULL) {
        error_set(error, ERROR_UNSUPPORTED, "OpenSSL does not have %s here", name);
        return error_hint(error, "Its configuration may allow approved algorithms only.");
    }
    arena_on_close(site->arena, algorithm_free, *out);
    return true;
}

static bool put_digest(KernelCall *call, uint32_t row, EVP_MD_CTX *context, const EVP_MD *algorithm,
                       TextWriter *writer, Error *error)
{
    static const char digits[] = "0123456789abcdef";
    const Str text = kernel_str(call, 0, row);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;
    if (EVP_DigestInit_ex2(context, algorithm, NULL) != 1 ||
        EVP_DigestUpdate(context, text.data, text.length) != 1 ||
        EVP_DigestFinal_ex(context, digest, &length) != 1)
        return kernel_fail(call, row, error, ERROR_LIMIT, "OpenSSL gave up on a digest");
    char *to = text_writer_reserve(writer, 2 * (size_t)length);
    for (unsigned i = 0; i < length; i++) {
        to[2 * i] = digits[digest[i] >> 4];
        to[2 * i + 1] = digits[digest[i] & 15];
    }
    kernel_put_view(call, row, text_writer_take(writer, 2 * (size_t)length));
    return true;
}

static bool digest_kernel(KernelCall *call, Error *error)
{
    const HashPlan *plan = call->data;
    TextWriter writer = text_writer_of(call);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = true;
    for (uint32_t i = 0; i < call->row_count && ok; i++)
        ok = put_digest(call, kernel_row(call, i), context, plan->algorithms[0], &writer, error);
    EVP_MD_CTX_free(context);
    return ok;
}

static const struct {
    int32_t bits;
    const char *name;
} sha2_lengths[SHA2_LENGTHS] = {{224, "SHA224"}, {256, "SHA256"}, {384, "SHA384"}, {512, "SHA512"}};

static bool sha2_kernel(KernelCall *call, Error *error)
{
    const HashPlan *plan = call->data;
    TextWriter writer = text_writer_of(call);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = true;
    for (uint32_t i = 0; i < call->row_count && ok; i++) {
        const uint32_t row = kernel_row(call, i);
        const int32_t bits = kernel_i32(call, 1, row);
        uint32_t which = 0;
        while (which < SHA2_LENGTHS && sha2_lengths[which].bits != bits)
            which++;
        if (which == SHA2_LENGTHS) {
            ok = kernel_fail(call, row, error, ERROR_DATA, "SHA2 has no length of %d bits", bits);
            error_hint(error, "Use 224, 256, 384 or 512.");
        } else {
            ok = put_digest(call, row, context, plan->algorithms[which], &writer, error);
        }
    }
    EVP_MD_CTX_free(context);
    return ok;
}

/* The function is named as the algorithm is. */
static bool bind_digest(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    HashPlan *plan = arena_new_one(site->arena, HashPlan);
    if (!signature_bind(function->signature, site, function, out) ||
        !find_algorithm(site, function->name, &plan->algorithms[0], error))
        return false;
    out->kernel = digest_kernel;
    out->data = plan;
    return true;
}

static bool bind_sha2(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    HashPlan *plan = arena_new_one(site->arena, HashPlan);
    if (!signature_bind(function->signature, site, function, out))
        return false;
    for (uint32_t i = 0; i < SHA2_LENGTHS; i++)
        if (!find_algorithm(site, sha2_lengths[i].name, &plan->algorithms[i], error))
            return false;
    out->kernel = sha2_kernel;
    out->data = plan;
    return true;
}

#define DIGEST(name, bytes)                                                                        \
    {                                                                                              \
        name, "(STRING) -> STRING", NULL, bind_digest, FUNCTION_CAN_FAIL, "hash",                  \
            "The " name " digest of the text: " bytes " hexadecimal digits."                       \
    }

static const ScalarFunction functions[] = {
    DIGEST("MD5", "32"),
    DIGEST("SHA1", "40"),
    DIGEST("SHA224", "56"),
    DIGEST("SHA256", "64"),
    DIGEST("SHA384", "96"),
    DIGEST("SHA512", "128"),
    {"SHA2", "(STRING, INT) -> STRING", NULL, bind_sha2, FUNCTION_CAN_FAIL, "hash",
     "The digest of the text by the SHA-2 algorithm of 224, 256, 384 or 512 bits, as hexadecimal "
     "digits."},
    {0},
};

extern const FunctionFamily fn_hash;
const FunctionFamily fn_hash = {functions};
