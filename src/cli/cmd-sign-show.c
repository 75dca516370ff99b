/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot sign show REQUEST [CONTENT] */
#include "base/base64.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/sign.h"
#include "cli/table.h"
#include "image/sign-attach.h"

#include <stdio.h>
#include <string.h>

/* "CN=…, CN=…", or what is missing. */
static int describe_answers(const struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                            struct ingot_buffer *ret, ingot_error *reterr)
{
        uint64_t want = q->wishes[t->purpose].threshold;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < t->answer_count; i++)
                r = ingot_buffer_printf(ret, reterr, "%s%s", i > 0 ? "; " : "",
                                        t->purpose == INGOT_PURPOSE_PCR
                                                ? "the key in .pcrpkey"
                                                : ingot_sign_answer_by(t->answers + i));
        if (r >= 0 && t->answer_count < want)
                r = ingot_buffer_printf(ret, reterr, "%s%llu missing", t->answer_count ? "; " : "",
                                        (unsigned long long) (want - t->answer_count));
        return r;
}

/* SHA-256 of what is signed, the digest that all who sign can compare; "" while it is not known. */
static int digest_text(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                       char ret[2 * INGOT_SHA256_SIZE + 1], ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        uint8_t digest[INGOT_SHA256_SIZE];
        int r = ingot_sign_to_be_signed(q, t, &bytes, reterr);
        ret[0] = 0;
        if (r != 0)
                return r < 0 ? r : 0;
        ingot_sha256_of(bytes.data, bytes.size, digest);
        ingot_hex(ret, digest, sizeof(digest));
        return 0;
}

static int print_table(struct ingot_sign_request *q, ingot_error *reterr)
{
        static const struct table_column columns[] = {{.title = "STAGE", .right = true},
                                                      {.title = "WHAT", .shrink = true},
                                                      {.title = "SIGNS (SHA-256)"},
                                                      {.title = "ANSWERED BY"}};
        _cleanup_table_ struct table table = TABLE(columns);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < q->thing_count; i++) {
                const struct ingot_sign_thing *t = q->things + i;
                _cleanup_buffer_ struct ingot_buffer by = {0};
                char hex[2 * INGOT_SHA256_SIZE + 1];
                r = table_addf(&table, reterr, "%u", ingot_sign_stage(t->purpose));
                if (r >= 0)
                        r = table_add(&table, t->id, reterr);
                if (r >= 0)
                        r = digest_text(q, t, hex, reterr);
                if (r >= 0)
                        r = table_addf(&table, reterr, "%.16s", *hex ? hex : "not known yet");
                if (r >= 0)
                        r = describe_answers(q, t, &by, reterr);
                if (r >= 0)
                        r = table_add(&table, (char *) by.data, reterr);
        }
        if (r >= 0)
                table_print(&table, stdout);
        return r;
}

static int add_thing(struct ingot_sign_request *q, const struct ingot_sign_thing *t,
                     struct json_object *list, ingot_error *reterr)
{
        struct json_object *o, *answers;
        char hex[2 * INGOT_SHA256_SIZE + 1];
        int r = ingot_sign_thing_json(t, list, &o, reterr);
        if (r >= 0)
                r = digest_text(q, t, hex, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "to_be_signed_sha256", *hex ? hex : NULL, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "wanted", q->wishes[t->purpose].threshold, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "answered_by", &answers, reterr);
        for (size_t i = 0; r >= 0 && i < t->answer_count; i++)
                r = ingot_json_add_text(answers, NULL, ingot_sign_answer_by(t->answers + i),
                                        reterr);
        return r;
}

static int print_json(struct ingot_sign_request *q, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "name", q->name, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "version", q->version, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "things", &list, reterr);
        for (size_t i = 0; r >= 0 && i < q->thing_count; i++)
                r = add_thing(q, q->things + i, list, reterr);
        return r < 0 ? r : json_print(o, reterr);
}

static int print_content(struct ingot_sign_request *q, const char *name, ingot_error *reterr)
{
        _cleanup_buffer_ struct ingot_buffer bytes = {0};
        size_t content = ingot_sign_find_content(q, name);
        if (content == INGOT_SIGN_NONE)
                return ingot_fail(reterr, INGOT_E_NOTFOUND, "the request has no content '%s'",
                                  name);
        int r = ingot_sign_content_bytes(q, content, &bytes, reterr);
        if (r == 1)
                return ingot_fail(reterr, INGOT_E_NOTFOUND,
                                  "%s is not known before the stages before are answered", name);
        if (r >= 0)
                fwrite(bytes.data, 1, bytes.size, stdout);
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        _cleanup_sign_request_ struct ingot_sign_request q = {0};
        _cleanup_free_ char *path = NULL;
        int r = ingot_sign_find(in->operands[0], &path, reterr);
        if (r >= 0)
                r = ingot_sign_request_load(path, &q, reterr);
        if (r >= 0)
                r = ingot_sign_check(&q, reterr);
        if (r < 0)
                return r;
        if (in->operand_count > 1)
                return print_content(&q, in->operands[1], reterr);
        if (in->json)
                return print_json(&q, reterr);
        printf("%s %s, %s\n\n", q.name, q.version, q.architecture);
        r = print_table(&q, reterr);
        if (r >= 0) {
                putchar('\n');
                sign_print_missing(&q);
        }
        return r;
}

static const struct option rows[] = {OPTION_JSON, {0}};

static const struct example examples[] = {
        {"ingot sign show appliance_1.sign.json", "Say what is to be signed, and what is missing"},
        {"ingot sign show answered.sign.json SHA256SUMS", "Print what a release key would sign"},
        {0},
};

const struct command cmd_sign_show = {
        .name = "sign show",
        .synopsis = "REQUEST [CONTENT]",
        .summary = "Say what a signing request asks for, and who signed",
        .details = "Shows each thing to be signed with its stage, the start of the SHA-256 of what "
                   "is signed, and whose answers it has. Answers are checked: a wrong one is "
                   "refused.\n"
                   "\n"
                   "With CONTENT, the name of a file of the release such as SHA256SUMS, that file "
                   "is printed as it will be, so that a person can read it before signing it.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 2,
        .run = run,
};
