namespace ZeroOS.Formats.Fat;

/// <summary>
/// What a file system lies on, as a power cut sees it: writes before a <see cref="Flush"/> are on the medium when it returns; of those after the last one any
/// subset may be there, sector by sector, when the power goes. A sector is written whole or not at all.
/// </summary>
public interface IVolumeMedium
{
    /// <summary>Fills the whole buffer from <paramref name="offset"/> bytes.</summary>
    /// <exception cref="IOException">The medium refuses.</exception>
    void Read(long offset, Span<byte> buffer);

    /// <summary>Writes at <paramref name="offset"/> bytes; offset and length are multiples of a sector.</summary>
    /// <exception cref="IOException">The medium refuses.</exception>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Waits until everything written is on the medium.</summary>
    /// <exception cref="IOException">The medium refuses.</exception>
    void Flush();
}
