// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * URIs: which can be one, and what libvirt is really given.
 *
 * The URIs of local daemons are rewritten to their sockets. Once the embedded driver was opened
 * in a process, libvirt takes every "qemu:///…" of that process for it, and looks for the sockets
 * of the modular daemons only; with transport and socket spelled out it asks nobody.
 */
#include <libxml/uri.h>
#include <string.h>

#include "core/virt/internal.h"

typedef xmlURI ParsedUri;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ParsedUri, xmlFreeURI)

static const struct {
    const char *scheme;
    enum virt_driver driver;
    const char *socket; /* of its modular daemon; NULL: runs in the client */
} drivers[] = {
    {"qemu",   DRIVER_QEMU,  "virtqemud-sock" },
    {"lxc",    DRIVER_LXC,   "virtlxcd-sock"  },
    {"test",   DRIVER_TEST,  NULL             },
    {"xen",    DRIVER_OTHER, "virtxend-sock"  },
    {"vbox",   DRIVER_OTHER, "virtvboxd-sock" },
    {"bhyve",  DRIVER_OTHER, "virtbhyved-sock"},
    {"ch",     DRIVER_OTHER, "virtchd-sock"   },
    {"vz",     DRIVER_OTHER, "virtvzd-sock"   },
    {"esx",    DRIVER_OTHER, NULL             },
    {"hyperv", DRIVER_OTHER, NULL             },
    {"openvz", DRIVER_OTHER, NULL             },
};

static const char *const transports[] = {"unix",   "ssh",     "tls", "tcp",
                                         "libssh", "libssh2", "ext", NULL};

/* The row of SCHEME without its transport, -1 if there is none. */
static int find_driver(const char *scheme)
{
    size_t len = strcspn(scheme, "+");
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (strlen(drivers[i].scheme) == len && strncmp(drivers[i].scheme, scheme, len) == 0)
            return (int)i;
    return -1;
}

static const char *transport_of(const ParsedUri *uri)
{
    const char *plus = strchr(uri->scheme, '+');
    return plus ? plus + 1 : NULL;
}

static ParsedUri *parse(const char *text)
{
    g_autoptr(ParsedUri) uri = xmlParseURI(text);
    if (!uri || !uri->scheme || uri->opaque)
        return NULL;
    return g_steal_pointer(&uri);
}

static bool has_server(const ParsedUri *uri)
{
    return uri->server && *uri->server;
}

/* No host and no way to one: the driver of this machine. */
static bool is_here(const ParsedUri *uri)
{
    const char *transport = transport_of(uri);
    return !has_server(uri) && (!transport || strcmp(transport, "unix") == 0);
}

static bool is_daemon(const ParsedUri *uri)
{
    int row = find_driver(uri->scheme);
    return row >= 0 && is_here(uri) && drivers[row].socket;
}

static bool is_embed(const ParsedUri *uri)
{
    return strcmp(uri->scheme, "qemu") == 0 && !has_server(uri) &&
           g_strcmp0(uri->path, "/embed") == 0;
}

static char *parameter(const ParsedUri *uri, const char *name)
{
    g_auto(GStrv) pairs = g_strsplit_set(uri->query_raw ? uri->query_raw : "", "&;", -1);
    size_t len = strlen(name);
    for (char **pair = pairs; *pair; pair++)
        if (g_ascii_strncasecmp(*pair, name, len) == 0 && (*pair)[len] == '=')
            return g_uri_unescape_string(*pair + len + 1, NULL);
    return NULL;
}

char *virt_uri_parameter(const char *text, const char *name)
{
    g_autoptr(ParsedUri) uri = parse(text);
    return uri ? parameter(uri, name) : NULL;
}

bool virt_uri_is_local(const char *text)
{
    g_autoptr(ParsedUri) uri = parse(text);
    return uri && is_daemon(uri) && !is_embed(uri);
}

bool virt_uri_is_here(const char *text)
{
    g_autoptr(ParsedUri) uri = parse(text);
    return uri && is_here(uri);
}

enum virt_driver virt_uri_driver(const char *text)
{
    g_autoptr(ParsedUri) uri = parse(text);
    int row = uri ? find_driver(uri->scheme) : -1;
    if (row < 0)
        return DRIVER_OTHER;
    return is_embed(uri) ? DRIVER_EMBED : drivers[row].driver;
}

static bool check_embed(const ParsedUri *uri, const char *text, GError **error)
{
    g_autofree char *root = parameter(uri, "root");
    if (!root || g_path_is_absolute(root))
        return true;
    fail(error, EINVAL, "%s: root must be an absolute path", text);
    return false;
}

static bool check_path(const ParsedUri *uri, const char *text, GError **error)
{
    static const char *const daemon[] = {"/system", "/session", NULL};
    const char *path = uri->path ? uri->path : "";
    if (is_embed(uri))
        return check_embed(uri, text, error);
    if (strcspn(uri->scheme, "+") == 4 && strncmp(uri->scheme, "qemu", 4) == 0 &&
        !g_strv_contains(daemon, path)) {
        fail(error, EINVAL, "%s: the path of a qemu URI is /system, /session or /embed", text);
        return false;
    }
    if (strncmp(uri->scheme, "test", 4) == 0 && strlen(path) < 2) {
        fail(error, EINVAL, "%s: try test:///default", text);
        return false;
    }
    return true;
}

