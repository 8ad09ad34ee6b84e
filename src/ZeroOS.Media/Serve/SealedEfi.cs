using ZeroOS.Formats.Pe;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Media.Serve;

/// <summary>
/// An EFI file with farm settings inside, made again when the file it is made of has changed: another version to be served is put in its place, and that is
/// all.
/// </summary>
/// <param name="path">The file without settings.</param>
/// <param name="document">Verified settings.</param>
internal sealed class SealedEfi(string path, byte[] document)
{
    private readonly Lock _lock = new();
    private (DateTime Written, long Bytes) _of;
    private ReadOnlyMemory<byte> _sealed;

    /// <summary>The bytes to send now.</summary>
    /// <exception cref="IOException">The file is gone, or has become one that takes no settings; the message says why.</exception>
    public ReadOnlyMemory<byte> Read()
    {
        lock (_lock)
        {
            FileInfo file = new(path);
            if (!file.Exists || (file.LastWriteTimeUtc, file.Length) != _of)
            {
                try
                {
                    Make();
                }
                catch (Exception e) when (e is MediaException or InvalidDataException)
                {
                    throw new IOException(e.Message, e);
                }
            }
            return _sealed;
        }
    }

    /// <summary>Makes them.</summary>
    /// <exception cref="MediaException">The file is signed: with something inside that the signature does not know, firmware with Secure Boot would refuse
    /// it.</exception>
    /// <exception cref="InvalidDataException">It is no image of ours.</exception>
    /// <exception cref="IOException">It is gone.</exception>
    public void Make()
    {
        FileInfo file = new(path);
        (DateTime, long) of = (file.LastWriteTimeUtc, file.Length);
        if (Authenticode.Signatures(File.ReadAllBytes(path)).Count > 0)
            throw new MediaException(
                $"{path} is signed, and settings inside would break the signature; make your farm's own with zos image seal and serve that with --efi FILE");
        (_sealed, _of) = (FinishedImage.Open(path).Seal(document, SigningKeys.None).Efi, of);
    }
}
