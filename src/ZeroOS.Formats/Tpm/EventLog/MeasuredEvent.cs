using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>One event of the log. Its digest was extended into the PCR; its data is only somebody's word unless <see cref="DataIsMeasured"/>.</summary>
public sealed class MeasuredEvent
{
    /// <summary>Takes an event apart from its log.</summary>
    public MeasuredEvent(int index, int pcr, EventType type, IReadOnlyList<byte[]?> digests, ReadOnlyMemory<byte> data) =>
        (Index, Pcr, Type, _digests, Data) = (index, pcr, type, digests, data);

    private readonly IReadOnlyList<byte[]?> _digests;

    /// <summary>Its place in the log, from 0.</summary>
    public int Index { get; }

    /// <summary>The register it was extended into, 0 to 23.</summary>
    public int Pcr { get; }

    /// <summary>What kind it is.</summary>
    public EventType Type { get; }

    /// <summary>What goes with it, as the event's type says.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Whether it was extended at all.</summary>
    public bool IsExtended => Type != EventType.NoAction;

    /// <summary>The digest in the bank of SHA-256, 32 bytes; empty if the log has no such bank.</summary>
    public ReadOnlySpan<byte> Sha256 => Digest(PcrBank.Sha256);

    /// <summary>The digest that was extended in a bank; empty if the log has no such bank.</summary>
    public ReadOnlySpan<byte> Digest(PcrBank bank) => _digests[(int)bank] ?? [];

    /// <summary>
    /// Whether the digest is that of the data, so that the data is as sure as the PCR. Without this a log can carry true digests and false words beside them.
    /// </summary>
    public bool DataIsMeasured => IsExtended && Sha256.Length > 0 && Sha256.SequenceEqual(SHA256.HashData(Data.Span));

    /// <summary>
    /// The data as UTF-16 text up to its NUL, as systemd-stub describes what it measures; at most 256 characters, nothing that could move a cursor.
    /// </summary>
    public string Description
    {
        get
        {
            string text = Encoding.Unicode.GetString(Data.Span[..Math.Min(Data.Length & ~1, 512)]);
            int end = text.IndexOf('\0', StringComparison.Ordinal);
            return ForeignText.Plain(end < 0 ? text : text[..end], 256);
        }
    }
}