bool virt_check_uri(const char *text, GError **error)
{
    g_autoptr(ParsedUri) uri = parse(text);
    if (!uri) {
        fail(error, EINVAL, "\"%s\" is not a URI such as qemu:///system", text);
        return false;
    }
    const char *transport = transport_of(uri);
    if (find_driver(uri->scheme) < 0) {
        fail(error, EINVAL, "%s: no driver of libvirt is called \"%.*s\"", text,
             (int)strcspn(uri->scheme, "+"), uri->scheme);
        return false;
    }
    if (transport && !g_strv_contains(transports, transport)) {
        fail(error, EINVAL,
             "%s: \"%s\" is no transport (unix, ssh, tls, tcp, libssh, libssh2, ext)", text,
             transport);
        return false;
    }
    return check_path(uri, text, error);
}

/* As libvirt's QEMU driver takes them, "tcp:host" among them; of the others each is its own judge.
 */
bool virt_check_data_uri(const char *uri, const char *data, GError **error)
{
    g_autoptr(ParsedUri) to = xmlParseURI(data);
    bool good;
    if (virt_uri_driver(uri) == DRIVER_OTHER)
        return true;
    if (!to || !to->scheme)
        good = false;
    else if (strcmp(to->scheme, "unix") == 0)
        good = to->path && to->path[0] == '/';
    else if (strcmp(to->scheme, "tcp") == 0)
        good = has_server(to) || (to->path && to->path[0] && to->path[0] != '/');
    else
        good = strcmp(to->scheme, "rdma") == 0 && has_server(to);
    if (!good)
        fail(error, EINVAL,
             "migrate_uri = %s: libvirt sends VMs to tcp://HOST, rdma://HOST or unix:///SOCKET",
             data);
    return good;
}

bool virt_is_embedded(const char *uri)
{
    return virt_uri_driver(uri) == DRIVER_EMBED;
}

/* TEXT with one more parameter. */
static char *with_parameter(const char *text, const char *name, const char *value)
{
    g_autofree char *escaped = g_uri_escape_string(value, "/", FALSE);
    size_t len = strcspn(text, "#");
    char glue = memchr(text, '?', len) ? '&' : '?';
    return g_strdup_printf("%.*s%c%s=%s", (int)len, text, glue, name, escaped);
}

/* The socket to use, NULL if there is no daemon that answers. */
static char *find_socket(const char *const *directories, const char *modular,
                         const struct virt_site *site)
{
    const char *const names[] = {"libvirt-sock", modular};
    for (; *directories; directories++)
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
            g_autofree char *path = g_build_filename(*directories, names[i], NULL);
            if (site->listens(path))
                return g_steal_pointer(&path);
        }
    return NULL;
}

static char *daemon_socket(const ParsedUri *uri, const struct virt_site *site)
{
    const char *modular = drivers[find_driver(uri->scheme)].socket;
    g_autofree char *runtime = g_build_filename(site->runtime, "libvirt", NULL);
    bool session = g_strcmp0(uri->path, "/session") == 0;
    const char *const user[] = {runtime, NULL};
    const char *const machine[] = {"/run/libvirt", "/var/run/libvirt", NULL};
    const char *const *directories = session ? user : machine;

    char *path = find_socket(directories, modular, site);
    if (path)
        return path;
    /* libvirt starts a session's daemon by itself, unless the URI names a socket. */
    if (session && !site->embedded)
        return NULL;
    return g_build_filename(directories[0], "libvirt-sock", NULL);
}

static char *daemon_uri(const char *text, const ParsedUri *uri, const struct virt_site *site)
{
    g_autofree char *given = parameter(uri, "socket");
    g_autofree char *path = given ? NULL : daemon_socket(uri, site);
    if (!given && !path)
        return g_strdup(text);
    bool bare = !uri->path || !uri->path[strspn(uri->path, "/")];
    g_autofree char *plain = g_strdup_printf(
        "%s+unix://%s%s%s", drivers[find_driver(uri->scheme)].scheme, bare ? "/system" : uri->path,
        uri->query_raw ? "?" : "", uri->query_raw ? uri->query_raw : "");
    return given ? g_steal_pointer(&plain) : with_parameter(plain, "socket", path);
}

static char *embed_uri(const char *text, const ParsedUri *uri, const struct virt_site *site)
{
    g_autofree char *given = parameter(uri, "root");
    if (given)
        return g_strdup(text);
    g_autofree char *root = g_build_filename(site->state, "embed", NULL);
    return with_parameter(text, "root", root);
}

char *virt_connect_uri(const char *text, const struct virt_site *site)
{
    g_autoptr(ParsedUri) uri = parse(text);
    if (!uri)
        return g_strdup(text);
    if (is_embed(uri))
        return embed_uri(text, uri, site);
    if (is_daemon(uri))
        return daemon_uri(text, uri, site);
    /* ssh would ask for a password on the terminal that cloudfs was started from. */
    g_autofree char *no_tty = parameter(uri, "no_tty");
    if (g_strcmp0(transport_of(uri), "ssh") == 0 && !no_tty)
        return with_parameter(text, "no_tty", "1");
    return g_strdup(text);
}
