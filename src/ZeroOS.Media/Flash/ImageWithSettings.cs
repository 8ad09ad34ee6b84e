using ZeroOS.Media.SystemImage.Media;

namespace ZeroOS.Media.Flash;

/// <summary>
/// An image with a farm's settings on it, made of one without in the folder for temporary files and gone with this object. It takes room only where it is not
/// zero.
/// </summary>
internal sealed class ImageWithSettings : IDisposable
{
    private const int PieceBytes = 1 << 20;

    private readonly string _folder;

    private ImageWithSettings(string folder) => _folder = folder;

    /// <summary>The image.</summary>
    public FlashImage Image { get; private set; } = null!;

    /// <summary>Makes it. The plain image is read to its end and compared with its sum first.</summary>
    /// <exception cref="MediaException">The plain image is damaged, or no image of ours.</exception>
    public static ImageWithSettings Make(FlashImage plain, string name, byte[] settings, CancellationToken cancellation)
    {
        ImageWithSettings made = new(Directory.CreateTempSubdirectory("zos-flash-").FullName);
        try
        {
            string unpacked = Path.Combine(made._folder, "plain"), complete = Path.Combine(made._folder, "complete");
            using (FileStream source = new(unpacked, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                Unpack(plain, source, cancellation);
                plain.CheckSum();
                using FileStream target = new(complete, FileMode.CreateNew, FileAccess.ReadWrite);
                MediaSettings.Write(source, target, settings);
            }
            File.Delete(unpacked);
            made.Image = FlashImage.OfMade(complete, name);
            return made;
        }
        catch (InvalidDataException e)
        {
            made.Dispose();
            throw new MediaException($"{name} takes no settings: {e.Message}");
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Image?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static void Unpack(FlashImage plain, FileStream target, CancellationToken cancellation)
    {
        byte[] piece = new byte[PieceBytes];
        long length = 0;
        while (plain.Bytes.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false) is > 0 and int got)
        {
            cancellation.ThrowIfCancellationRequested();
            if (piece.AsSpan(0, got).ContainsAnyExcept((byte)0))
            {
                target.Position = length;
                target.Write(piece, 0, got);
            }
            length += got;
        }
        target.SetLength(length);
    }
}
