/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must not ship, as one table; and the units that make it anew. */
#include "image/identity.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/glob.h"

#include <string.h>

/* Files and links that these match go; directories stay, as packages put them there. */
static const char *const gone[] = {
        /* keys and certificates made at installation */
        "etc/ssh/ssh_host_*",
        "etc/ssl/private/ssl-cert-snakeoil.key",
        "etc/ssl/certs/ssl-cert-snakeoil.pem",
        "etc/bind/rndc.key",
        "etc/dropbear/dropbear_*_host_key",
        "var/lib/NetworkManager/secret_key",
        /* ids and seeds */
        "etc/machine-id",
        "var/lib/dbus/machine-id",
        "etc/machine-info",
        "etc/iscsi/initiatorname.iscsi",
        "etc/nvme/hostid",
        "etc/nvme/hostnqn",
        "etc/hostid",
        "var/lib/systemd/random-seed",
        "var/lib/systemd/credential.secret",
        "var/lib/urandom/random-seed",
        "var/lib/popularity-contest/**",
        "etc/popularity-contest.conf",
        /* names and network of the machine that built it */
        "etc/hostname",
        "etc/mailname",
        "etc/hosts",
        "etc/adjtime",
        "root/.bash_history",
        "root/.wget-hsts",
        /* what differs from build to build */
        "etc/passwd-",
        "etc/group-",
        "etc/shadow-",
        "etc/gshadow-",
        "etc/subuid-",
        "etc/subgid-",
        "etc/.pwd.lock",
        "var/log/**",
        "var/tmp/**",
        "var/backups/**",
        "var/cache/apt/**",
        "var/cache/ldconfig/**",
        "var/cache/man/**",
        "var/cache/fontconfig/**",
        "var/cache/debconf/*-old",
        "var/lib/apt/lists/**",
        "var/lib/apt/daily_lock",
        "var/lib/systemd/timers/*",
        "var/lib/dpkg/*-old",
        "var/lib/dpkg/lock*",
        "var/lib/dpkg/triggers/Lock",
        "var/lib/ucf/*.[0-9]",
};

struct search {
        struct ingot_strings found;
};

static int find_gone(void *context, const char *path, struct ingot_inode *inode,
                     ingot_error *reterr)
{
        struct search *s = context;
        if (inode->type == INGOT_FILE_DIRECTORY)
                return !(ingot_starts_with(path, "etc") || ingot_starts_with(path, "var") ||
                         ingot_starts_with(path, "root"));
        /* A link that a package made is no content of the builder. */
        bool resolver = strcmp(path, "etc/resolv.conf") == 0 && inode->type == INGOT_FILE_REGULAR;
        /* openssl's links by hash name the snake-oil certificate. */
        bool hashed = inode->type == INGOT_FILE_SYMLINK &&
                      ingot_starts_with(path, "etc/ssl/certs/") &&
                      ingot_ends_with(inode->target, "ssl-cert-snakeoil.pem");
        bool matches = resolver || hashed;
        for (size_t i = 0; i < ARRAY_SIZE(gone) && !matches; i++)
                matches = ingot_glob_match(gone[i], path);
        return matches ? ingot_strings_add(&s->found, path, reterr) : 0;
}

static const struct {
        const char *program; /* where the tree has it, the unit is added */
        const char *also;    /* and this; or NULL */
        const char *name, *text;
        const char *wanted_by[4];
} units[] = {
        {"usr/bin/ssh-keygen",
         "usr/sbin/sshd",
         "ingot-ssh-keys.service",
         "[Unit]\n"
         "Description=SSH host keys of this machine\n"
         "ConditionPathExists=|!/etc/ssh/ssh_host_rsa_key\n"
         "ConditionPathExists=|!/etc/ssh/ssh_host_ecdsa_key\n"
         "ConditionPathExists=|!/etc/ssh/ssh_host_ed25519_key\n"
         "Before=sshd-keygen.service ssh.service sshd.service ssh.socket\n"
         "\n"
         "[Service]\n"
         "Type=oneshot\n"
         "RemainAfterExit=yes\n"
         "ExecStart=/usr/bin/ssh-keygen -A\n",
         {"ssh.service.wants", "ssh.socket.wants", "multi-user.target.wants"}},
        {"usr/sbin/make-ssl-cert",
         NULL,
         "ingot-snakeoil.service",
         "[Unit]\n"
         "Description=Self-signed certificate of this machine\n"
         "ConditionPathExists=|!/etc/ssl/private/ssl-cert-snakeoil.key\n"
         "ConditionPathExists=|!/etc/ssl/certs/ssl-cert-snakeoil.pem\n"
         "DefaultDependencies=no\n"
         "RequiresMountsFor=/tmp /etc/ssl /var\n"
         "After=systemd-sysusers.service systemd-tmpfiles-setup.service\n"
         "Before=sysinit.target shutdown.target\n"
         "Conflicts=shutdown.target\n"
         "\n"
         "[Service]\n"
         "Type=oneshot\n"
         "RemainAfterExit=yes\n"
         "ExecStart=/usr/sbin/make-ssl-cert generate-default-snakeoil\n",
         {"sysinit.target.wants"}},
        {"usr/sbin/rndc-confgen",
         "etc/bind",
         "ingot-rndc-key.service",
         "[Unit]\n"
         "Description=Key for the control of this machine's name server\n"
         "ConditionPathExists=!/etc/bind/rndc.key\n"
         "Before=named.service\n"
         "\n"
         "[Service]\n"
         "Type=oneshot\n"
         "RemainAfterExit=yes\n"
         "ExecStart=/usr/sbin/rndc-confgen -a -u bind\n",
         {"named.service.wants"}},
};

