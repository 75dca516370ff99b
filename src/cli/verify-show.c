/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verdict, for people and for programs (docs/formats/verify.md). */
#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/verify.h"

#include <string.h>

static void row(const char *name, const char *value)
{
        if (!value)
                return;
        printf("  %-10s", name);
        print_text(stdout, value);
        putchar('\n');
}

static void print_judgement(const struct ingot_judgement *j)
{
        char created[32];
        printf("%s%s%s ", print_style(stdout, STYLE_BOLD), ingot_technology_title(j->technology),
               print_style(stdout, STYLE_PLAIN));
        print_text(stdout, j->signer ? j->signer : "signature");
        putchar('\n');
        row("Signature", j->signature);
        row("Key", j->key);
        row("Algorithm", j->algorithm);
        row("Says", j->comment);
        if (j->created) {
                ingot_time_text(j->created, created);
                row("Made", created);
        }
        if (j->verifier) {
                row("Verifier", j->verifier->path);
                row("Found by", j->verifier->link);
        }
        for (size_t i = 0; i < j->anchors.count; i++)
                row("Certified", j->anchors.items[i]);
        printf("  %-10s", "Result");
        print_styled(stdout, j->reason ? STYLE_BAD : STYLE_GOOD, j->reason ? j->reason : "holds");
        putchar('\n');
}

static void print_verdict(const char *file, const struct ingot_verdict *v, int r)
{
        print_text(stdout, file);
        fputs(": ", stdout);
        print_styled(stdout, r > 0 ? STYLE_BAD : STYLE_GOOD, r > 0 ? "refused" : "holds");
        if (v->threshold > 1)
                printf(", %zu of %zu keys", v->holding, v->threshold);
        putchar('\n');
        for (size_t i = 0; i < v->count; i++)
                print_judgement(&v->items[i]);
}

static int add_verifier(struct json_object *o, const struct ingot_key_file *f, ingot_error *reterr)
{
        struct json_object *verifier;
        int r = ingot_json_add_object(o, "verifier", &verifier, reterr);
        if (r >= 0)
                r = ingot_json_add_text(verifier, "path", f->path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(verifier, "load_path", f->load_path, reterr);
        if (r >= 0)
                r = ingot_json_add_text(verifier, "link", f->link, reterr);
        return r;
}

static int add_judgement(struct json_object *list, const struct ingot_judgement *j,
                         ingot_error *reterr)
{
        struct json_object *o;
        const struct {
                const char *name, *value;
        } texts[] = {{"technology", ingot_technology_name(j->technology)},
                     {"signature", j->signature},
                     {"signer", j->signer},
                     {"key", j->key},
                     {"algorithm", j->algorithm},
                     {"comment", j->comment}};
        int r = ingot_json_add_object(list, NULL, &o, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "holds", !j->reason, reterr);
        if (r >= 0 && j->reason)
                r = ingot_json_add_text(o, "reason", j->reason, reterr);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                if (texts[i].value)
                        r = ingot_json_add_text(o, texts[i].name, texts[i].value, reterr);
        if (r >= 0 && j->created)
                r = ingot_json_add_u64(o, "created", j->created, reterr);
        if (r >= 0 && j->anchors.count > 0)
                r = json_add_texts(o, "anchors", &j->anchors, reterr);
        return r < 0 || !j->verifier ? r : add_verifier(o, j->verifier, reterr);
}

static int add_policy(struct json_object *o, const struct ingot_signature_request *q,
                      const struct ingot_verdict *v, ingot_error *reterr)
{
        struct json_object *policy;
        int r = ingot_json_add_object(o, "policy", &policy, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(policy, "threshold", v->threshold, reterr);
        if (r >= 0 && q->anchors)
                r = ingot_json_add_u64(policy, "anchors", q->anchors, reterr);
        if (r >= 0 && q->purpose)
                r = ingot_json_add_text(policy, "purpose", q->purpose, reterr);
        if (r >= 0 && q->context)
                r = ingot_json_add_text(policy, "context", q->context, reterr);
        if (r >= 0 && q->identity)
                r = ingot_json_add_text(policy, "identity", q->identity, reterr);
        return r;
}

static int print_json(const char *file, const struct ingot_signature_request *q,
                      const struct ingot_verdict *v, int refused, ingot_error *reterr)
{
        _cleanup_json_ struct json_object *o = NULL;
        struct json_object *list;
        int r = ingot_json_new_object(&o, reterr);
        if (r >= 0)
                r = ingot_json_add_text(o, "file", file, reterr);
        if (r >= 0)
                r = ingot_json_add_bool(o, "holds", !refused, reterr);
        if (r >= 0)
                r = ingot_json_add_u64(o, "signers", v->holding, reterr);
        if (r >= 0)
                r = add_policy(o, q, v, reterr);
        if (r >= 0)
                r = ingot_json_add_array(o, "signatures", &list, reterr);
        for (size_t i = 0; r >= 0 && i < v->count; i++)
                r = add_judgement(list, &v->items[i], reterr);
        return r < 0 ? r : json_print(o, reterr);
}

int verify_show(const struct invocation *in, const char *file,
                const struct ingot_signature_request *q, const struct ingot_verdict *v, int r,
                ingot_error *reterr)
{
        for (size_t i = 0; i < v->warnings.count; i++)
                ingot_warn(in->log, "%s", v->warnings.items[i]);
        if (!in->json)
                print_verdict(file, v, r);
        return in->json ? print_json(file, q, v, r, reterr) : 0;
}
