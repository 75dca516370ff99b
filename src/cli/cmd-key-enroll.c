/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ingot key enroll: Secure Boot keys into a firmware's variable store and onto an ESP. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/secure-boot.h"
#include "vm/firmware.h"

struct enroll_options {
        struct secure_boot_options common;
        const char *pk, *owner;
        bool microsoft;
};

static const struct option rows[] = {
        STRING(0, "pk", "FILE", struct enroll_options, pk, "The platform key's certificate"),
        STRINGS(0, "kek", "FILE", struct enroll_options, common.kek,
                "A key exchange key's certificate; may be given several times"),
        STRINGS(0, "db", "FILE", struct enroll_options, common.db,
                "What may start: a certificate, or an EFI program; may be given several times"),
        STRINGS(0, "dbx", "FILE", struct enroll_options, common.dbx,
                "What may not start: a certificate, or an EFI program; may be given several times"),
        FLAG(0, "microsoft", struct enroll_options, microsoft,
             "Keep the entries of KEK and db that Microsoft owns, where they are in --vars or "
             "on the ESP"),
        SECURE_BOOT_ROWS(struct enroll_options),
        STRING(0, "owner", "GUID", struct enroll_options, owner,
               "Who owns the entries (a GUID that is derived from the platform key)"),
        {0},
};

static const char details[] =
        "Makes the four variables of Secure Boot out of certificates, and writes them to where a "
        "machine finds them: with --output into the variable store of a virtual machine's "
        "firmware (for 'ingot boot --secure-boot --vars'), with --esp into /loader/keys/NAME of "
        "an EFI system partition, from where systemd-boot enrols them when the firmware is in "
        "setup mode, and with --auth into a folder. The latter two are signed updates, PK.auth, "
        "KEK.auth, db.auth and dbx.auth, which need the private keys of PK and KEK: those given, "
        "or else "
        "NAME.key beside NAME.crt.\n"
        "\n"
        "A FILE is a certificate (PEM or DER), a signature list (.esl), a signed update (.auth), "
        "or an EFI program, of which the digest is listed.\n"
        "\n"
        "What --vars or the ESP has in PK, KEK and db is replaced, but for Microsoft's with "
        "--microsoft; entries of dbx always stay. No certificate of Microsoft comes with ingot.\n"
        "\n"
        "Updates bear a time, and firmware takes none that is not later than the last. No clock "
        "is asked: it is the latest beginning of a certificate, and later than that of any update "
        "that is replaced.";

static const struct example examples[] = {
        {"ingot key enroll --pk PK.crt --kek KEK.crt --db db.crt -o vars.fd",
         "Make a variable store with keys for a virtual machine"},
        {"ingot key enroll --pk PK.crt --kek KEK.crt --db db.crt --esp esp",
         "Let systemd-boot enrol the keys; PK.key and KEK.key lie beside the certificates"},
        {"ingot key enroll --pk PK.crt --kek KEK.crt --db db.crt --microsoft --esp esp",
         "The same, and keep Microsoft's keys if they were there"},
        {"ingot key enroll --pk PK.crt --kek KEK.crt --db db.crt --dbx bad.efi -o x.fd",
         "Forbid a program"},
        {0},
};

static int check_options(const struct enroll_options *o, ingot_error *reterr)
{
        const struct secure_boot_options *c = &o->common;
        if (!o->pk || c->kek.count == 0 || c->db.count == 0)
                return ingot_fail(reterr, INGOT_E_USAGE, "no --%s",
                                  !o->pk              ? "pk"
                                  : c->kek.count == 0 ? "kek"
                                                      : "db");
        if (!c->output && !c->esp && !c->auth)
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "where to? Name a file with --output, or a folder with --esp or "
                                  "--auth");
        return 0;
}

/* The store to start from: the user's, or what the host's firmware comes with. */
static int load_store(const struct enroll_options *o, const struct ingot_log *log,
                      struct ingot_secure_boot_store *ret, ingot_error *reterr)
{
        _cleanup_firmware_ struct ingot_firmware firmware = {0};
        if (o->common.vars)
                return ingot_secure_boot_store_load(ret, o->common.vars, reterr);
        int r = ingot_firmware_find_host("pc-q35-7.2", true, log, &firmware, reterr);
        return r < 0 ? r : ingot_secure_boot_store_load(ret, firmware.vars, reterr);
}

