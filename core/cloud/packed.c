/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zlib with a preset dictionary. The stream that compresses is kept: making one costs more than
 * using it. */
#include "core/cloud/packed.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

enum { LEVEL = 6, RAW = -15 /* no header: the length is ours */, MEMORY = 8 };

struct packed {
    uint32_t length, stored;
    unsigned char bytes[]; /* deflated; as they are if that was no shorter */
};

/* What is likely to come: zlib finds the end of it best. */
static const char dictionary[] =
    "1 of 1 hosts passed: h1\nHOST RESULT         DEMAND RESOURCES COST SCORE\n"
    "h1   passed         1.000000 0.500000 1.000000 0.500000\n<domain type='test'>\n"
    "  <currentMemory unit='KiB'>1048576</currentMemory>\n  <os>\n    <type>hvm</type>\n"
    "  </os>\n  <clock offset='utc'/>\n<domain type='qemu' id='1'>\n  <name></name>\n"
    "  <uuid></uuid>\n  <metadata>\n"
    "    <cloudfs:vm xmlns:cloudfs=\"urn:cloudfs:1\" cloud=\"\" id=\"\" name=\"\" "
    "service=\"\">cpus = 1&#10;memory = 512MiB&#10;virtualization = test&#10;network = "
    "none&#10;</cloudfs:vm>\n"
    "  </metadata>\n  <memory unit='KiB'>65536</memory>\n"
    "  <currentMemory unit='KiB'>65536</currentMemory>\n  <vcpu placement='static'>1</vcpu>\n"
    "  <os>\n    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>\n"
    "    <boot dev='hd'/>\n  </os>\n  <features>\n    <acpi/>\n  </features>\n"
    "  <cpu mode='custom' match='exact' check='full'>\n"
    "    <model fallback='forbid'>qemu64</model>\n"
    "    <feature policy='require' name='hypervisor'/>\n"
    "    <feature policy='require' name='lahf_lm'/>\n  </cpu>\n  <clock offset='utc'/>\n"
    "  <on_poweroff>destroy</on_poweroff>\n  <on_reboot>restart</on_reboot>\n"
    "  <on_crash>destroy</on_crash>\n  <devices>\n"
    "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
    "    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2'/>\n"
    "      <source file='/var/lib/libvirt/images/' index='2'/>\n      <backingStore/>\n"
    "      <target dev='vda' bus='virtio'/>\n      <alias name='virtio-disk0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>\n"
    "    </disk>\n    <disk type='file' device='cdrom'>\n"
    "      <driver name='qemu' type='raw'/>\n"
    "      <source file='/var/lib/libvirt/images/' index='1'/>\n      <backingStore/>\n"
    "      <target dev='sda' bus='sata'/>\n      <readonly/>\n"
    "      <alias name='sata0-0-0'/>\n"
    "      <address type='drive' controller='0' bus='0' target='0' unit='0'/>\n    </disk>\n"
    "    <controller type='usb' index='0' model='piix3-uhci'>\n      <alias name='usb'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x2'/>\n"
    "    </controller>\n    <controller type='pci' index='0' model='pci-root'>\n"
    "      <alias name='pci.0'/>\n    </controller>\n    <controller type='sata' index='0'>\n"
    "      <alias name='sata0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>\n"
    "    </controller>\n    <controller type='virtio-serial' index='0'>\n"
    "      <alias name='virtio-serial0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>\n"
    "    </controller>\n    <interface type='user'>\n      <mac address='52:54:00:'/>\n"
    "      <model type='virtio'/>\n      <alias name='net0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>\n"
    "    </interface>\n    <serial type='pty'>\n      <source path='/dev/pts/0'/>\n"
    "      <target type='isa-serial' port='0'>\n        <model name='isa-serial'/>\n"
    "      </target>\n      <alias name='serial0'/>\n    </serial>\n"
    "    <console type='pty' tty='/dev/pts/0'>\n      <source path='/dev/pts/0'/>\n"
    "      <target type='serial' port='0'/>\n      <alias name='serial0'/>\n    </console>\n"
    "    <channel type='unix'>\n"
    "      <source mode='bind' "
    "path='/var/lib/libvirt/qemu/channel/target/domain-1-/org.qemu.guest_agent.0'/>\n"
    "      <target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/>\n"
    "      <alias name='channel0'/>\n"
    "      <address type='virtio-serial' controller='0' bus='0' port='1'/>\n    </channel>\n"
    "    <input type='mouse' bus='ps2'>\n      <alias name='input0'/>\n    </input>\n"
    "    <input type='keyboard' bus='ps2'>\n      <alias name='input1'/>\n    </input>\n"
    "    <audio id='1' type='none'/>\n    <memballoon model='virtio'>\n"
    "      <alias name='balloon0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x06' function='0x0'/>\n"
    "    </memballoon>\n    <rng model='virtio'>\n"
    "      <backend model='random'>/dev/urandom</backend>\n      <alias name='rng0'/>\n"
    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x07' function='0x0'/>\n"
    "    </rng>\n  </devices>\n</domain>\n\n";

