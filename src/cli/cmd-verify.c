/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot verify FILE --signature SIG */
#include "base/cleanup.h"
#include "cli/option-time.h"
#include "cli/verify-image.h"
#include "cli/verify-release.h"
#include "cli/verify.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REFUSED = 3, DOCUMENT_MAX = 16 << 20, HEAD = 64 };

int verify_request(const struct verify_options *o, const struct ingot_log *log,
                   struct ingot_key_files *keys, struct ingot_signature_request *ret,
                   ingot_error *reterr)
{
        struct ingot_signature_request q = {.purpose = o->purpose,
                                            .context = o->context,
                                            .identity = o->identity,
                                            .now = (uint64_t) time(NULL),
                                            .threshold = (size_t) o->threshold,
                                            .anchors = (size_t) o->anchors};
        int r = o->time ? option_time("--time", o->time, &q.now, reterr) : 0;
        if (r >= 0 && o->keys.count == 0 && o->os.count == 0)
                r = ingot_fail(reterr, INGOT_E_USAGE,
                               "name the keys with --key=FILE, or let VOA find them with --os=OS "
                               "and --purpose=PURPOSE");
        if (r >= 0 && o->os.count > 0)
                r = verify_voa(o, log, keys, reterr);
        for (size_t i = 0; r >= 0 && i < o->keys.count; i++)
                r = ingot_key_files_add(keys, o->keys.items[i], reterr);
        for (size_t i = 0; r >= 0 && i < o->revoked.count; i++)
                r = ingot_key_files_add_revoked(keys, o->revoked.items[i], reterr);
        if (r < 0)
                return r;
        *ret = q;
        ret->keys = keys;
        return 0;
}

struct signatures {
        struct ingot_signature_file *files;
        size_t count;
};

static void signatures_done(struct signatures *s)
{
        for (size_t i = 0; i < s->count; i++)
                free((void *) s->files[i].content.data);
        free(s->files);
}

static int read_signatures(const struct ingot_strings *names, struct signatures *s,
                           ingot_error *reterr)
{
        s->files = calloc(names->count, sizeof(*s->files));
        if (!s->files)
                return ingot_fail_nomem(reterr);
        for (; s->count < names->count; s->count++) {
                uint8_t *data;
                size_t size;
                int r = ingot_file_read(AT_FDCWD, names->items[s->count], INGOT_SIGNATURE_SIZE_MAX,
                                        &data, &size, reterr);
                if (r < 0)
                        return r;
                s->files[s->count].name = names->items[s->count];
                s->files[s->count].content = INGOT_SPAN(data, size);
        }
        return 0;
}

static int verify_detached(const struct invocation *in, const char *name,
                           const struct ingot_reader *reader, ingot_error *reterr)
{
        const struct verify_options *o = in->options;
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        _cleanup_(signatures_done) struct signatures s = {0};
        struct ingot_signature_request q;
        int r = verify_request(o, in->log, &keys, &q, reterr);
        if (r >= 0)
                r = read_signatures(&o->signatures, &s, reterr);
        if (r < 0)
                return r;
        q.content = reader;
        int refused = r = ingot_signature_verify(&q, s.files, s.count, &verdict, reterr);
        if (r >= 0)
                r = verify_show(in, name, &q, &verdict, refused, reterr);
        return r < 0 ? r : refused ? REFUSED : 0;
}

static int verify_inside(const struct invocation *in, const char *name,
                         const struct ingot_reader *reader, ingot_error *reterr)
{
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_verdict_ struct ingot_verdict verdict = {0};
        _cleanup_buffer_ struct ingot_buffer text = {0};
        struct ingot_signature_request q;
        if (reader->size > DOCUMENT_MAX)
                return ingot_fail(reterr, INGOT_E_LIMIT, "%s: a document of more than %d MiB", name,
                                  DOCUMENT_MAX >> 20);
        int r = verify_request(in->options, in->log, &keys, &q, reterr);
        if (r >= 0)
                r = ingot_buffer_append_zeros(&text, (size_t) reader->size, reterr);
        if (r >= 0)
                r = ingot_read_at(reader, 0, text.data, text.size, reterr);
        if (r < 0)
                return r;
        int refused = r =
                ingot_signature_verify_inside(&q, ingot_buffer_span(&text), NULL, &verdict, reterr);
        if (r >= 0)
                r = verify_show(in, name, &q, &verdict, refused, reterr);
        return r < 0 ? ingot_under(reterr, r, "%s", name) : refused ? REFUSED : 0;
}

