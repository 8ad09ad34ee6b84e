using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Tpm.EventLog;

namespace ZeroOS.Tests.Formats.Tpm;

/// <summary>Writes an event log as firmware does, with banks of SHA-1 and SHA-256.</summary>
internal sealed class EventLogBuilder
{
    private readonly MemoryStream _log = new();

    public EventLogBuilder(bool sha256 = true)
    {
        U32(0);
        U32((uint)EventType.NoAction);
        _log.Write(new byte[20]);
        byte[] header = [.. "Spec ID Event03\0"u8, 0, 0, 0, 0, 0, 2, 0, 2,
            .. sha256 ? (byte[])[2, 0, 0, 0, 4, 0, 20, 0, 0xB, 0, 32, 0] : [1, 0, 0, 0, 4, 0, 20, 0], 0];
        U32((uint)header.Length);
        _log.Write(header);
        HasSha256 = sha256;
    }

    private bool HasSha256 { get; }

    public byte[] ToBytes() => _log.ToArray();

    /// <summary>An event whose digest is that of its data.</summary>
    public EventLogBuilder Add(int pcr, EventType type, ReadOnlySpan<byte> data) => Add(pcr, type, data, SHA256.HashData(data));

    /// <summary>An event with a digest of something else.</summary>
    public EventLogBuilder Add(int pcr, EventType type, ReadOnlySpan<byte> data, ReadOnlySpan<byte> digest)
    {
        U32((uint)pcr);
        U32((uint)type);
        U32(HasSha256 ? 2u : 1u);
        U16(4);
        _log.Write(type == EventType.NoAction ? new byte[20] : SHA256.HashData(data)[..20]); // nobody looks at this bank
        if (HasSha256)
        {
            U16(0xB);
            _log.Write(type == EventType.NoAction ? new byte[32] : digest);
        }
        U32((uint)data.Length);
        _log.Write(data);
        return this;
    }

    public EventLogBuilder Locality(byte locality) => Add(0, EventType.NoAction, [.. "StartupLocality\0"u8, locality]);

    public EventLogBuilder Separators()
    {
        for (int pcr = 0; pcr < 8; pcr++)
            Add(pcr, EventType.Separator, new byte[4]);
        return this;
    }

    /// <summary>An application, from a file's device path.</summary>
    public EventLogBuilder Application(ReadOnlySpan<byte> authenticode, string file)
    {
        byte[] name = Encoding.Unicode.GetBytes(file + "\0");
        byte[] path = [4, 4, (byte)(name.Length + 4), (byte)((name.Length + 4) >> 8), .. name, 0x7F, 0xFF, 4, 0];
        byte[] data = new byte[32 + path.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(24), (ulong)path.Length);
        path.CopyTo(data, 32);
        return Add(4, EventType.EfiBootServicesApplication, data, authenticode);
    }

    /// <summary>What systemd-stub measures: any bytes, described in UTF-16.</summary>
    public EventLogBuilder Stub(int pcr, ReadOnlySpan<byte> measured, string description) =>
        Add(pcr, EventType.Ipl, Encoding.Unicode.GetBytes(description + "\0"), SHA256.HashData(measured));

    public EventLogBuilder Variable(Guid vendor, string name, ReadOnlySpan<byte> content)
    {
        byte[] text = Encoding.Unicode.GetBytes(name);
        byte[] data = [.. vendor.ToByteArray(), .. BitConverter.GetBytes((ulong)name.Length),
            .. BitConverter.GetBytes((ulong)content.Length), .. text, .. content];
        return Add(7, EventType.EfiVariableDriverConfig, data);
    }

    private void U32(uint value) => _log.Write(BitConverter.GetBytes(value));

    private void U16(ushort value) => _log.Write(BitConverter.GetBytes(value));
}