static int add_keys(const struct enroll_options *o, struct ingot_secure_boot *new,
                    ingot_error *reterr)
{
        struct ingot_uuid owner = {0};
        int r = ingot_secure_boot_add_file(new, INGOT_SECURE_BOOT_PK, o->pk, &owner, reterr);
        struct ingot_efi_signatures *pk = &new->variables[INGOT_SECURE_BOOT_PK].list;
        if (r >= 0 && (pk->count != 1 || pk->items[0].kind != INGOT_EFI_SIGNATURE_X509))
                return ingot_fail(reterr, INGOT_E_USAGE,
                                  "%s: the platform key is one certificate, and not %zu entries",
                                  o->pk, pk->count);
        if (r < 0)
                return r;
        if (o->owner && !ingot_uuid_parse(o->owner, &owner))
                return ingot_fail(reterr, INGOT_E_USAGE, "'%s' is no GUID", o->owner);
        if (!o->owner)
                owner = ingot_secure_boot_owner(pk->items[0].data);
        if (ingot_uuid_is_null(&pk->items[0].owner))
                pk->items[0].owner = owner;
        return secure_boot_add_options(new, &o->common, &owner, reterr);
}

/* What of the old keys stays. */
static int keep_keys(const struct enroll_options *o, const struct ingot_secure_boot *old,
                     const struct ingot_log *log, struct ingot_secure_boot *new,
                     ingot_error *reterr)
{
        size_t before = new->variables[INGOT_SECURE_BOOT_KEK].list.count +
                        new->variables[INGOT_SECURE_BOOT_DB].list.count;
        int r = ingot_secure_boot_keep(new, INGOT_SECURE_BOOT_DBX, old, false, reterr);
        if (r < 0 || !o->microsoft)
                return r;
        r = ingot_secure_boot_keep(new, INGOT_SECURE_BOOT_KEK, old, true, reterr);
        if (r >= 0)
                r = ingot_secure_boot_keep(new, INGOT_SECURE_BOOT_DB, old, true, reterr);
        if (r >= 0 && before == new->variables[INGOT_SECURE_BOOT_KEK].list.count +
                                        new->variables[INGOT_SECURE_BOOT_DB].list.count)
                ingot_warn(log, "no key of Microsoft was there to keep");
        return r;
}

static int run(const struct invocation *in, ingot_error *reterr)
{
        const struct enroll_options *o = in->options;
        static const bool all[INGOT_SECURE_BOOT_VARIABLES] = {true, true, true, true};
        _cleanup_secure_boot_store_ struct ingot_secure_boot_store store = {0};
        _cleanup_secure_boot_ struct ingot_secure_boot old = {0}, new = {0};
        int r = check_options(o, reterr);
        if (r >= 0 && (o->common.vars || o->common.output))
                r = load_store(o, in->log, &store, reterr);
        if (r >= 0)
                r = secure_boot_load_old(&o->common, &store, &old, reterr);
        if (r >= 0)
                r = add_keys(o, &new, reterr);
        if (r >= 0)
                r = keep_keys(o, &old, in->log, &new, reterr);
        if (r < 0)
                return r;
        const struct secure_boot_job job = {.options = &o->common,
                                            .pk_certificate = o->pk,
                                            .kek_certificate = o->common.kek.items[0],
                                            .old = &old,
                                            .new = &new,
                                            .signers = &new,
                                            .which = all,
                                            .store = &store};
        return secure_boot_write(&job, reterr);
}

const struct command cmd_key_enroll = {
        .name = "key enroll",
        .synopsis = "",
        .summary = "Enrol Secure Boot keys in a variable store or on an ESP",
        .details = details,
        .rows = rows,
        .examples = examples,
        .operands_min = 0,
        .operands_max = 0,
        .options_size = sizeof(struct enroll_options),
        .run = run,
};