static int starts_inside(const struct ingot_reader *reader, bool *ret, ingot_error *reterr)
{
        uint8_t head[HEAD];
        size_t n = reader->size < sizeof(head) ? (size_t) reader->size : sizeof(head);
        int r = n ? ingot_read_at(reader, 0, head, n, reterr) : 0;
        if (r >= 0)
                *ret = ingot_signature_inside(INGOT_SPAN(head, n));
        return r;
}

/* An image or folder; what is asked of one signature is not silently left out. */
static int verify_whole(const struct invocation *in, const char *name, ingot_error *reterr)
{
        const struct verify_options *o = in->options;
        if (o->signatures.count > 0 || o->os.count > 0 || o->purpose || o->context || o->identity ||
            o->user || o->root || o->time || o->revoked.count > 0)
                return ingot_fail(
                        reterr, INGOT_E_USAGE,
                        "%s is verified as an image: only --key=PURPOSE=FILE, --threshold, "
                        "--dbx, --policy and --sbat-level go with that; for one signature over it "
                        "give --signature=FILE and none of the last three",
                        name);
        return verify_image(in, name, o, reterr);
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct verify_options *o = in->options;
        const char *name = in->operands[0];
        _cleanup_file_ struct ingot_file file = INGOT_FILE_NONE;
        bool inside = false;
        if (o->policy || o->sbat_level || o->dbx.count > 0 ||
            (o->signatures.count == 0 && verify_is_image(name)))
                return verify_whole(in, name, reterr);
        if (o->signatures.count == 0 && verify_is_release(name))
                return verify_release(in, name, reterr);
        int r = ingot_file_open(&file, name, reterr);
        if (r < 0)
                return r;
        struct ingot_reader reader = ingot_file_reader(&file);
        if (o->signatures.count > 0)
                return verify_detached(in, name, &reader, reterr);
        r = starts_inside(&reader, &inside, reterr);
        if (r < 0)
                return r;
        if (inside)
                return verify_inside(in, name, &reader, reterr);
        return ingot_fail(reterr, INGOT_E_USAGE,
                          "%s carries no signature: name the file that has it with "
                          "--signature=FILE",
                          name);
}

static const struct option rows[] = {
        STRINGS('s', "signature", "FILE", struct verify_options, signatures,
                "A signature over FILE; may be given several times"),
        STRINGS('k', "key", "FILE", struct verify_options, keys,
                "Keys that may sign; of an image PURPOSE=FILE. May be given several times"),
        STRINGS(0, "revoked", "FILE", struct verify_options, revoked,
                "Keys and certificates that do not count: a revocation list of OpenSSH, SSH keys "
                "one a line, or CRLs; may be given several times"),
        STRINGS(0, "os", "OS", struct verify_options, os,
                "Let VOA find the keys for this system, ID[:VERSION_ID…]; may be given several "
                "times"),
        STRING(0, "purpose", "PURPOSE", struct verify_options, purpose,
               "What it is verified for: image, package, repository-metadata, …"),
        STRING(0, "context", "CONTEXT", struct verify_options, context,
               "Where it is used; \"default\" if not given"),
        STRING(0, "identity", "NAME", struct verify_options, identity,
               "Of SSH signatures: only by this principal"),
        FLAG(0, "user", struct verify_options, user,
             "Let VOA look where the user's verifiers are, not the system's"),
        STRING(0, "root", "DIR", struct verify_options, root, "Let VOA look below this folder"),
        UINT('m', "threshold", "M", struct verify_options, threshold,
             "So many different keys must have signed, of a folder the release; default 1"),
        UINT(0, "anchors", "N", struct verify_options, anchors,
             "So many trust anchors must certify an OpenPGP key that VOA finds; default 1 where "
             "there are some"),
        STRINGS(0, "dbx", "FILE", struct verify_options, dbx,
                "Of EFI programs: refuse what this dbx revokes (a signature list, signed update or "
                "the variable); may be given several times"),
        STRING(0, "policy", "POLICY", struct verify_options, policy,
               "Of a disk: demand what this image policy says (systemd.image-policy(7))"),
        STRING(0, "sbat-level", "FILE", struct verify_options, sbat_level,
               "Of EFI programs: refuse what this SbatLevel of shim revokes"),
        STRING(0, "time", "TIME", struct verify_options, time,
               "Judge as of then, where a signature does not say when it was made"),
        OPTION_JSON,
        OPTION_NO_COLOR,
        {0},
};