#define SYSTEM "usr/lib/systemd/system/"

static int add_unit(struct ingot_tree *tree, size_t u, int64_t mtime, ingot_error *reterr)
{
        _cleanup_free_ char *path = NULL, *target = NULL;
        int r = ingot_format(&path, reterr, SYSTEM "%s", units[u].name);
        if (r >= 0)
                r = ingot_format(&target, reterr, "../%s", units[u].name);
        if (r >= 0)
                r = ingot_tree_put_bytes(tree, path, 0644, mtime, units[u].text,
                                         strlen(units[u].text), reterr);
        for (size_t i = 0; i < ARRAY_SIZE(units[u].wanted_by) && r >= 0; i++) {
                _cleanup_free_ char *link = NULL;
                if (!units[u].wanted_by[i])
                        break;
                r = ingot_format(&link, reterr, SYSTEM "%s/%s", units[u].wanted_by[i],
                                 units[u].name);
                if (r >= 0)
                        r = ingot_tree_put_symlink(tree, link, target, mtime, reterr);
        }
        return r;
}

static int add_units(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (!ingot_tree_resolve(tree, units[i].program) ||
                    (units[i].also && !ingot_tree_resolve(tree, units[i].also)))
                        continue;
                int r = add_unit(tree, i, mtime, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int put_text(struct ingot_tree *tree, const char *path, uint16_t mode, const char *text,
                    int64_t mtime, ingot_error *reterr)
{
        return ingot_tree_put_bytes(tree, path, mode, mtime, text, strlen(text), reterr);
}

/*
 * /etc and the catalogue in /var are as the packages of this /usr left them: systemd need not make
 * them again at the first boot, nor at every boot of a volatile /etc (ConditionNeedsUpdate=,
 * systemd-update-done.service(8): the stamp is not older than /usr). A later release has its own
 * stamp in /etc, and /var's is then too old.
 */
static int put_stamps(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        static const char text[] = "# As old as the image; see systemd-update-done.service(8).\n";
        int r = put_text(tree, "etc/.updated", 0644, text, mtime, reterr);
        return r < 0 ? r : put_text(tree, "var/.updated", 0644, text, mtime, reterr);
}

/* A first boot without questions, which changes nothing of what the recipe chose. */
static int prepare_first_boot(struct ingot_tree *tree, int64_t mtime, ingot_error *reterr)
{
        if (!ingot_tree_resolve(tree, "usr/lib/systemd"))
                return 0;
        int r = put_text(tree, "etc/machine-id", 0444, "uninitialized\n", mtime, reterr);
        if (r >= 0)
                r = put_stamps(tree, mtime, reterr);
        if (r >= 0 && ingot_tree_resolve(tree, SYSTEM "systemd-firstboot.service"))
                r = put_text(tree, SYSTEM "systemd-firstboot.service.d/10-ingot.conf", 0644,
                             "# Credentials are taken; nobody is asked on the console.\n"
                             "[Service]\n"
                             "ExecStart=\n"
                             "ExecStart=systemd-firstboot\n"
                             "StandardInput=null\n"
                             "StandardOutput=journal\n"
                             "StandardError=journal\n",
                             mtime, reterr);
        return r;
}

int ingot_identity_remove(struct ingot_tree *tree, int64_t mtime, struct ingot_strings *removed,
                          ingot_error *reterr)
{
        static const char hosts[] = "127.0.0.1\tlocalhost\n"
                                    "::1\t\tlocalhost ip6-localhost ip6-loopback\n";
        struct search s = {0};
        int r = ingot_tree_walk(tree, find_gone, &s, reterr);
        for (size_t i = 0; i < s.found.count && r >= 0; i++) {
                r = ingot_tree_remove(tree, s.found.items[i], reterr);
                if (r >= 0 && removed)
                        r = ingot_strings_add(removed, s.found.items[i], reterr);
        }
        ingot_strings_done(&s.found);
        if (r >= 0)
                r = put_text(tree, "etc/hosts", 0644, hosts, mtime, reterr);
        if (r >= 0 && ingot_tree_resolve(tree, "var/lib/dbus"))
                r = ingot_tree_put_symlink(tree, "var/lib/dbus/machine-id", "/etc/machine-id",
                                           mtime, reterr);
        if (r >= 0)
                r = prepare_first_boot(tree, mtime, reterr);
        return r < 0 ? r : add_units(tree, mtime, reterr);
}