static z_stream *deflater(void)
{
    static z_stream stream;
    static bool ready;

    if (!ready)
        ready = deflateInit2(&stream, LEVEL, Z_DEFLATED, RAW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    return ready && deflateReset(&stream) == Z_OK &&
                   deflateSetDictionary(&stream, (const Bytef *)dictionary,
                                        sizeof dictionary - 1) == Z_OK
               ? &stream
               : NULL;
}

/* The bytes used of OUT; LENGTH if it does not get shorter. */
static size_t compress_text(const char *text, size_t length, unsigned char *out)
{
    z_stream *stream = deflater();

    if (!stream)
        return length;
    stream->next_in = (Bytef *)text;
    stream->avail_in = (uInt)length;
    stream->next_out = out;
    stream->avail_out = (uInt)length;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END)
        return length;
    return length - stream->avail_out;
}

struct packed *packed_new(const char *text)
{
    size_t length = text ? strlen(text) : 0, stored;
    g_autofree unsigned char *out = NULL;
    struct packed *packed;

    if (!text || length > UINT32_MAX)
        return NULL;
    out = g_malloc(length + 1);
    stored = compress_text(text, length, out);
    packed = g_malloc(sizeof *packed + stored);
    packed->length = (uint32_t)length;
    packed->stored = (uint32_t)stored;
    memcpy(packed->bytes, stored < length ? (const void *)out : text, stored);
    return packed;
}

static void expand(const struct packed *packed, char *text)
{
    z_stream stream = {
        .next_in = (Bytef *)packed->bytes,
        .avail_in = packed->stored,
        .next_out = (Bytef *)text,
        .avail_out = packed->length,
    };

    if (inflateInit2(&stream, RAW) != Z_OK)
        g_error("zlib has no memory"); /* as GLib ends where there is none */
    inflateSetDictionary(&stream, (const Bytef *)dictionary, sizeof dictionary - 1);
    inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
}

char *packed_text(const struct packed *packed)
{
    char *text;

    if (!packed)
        return NULL;
    text = g_malloc0((size_t)packed->length + 1);
    if (packed->stored < packed->length)
        expand(packed, text);
    else
        memcpy(text, packed->bytes, packed->length);
    return text;
}

size_t packed_length(const struct packed *packed)
{
    return packed ? packed->length : 0;
}

/* ---- for a database */

/* Before the bytes; numbers are little-endian. */
struct header {
    uint32_t dictionary; /* CRC-32 of what it was packed with */
    uint32_t sum;        /* the same of all that follows */
    uint32_t length;     /* of the text */
};

static uint32_t sum_of(uint32_t before, const void *bytes, size_t n)
{
    return (uint32_t)crc32(before, bytes, (uInt)n);
}

static uint32_t dictionary_sum(void)
{
    static gsize known;
    static uint32_t sum;

    if (g_once_init_enter(&known)) {
        sum = sum_of(0, dictionary, sizeof dictionary);
        g_once_init_leave(&known, 1);
    }
    return sum;
}

static uint32_t content_sum(uint32_t length, const void *bytes, size_t n)
{
    return sum_of(sum_of(0, &length, sizeof length), bytes, n);
}

char *packed_write(const struct packed *packed)
{
    g_autoptr(GByteArray) all = NULL;
    struct header header;

    if (!packed)
        return NULL;
    header.length = GUINT32_TO_LE(packed->length);
    header.dictionary = GUINT32_TO_LE(dictionary_sum());
    header.sum = GUINT32_TO_LE(content_sum(header.length, packed->bytes, packed->stored));
    all = g_byte_array_sized_new((guint)sizeof header + packed->stored);
    g_byte_array_append(all, (const guint8 *)&header, sizeof header);
    g_byte_array_append(all, packed->bytes, packed->stored);
    return g_base64_encode(all->data, all->len);
}

struct packed *packed_read(const char *word)
{
    gsize n = 0;
    g_autofree guchar *all = word && *word ? g_base64_decode(word, &n) : NULL;
    const guchar *bytes = all ? all + sizeof(struct header) : NULL;
    struct header header;
    struct packed *packed;

    if (!all || n < sizeof header)
        return NULL;
    n -= sizeof header;
    memcpy(&header, all, sizeof header);
    if (GUINT32_FROM_LE(header.dictionary) != dictionary_sum() ||
        GUINT32_FROM_LE(header.sum) != content_sum(header.length, bytes, n))
        return NULL;
    packed = g_malloc(sizeof *packed + n);
    packed->length = GUINT32_FROM_LE(header.length);
    packed->stored = (uint32_t)n;
    memcpy(packed->bytes, bytes, n);
    return packed;
}

/* The same text is packed the same way. */
bool packed_equal(const struct packed *a, const struct packed *b)
{
    if (!a || !b)
        return a == b;
    return a->length == b->length && a->stored == b->stored &&
           memcmp(a->bytes, b->bytes, a->stored) == 0;
}