static const struct example examples[] = {
        {"ingot verify --key=archive.asc InRelease", "Check a document that carries its signature"},
        {"ingot verify --key=release.pub --signature=disk.raw.minisig disk.raw",
         "Check a file against the signature beside it"},
        {"ingot verify --os=example --purpose=image --root=system -s disk.sig disk.raw",
         "The same with the keys that a system has for that (VOA)"},
        {"ingot verify --key=signers --revoked=revoked.krl -s disk.ssh disk.raw",
         "Check a signature of SSH; certificates count by their authority's line in signers"},
        {"ingot verify --key=archive.asc InRelease --json | grep '\"holds\":true'",
         "The same for a program"},
        {"ingot verify --policy=esp=unprotected:=absent esp.raw",
         "Check a whole disk image, and that it has an ESP and nothing else"},
        {"ingot verify --sbat-level=level.csv --key=secure-boot=MokListRT uki.efi",
         "Would shim start it, with the keys that are enrolled there?"},
        {"ingot verify --dbx=dbx.esl --key=secure-boot=mok.crt uki.efi", "Is it revoked?"},
        {"ingot verify release", "Check a folder of artifacts against its sums and manifest"},
        {0},
};

const struct command cmd_verify = {
        .name = "verify",
        .synopsis = "FILE",
        .summary = "Verify signatures, images and folders of artifacts",
        .details =
                "Of a disk image, one of its parts, an EFI program, or a folder of artifacts "
                "everything is checked: partition tables, hash trees against their data, root "
                "hashes against command lines and UUIDs, their signatures, Authenticode, PCR "
                "signatures, manifest and sums, and the signatures of these. --key=PURPOSE=FILE "
                "names who may sign, with secure-boot, verity, pcr or release for PURPOSE; what "
                "that purpose signs and is not signed is then refused. For secure-boot, FILE may "
                "be a signature list, too: db or MokListRT, also as /sys/firmware/efi/efivars has "
                "them. What no check looks at is listed at the end.\n"
                "\n"
                "A folder of releases is checked so by its release files, too, each of which must "
                "be signed and not expired. A release file alone, NAME.CHANNEL.release.json, has "
                "its signatures inside; what it offers is shown.\n"
                "\n"
                "Of another FILE, and with --signature, signatures are verified.\n"
                "\n"
                "Checks signatures of OpenPGP (detached, or a clear-signed document), SSH, X.509 "
                "(detached CMS), minisign and signify; which one it is, is seen from the content. "
                "Keys are files of any of them; or VOA finds them by --os, --purpose and "
                "--context. Where VOA has trust anchors for that purpose, an OpenPGP key of VOA "
                "counts only when an anchor certifies one of its user IDs; certificates of X.509 "
                "and SSH always need an anchor. Revocation lists of SSH in VOA count, and cannot "
                "be left out.\n"
                "\n"
                "No keyring of yours is looked at, no program is run, nothing is written. A "
                "signature by a key that is not there is passed over; so many keys as "
                "--threshold says must have signed.\n"
                "\n"
                "Exits with 0 when it holds, 3 when it is refused, and 1 when it could not be "
                "checked.",
        .rows = rows,
        .examples = examples,
        .operands_min = 1,
        .operands_max = 1,
        .options_size = sizeof(struct verify_options),
        .run = run,
};
