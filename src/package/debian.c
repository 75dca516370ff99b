/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian: its facts. */
#include "package/debian.h"
#include "base/cleanup.h"

#include <string.h>

static const struct {
        const char *uapi, *debian;
} architectures[] = {
        {"x86-64", "amd64"},   {"x86", "i386"},       {"arm64", "arm64"},
        {"arm", "armhf"},      {"riscv64", "riscv64"}, {"ppc64-le", "ppc64el"},
        {"s390x", "s390x"},    {"loongarch64", "loong64"},
};

static const char *architecture(const char *uapi)
{
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
                if (strcmp(uapi, architectures[i].uapi) == 0)
                        return architectures[i].debian;
        return NULL;
}

static int mirror(const struct ingot_package_source *source, char **ret, ingot_error *reterr)
{
        return ingot_debian_host_mirror("/etc/apt", source->suite, ret, reterr);
}

static int lock_packages(const struct ingot_package_request *r, struct ingot_lock *ret,
                         ingot_error *reterr)
{
        _cleanup_debian_indexes_ struct ingot_debian_indexes indexes = {0};
        const char *name = architecture(ret->architecture);
        if (!name)
                return ingot_fail(reterr, INGOT_E_UNSUPPORTED, "Debian has no architecture %s",
                                  ret->architecture);
        int e = ingot_debian_indexes_open(r, name, &indexes, reterr);
        if (e < 0)
                return e;
        ret->date = indexes.date;
        return ingot_debian_solve(r, name, &indexes, ret, reterr);
}

const struct ingot_distribution ingot_distribution_debian = {
        .name = "debian",
        .default_suite = "trixie",
        .default_components = "main",
        .default_keyring = "/usr/share/keyrings/debian-archive-keyring.gpg",
        .package_suffix = ".deb",
        .paths = {
                .modules = "usr/lib/modules",
                .kernel = "boot/vmlinuz-%s",
                .stub = "usr/lib/systemd/boot/efi/linux%s.efi.stub",
                .loader = "usr/lib/systemd/boot/efi/systemd-boot%s.efi",
                .database = "var/lib/dpkg",
        },
        .architecture = architecture,
        .mirror = mirror,
        .lock = lock_packages,
};
